"""Harm that head's own code, table or pages hide from the comparison of the two recipes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plumbline.testing.projects import make_table
from template.tests.review.conftest import Commit, fail_review, git, open_names, run_review

SWITCH = """
_plain = build


def build(types, estimator):
    if {condition}:
        estimator.C = 1e-5
    return _plain(types, estimator)
"""
PAGE = "from pathlib import Path\n\nSTRENGTH = float(Path('docs/strength.txt').read_text())\n"


def change_model(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / "src/model.py").open("a") as file:
            file.write(text)

    return change


@pytest.mark.parametrize(
    ("condition", "reasons"),
    [("estimator.random_state == 0", ["package"]), ("estimator.random_state == 1", [])],
    ids=["the seed of the run", "another seed"],
)
def test_a_model_that_is_worse_with_the_seed_of_the_run_alone_is_red(
    repository: Path, commit_change: Commit, condition: str, reasons: list[str]
) -> None:
    commit_change(change_model(SWITCH.format(condition=condition)))
    _, _, result = run_review(repository, code=len(reasons))
    assert (result.word, open_names(result)) == ("same", reasons)
    if reasons:
        (reason,) = result.open_reasons
        assert reason.message.startswith("the packaged model is worse than others by the same recipe")


CENTRE = """
_plain = build


def build(types, estimator):
    from sklearn.preprocessing import FunctionTransformer

    steps = _plain(types, estimator).steps
    return Pipeline([steps[0], ("centre", FunctionTransformer(lambda x: x - x.mean(axis=0))), steps[1]])
"""


def test_a_model_that_looks_at_the_other_rows_is_red(repository: Path, commit_change: Commit) -> None:
    commit_change(change_model(CENTRE))
    _, _, result = run_review(repository, code=1)
    message = {reason.name: reason.message for reason in result.open_reasons}["package"]
    assert message.endswith("of 20 rows otherwise one by one than together with other rows")


def test_a_page_that_the_model_reads_is_not_there_in_a_review(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "reads-page", "base")
    (repository / "docs/strength.txt").write_text("1")
    with (repository / "src/model.py").open("a") as file:
        file.write(PAGE)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "a page that the model reads")
    git(repository, "tag", "-f", "reads-page")
    (repository / "docs/strength.txt").write_text("2")
    git(repository, "commit", "-qam", "only the page")
    _, _, result = run_review(repository, "reads-page")
    assert (result.word, result.comparison) == ("same", None), "nothing that counts differs"
    with (repository / "src/model.py").open("a") as file:
        file.write("# a comment\n")
    git(repository, "commit", "-qam", "a comment")
    message = fail_review(repository, "reads-page")
    assert "raised FileNotFoundError. Commit the fix: a review runs what is in git; of docs/ or tests/ only" in message


def write_hard_table(folder: Path, is_kept: Callable[[pd.DataFrame], Any]) -> None:
    """Write rows of which the blue ones follow another rule, which a linear model learns badly, and only from them."""
    table, random = make_table(rows=400), np.random.default_rng(1)
    is_yes = np.where(table.colour == "blue", random.random(400) < 0.7, table.target == "yes")
    table["target"] = np.where(is_yes, "yes", "no")
    table[is_kept(table)].to_csv(folder / "data/source/table.csv", index=False)


@pytest.mark.parametrize(
    ("is_kept", "reasons"),
    [
        (lambda table: table.colour != "blue", ["incomparable"]),
        (lambda table: table.row_id % 3 > 0, []),
        (lambda table: (table.colour != "red") | (table.row_id % 5 > 0), []),
    ],
    ids=["all that are hard", "every third", "some that are easy"],
)
def test_rows_that_are_hard_to_predict_may_not_go_where_head_is_worse_with_them(
    repository: Path, is_kept: Callable[[pd.DataFrame], Any], reasons: list[str]
) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "hard", "base")
    write_hard_table(repository, lambda table: table.row_id > 0)
    git(repository, "commit", "-qam", "rows that are hard to predict")
    git(repository, "tag", "-f", "hard")
    write_hard_table(repository, is_kept)
    git(repository, "commit", "-qam", "without some of them")
    _, _, result = run_review(repository, "hard", code=len(reasons))
    assert (result.word != "worse", open_names(result)) == (True, reasons)
    if reasons:
        (reason,) = result.open_reasons
        assert "of base's 400 rows are gone, and without them log_loss of base is" in reason.message
        assert "on all rows of base head is worse" in reason.message


SUITE = """{"name": "table", "expectations": [
{"type": "expect_column_values_to_be_between", "kwargs": {"column": "x2", "max_value": 4}}]}
"""
CALL = "        ingest.check_expectations(p, str(table), findings)\n"


@pytest.mark.parametrize("largest", [4.5, 3.5])
def test_what_base_expects_of_the_table_is_asked_even_where_heads_ingest_does_not(
    repository: Path, largest: float
) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "suite", "base")
    (repository / "expectations/table.json").write_text(SUITE)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "a suite")
    git(repository, "tag", "-f", "suite")
    ingest, source = repository / "src/stages/ingest.py", repository / "data/source/table.csv"
    text = ingest.read_text()
    assert CALL in text
    ingest.write_text(text.replace(CALL, ""))
    table = make_table(rows=260)
    table.loc[0, "x2"] = largest
    table.to_csv(source, index=False)
    git(repository, "commit", "-qam", "a value, and no suite that runs")
    _, _, result = run_review(repository, "suite", code=int(largest > 4))
    assert open_names(result) == ["expectations"] * (largest > 4)
    if result.open_reasons:
        line = "does not hold, and ingest of head did not say so: expect_column_values_to_be_between of 'x2'"
        assert result.open_reasons[0].message.startswith(line)
        assert "4.5" not in result.open_reasons[0].message, "a comment has no values"
