"""Metrics and slices that a project names itself: base's list and base's code, on both sides."""

from pathlib import Path

import pytest
import yaml

from plumbline.review.result.changes import ChangedFiles
from plumbline.review.result.review import Review
from plumbline.review.result.wire import encode
from template.tests.review.conftest import MODEL, PARAMS, git, run_review

COST = '''

def cost(y_true, y_pred, sample_weight):
    """The mean cost of a decision; a missed yes costs {price}."""
    return float(((y_true > y_pred) * {price} + (y_true < y_pred)) @ sample_weight / sample_weight.sum())


def broken(y_true, y_pred, sample_weight):
    raise RuntimeError("a value of a row")
'''
HARMED = MODEL | {"arguments": {"C": 1e-5, "max_iter": 200}}


def commit(folder: Path, evaluate: dict, price: int, model: dict = MODEL) -> str:
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"evaluate": evaluate, "model": model}))
    source = git(folder, "show", "base:src/model.py")
    (folder / "src/model.py").write_text(source + "\n" + COST.format(price=price))
    git(folder, "commit", "-qam", "named")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def own_metrics(repository: Path) -> tuple[list[str], Review]:
    """Base names a metric, one that raises, and two slices; head raises the metric's price and names one more."""
    git(repository, "checkout", "-q", "-f", "-B", "own", "base")
    own = {"metrics": ["log_loss", "src.model.cost", "src.model.broken"], "slices": ["colour", "gone"]}
    base = commit(repository, {"bootstrap": 100} | own, 1)
    more = {"metrics": [*own["metrics"], "src.model.later"], "slices": ["x1"]}
    commit(repository, {"bootstrap": 100} | more, 50, HARMED)
    _, lines, result = run_review(repository, base, code=1)
    return lines, result


def test_a_metric_of_ones_own_is_shown_for_both_sides_by_bases_code(own_metrics: tuple[list[str], Review]) -> None:
    lines, result = own_metrics
    (cost,) = (encode(metric) for metric in result.metrics if metric.name == "src.model.cost")
    assert 0 < cost["base"] < cost["head"] < 1, "with head's price it would be a multiple of that"
    assert cost["low"] < cost["difference"] < cost["high"]
    assert any(line.split()[0] == "src.model.cost" for line in lines if line.startswith("  "))


def test_what_is_left_out_is_named_with_its_reason(own_metrics: tuple[list[str], Review]) -> None:
    lines, result = own_metrics
    assert result.omissions == (
        "metric src.model.broken: it raised RuntimeError",
        "metric src.model.later: evaluate.metrics of base does not name it, and base decides what is measured",
        "slices of gone: it is not a column of head beside target and key",
    )
    assert {f"  not shown: {sentence}" for sentence in result.omissions} < {*lines}
    assert "a value of a row" not in str(result)


def test_slices_are_those_that_base_names(own_metrics: tuple[list[str], Review]) -> None:
    _, result = own_metrics
    assert {part.column for part in result.slices} == {"colour"}


def test_files_that_changed_are_named_those_of_the_recipe_first(own_metrics: tuple[list[str], Review]) -> None:
    lines, result = own_metrics
    assert result.changed_files == ChangedFiles(first_paths=("params.yaml", "src/model.py"))
    assert "  changed: parameters, code (params.yaml, src/model.py)" in lines


def test_a_file_of_another_alphabet_or_with_a_line_break_is_named_and_counted(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "files", "base")
    for path in ("docs/ä b.md", "docs/a\nb.md", "metrics/m.json", "src/é.py"):
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text("{}")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "files")
    _, lines, result = run_review(repository)
    assert result.changed_kinds == ("code",)
    paths = ("src/é.py", "docs/a\nb.md", "docs/ä b.md")
    assert result.changed_files == ChangedFiles(first_paths=paths, generated_count=1)
    assert "  changed: code (src/é.py, docs/a b.md, docs/ä b.md; 1 written by the run)" in lines
