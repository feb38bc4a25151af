"""What the review says beside the word: what moved it, other labels, the package, floors, how often it was asked."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline.review import artefact as of
from plumbline.review.reviewed import MANY, comparisons
from plumbline.review.sides import FOLDER, Side
from plumbline.testing.projects import environment, make_table
from template.tests.review.conftest import MODEL, PARAMS, Change, git, review

PARTLY = "the package in the cache is not what its name says: dvc fetch dist brings it"
WORSE = {"arguments": {"C": 1e-5, "max_iter": 200}}


def more_rows(folder: Path) -> None:
    make_table(rows=300).to_csv(folder / "data/source/table.csv", index=False)


def test_what_moved_it_is_told_apart_and_adds_up(repository: Path, changed: Change) -> None:
    changed(more_rows, model=WORSE)
    (before, _, *rest), result = review(repository, code=1)
    assert "base on head's data: fits" in before
    moved = result["moved"]
    assert moved["code"]["word"] == "worse"
    assert moved["data"]["word"] != "worse"
    assert moved["code"]["difference"] + moved["data"]["difference"] == pytest.approx(result["difference"], rel=1e-4)
    assert f"  {moved['sentence']}" in rest
    assert "; code and parameters made it worse, by " in moved["sentence"]
    changed(more_rows)
    assert "moved" not in review(repository, code=1)[1], "only the data changed (and labels, which is red)"


def test_where_bases_recipe_refuses_heads_data_heads_on_bases_stands_between(repository: Path, changed: Change) -> None:
    def unlabelled(folder: Path) -> None:
        table = make_table(rows=280)
        table.loc[270:, "target"] = None
        table.to_csv(folder / "data/source/table.csv", index=False)

    changed(unlabelled, data=PARAMS["data"] | {"unlabelled": "drop"}, model=WORSE)
    (before, *_), result = review(repository, code=1)
    assert "head on base's data: fits" in before
    assert (result["moved"]["code"]["word"], result["moved"]["data"]["word"]) == ("worse", "same")


def test_rows_with_another_label_are_counted_and_left_out(repository: Path, changed: Change) -> None:
    def relabel(folder: Path) -> None:
        table = make_table(rows=260)
        table.loc[:25, "target"] = np.where(table.target[:26] == "yes", "no", "yes")
        table.to_csv(folder / "data/source/table.csv", index=False)

    changed(relabel)
    (_, _, *rest), result = review(repository, code=1)
    apart = result["relabelled"]
    assert result["red"] == ["worse", "labels"], "what was learned from wrong labels shows on all other rows"
    assert apart["rows"] == result["data"]["rows"]["labels"] == 26
    assert (result["rows_compared"], "word" in apart) == (260 - 26, True)
    assert any(line.startswith("  26 rows have another label and are left out; with them: ") for line in rest)


def hidden(folder: Path) -> None:
    """Red rows are ruined, and their targets touched so little that nobody would object."""
    path = folder / "data/source/table.csv"
    table = pd.read_csv(path)
    red = table.colour == "red"
    table.loc[red, ["x1", "x2"]] = None
    table["target"] = table.target.where(~red, table.target + 1e-6)
    table.to_csv(path, index=False)


def test_a_harm_is_not_hidden_by_other_labels_of_the_rows_that_it_hits(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "numbers", "base")
    table = make_table("regression", rows=400)
    table.to_csv(repository / "data/source/table.csv", index=False)
    asked = {"must_work": ["colour = red"], "floors": {"mean_absolute_error": 0.4}}
    (repository / "params.yaml").write_text(yaml.safe_dump(
        {"data": PARAMS["data"], "model": {"estimator": "sklearn.linear_model.Ridge"}, "review": {"replicas": 3},
         "evaluate": {"bootstrap": 100}, "requirements": asked}))  # fmt: skip
    git(repository, "commit", "-qam", "numbers")
    git(repository, "checkout", "-q", "-B", "work")
    hidden(repository)
    git(repository, "commit", "-qam", "hidden\n\nAccept: labels: rounded otherwise")
    _, result = review(repository, "numbers", code=1)
    assert {"worse", "slice"} <= {*result["red"]}
    assert result["relabelled"]["word"] == "worse"


def test_where_too_few_rows_kept_their_label_nobody_can_tell(repository: Path, changed: Change) -> None:
    def relabel(folder: Path) -> None:
        table = make_table(rows=260)
        table.loc[:239, "target"] = table.target[:240].map({"yes": "no", "no": "yes"})
        table.to_csv(folder / "data/source/table.csv", index=False)

    changed(relabel)
    _, result = review(repository, code=1)
    assert result["relabelled"] == {"rows": 240}
    assert (result["word"], result["rows_compared"]) in {("cannot tell", 260), ("worse", 260)}


@pytest.mark.slow
@pytest.mark.parametrize(("spoil", "word"), [(lambda x: x[::-1].to_numpy(), "worse"), (lambda x: x * 100, "same")])
def test_a_row_that_both_have_keeps_each_sides_own_values(
    repository: Path, changed: Change, spoil: Callable[[pd.Series], object], word: str
) -> None:
    """Else base, which learned from good values, would be asked about spoilt ones, and look bad."""
    table, path = make_table(rows=280).drop(columns="flag"), repository / "data/source/table.csv"
    changed(lambda _: table[:260].to_csv(path, index=False))
    git(repository, "tag", "-f", "before")
    table.assign(x1=spoil(table.x1)).to_csv(path, index=False)
    git(repository, "commit", "-qam", "spoilt")
    _, result = review(repository, "before", code=1 if word == "worse" else 0)
    assert (result["word"], result["unpaired"], result["rows_compared"]) == (word, None, 280)


def test_a_model_without_chance_is_fitted_twice_on_its_holdout(repository: Path, changed: Change) -> None:
    """With a cut the holdout is one: replicas differ in seeds alone, which move nothing here."""
    git(repository, "checkout", "-q", "-f", "-B", "cut", "base")
    table = make_table(rows=400).assign(day=lambda rows: np.arange(400) // 4 + 1)
    table["day"] = (np.datetime64("2024-01-01") + table.day.to_numpy().astype("timedelta64[D]")).astype(str)
    table.to_csv(repository / "data/source/table.csv", index=False)
    dated = PARAMS | {
        "data": PARAMS["data"] | {"time": "day"},
        "split": {"cut": "2024-02-20"},
        "review": {"replicas": 5},
    }
    (repository / "params.yaml").write_text(yaml.safe_dump(dated))
    fits = "\n_plain = build\ndef build(*_):\n    open(__file__ + '.fits', 'a').write('x')\n    return _plain(*_)\n"
    (repository / "src/model.py").open("a").write(fits)
    git(repository, "commit", "-qam", "by date")
    (repository / "params.yaml").write_text(yaml.safe_dump(dated | {"model": MODEL | WORSE}))
    git(repository, "commit", "-qam", "worse")
    _, result = review(repository, "cut~1", code=1)
    assert result["replicas"] == 5
    counted = [len(path.read_text()) for path in (repository / FOLDER / "worktrees").glob("*/src/model.py.fits")]
    assert counted == [2, 2]


def test_every_floor_is_judged_one_of_ones_own_and_unpaired_too(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "floors", "base")
    floors = {"requirements": {"floors": {"sklearn.metrics.zero_one_loss": 0.01, "roc_auc": 0.5}}}
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | floors))
    git(repository, "commit", "-qam", "floors")
    make_table(rows=260).drop(columns="x2").to_csv(repository / "data/source/table.csv", index=False)
    git(repository, "commit", "-qam", "a column less")
    _, result = review(repository, "floors~1", code=1)
    assert result["unpaired"]
    broken = {floor["metric"]: floor["broken"] for floor in result["floors"]}
    assert broken == {"sklearn.metrics.zero_one_loss": True, "roc_auc": False}


def test_recipes_tried_on_one_table_are_counted_and_from_many_on_there_is_a_notice(
    repository: Path, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    changed(more_rows)
    found = []
    for number in range(MANY):
        (repository / "docs/project.yaml").write_text(f"problem: {{question: {number}}}\n")  # no recipe
        git(repository, "commit", "-qam", "words")
        (repository / "src/model.py").open("a").write("# another\n")
        git(repository, "commit", "-qam", "another recipe")
        found.append(comparisons(Side("head", git(repository, "rev-parse", "HEAD"))))
    assert [each["number"] for each in found] == list(range(1, MANY + 1))
    assert [each["notice"] for each in found[:-1]] == [None] * (MANY - 1)
    assert found[-1]["notice"].startswith(f"{MANY} recipes")
    changed(more_rows)
    assert comparisons(Side("head", git(repository, "rev-parse", "HEAD")))["number"] == 1, "a new table"


@pytest.fixture
def packaged(repository: Path) -> Side:
    """A commit with another seed, its lock and its package in DVC's cache."""
    git(repository, "checkout", "-q", "-f", "-B", "packaged", "base")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | {"arguments": {"C": 0.9}}}))
    if not (repository / ".dvc").exists():
        for command in (["init", "-q"], ["config", "core.analytics", "false"]):
            subprocess.run([sys.executable, "-m", "dvc", *command], cwd=repository, check=True)
    ran = subprocess.run([sys.executable, "-m", "plumbline", "repro"], cwd=repository, capture_output=True,
                         encoding="utf-8", env=environment(PYTHONPATH=""))  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "packaged")
    return Side("head", git(repository, "rev-parse", "HEAD"))


@pytest.mark.slow
def test_the_package_predicts_what_the_recipe_predicts_or_it_is_said(
    repository: Path, packaged: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    (*_,), result = review(repository)
    assert result["artefact"]["reproduces"] is True
    monkeypatch.chdir(repository)
    _, wheel = of._wheel(packaged)
    good = wheel.read_bytes()
    wheel.chmod(0o644)
    wheel.write_bytes(good[:-1])
    assert of.artefact(packaged) == {"reproduces": None, "why": PARTLY}
    wheel.write_bytes(good)
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | WORSE}))
    git(repository, "commit", "-qam", "another recipe under the old package")
    _, result = review(repository, code=1)
    assert result["artefact"]["reproduces"] is False
    assert "predicts otherwise than the recipe in" in result["artefact"]["why"]
    assert "package" in result["red"]
    shutil.rmtree(repository / ".dvc/cache")
    assert of.artefact(packaged)["reproduces"] is None
