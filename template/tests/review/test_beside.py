"""What a review says next to the verdict: attribution, other labels, the package, floors, trials of recipes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline.reproducibility.remote import cache_folder
from plumbline.review.changes import MANY_TRIALS, count_trials, read_importances
from plumbline.review.package_check import check_package, find_wheel
from plumbline.review.result.changes import LabelEffect
from plumbline.review.result.checks import PackageCheck
from plumbline.review.result.figures import Importance
from plumbline.review.sides import Side
from plumbline.review.worktrees import FOLDER
from plumbline.testing.projects import environment, make_table
from template.tests.review.conftest import MODEL, PARAMS, Commit, git, open_names, run_review

DAMAGED = (
    "the package in the DVC cache does not have the hash in dvc.lock (the file is damaged). "
    "Delete {} in the DVC cache, then run dvc pull dist"
)
WORSE = {"arguments": {"C": 1e-5, "max_iter": 200}}


def more_rows(folder: Path) -> None:
    make_table(rows=300).to_csv(folder / "data/source/table.csv", index=False)


def test_what_moved_it_is_told_apart_and_adds_up(repository: Path, commit_change: Commit) -> None:
    commit_change(more_rows, model=WORSE)
    before, (_, *rest), result = run_review(repository, code=1)
    assert "base on head's data: fits" in before
    attribution = result.attribution
    assert attribution.code.word == "worse"
    assert attribution.data.word != "worse"
    effects = attribution.code.difference + attribution.data.difference
    assert effects == pytest.approx(result.comparison.verdict.difference, rel=1e-4)
    assert f"  {attribution.sentence}" in rest
    assert "; code and parameters made it worse, by " in attribution.sentence
    commit_change(more_rows)
    _, _, result = run_review(repository, code=1)
    assert result.attribution is None, "only the data changed (and labels, which is red)"


def test_where_bases_recipe_refuses_heads_data_heads_on_bases_stands_between(
    repository: Path, commit_change: Commit
) -> None:
    def remove_labels(folder: Path) -> None:
        table = make_table(rows=280)
        table.loc[270:, "target"] = None
        table.to_csv(folder / "data/source/table.csv", index=False)

    commit_change(remove_labels, data=PARAMS["data"] | {"unlabelled": "drop"}, model=WORSE)
    before, _, result = run_review(repository, code=1)
    assert "head on base's data: fits" in before
    assert (result.attribution.code.word, result.attribution.data.word) == ("worse", "same")


def test_rows_with_another_label_are_counted_and_left_out(repository: Path, commit_change: Commit) -> None:
    def relabel(folder: Path) -> None:
        table = make_table(rows=260)
        table.loc[:25, "target"] = np.where(table.target[:26] == "yes", "no", "yes")
        table.to_csv(folder / "data/source/table.csv", index=False)

    commit_change(relabel)
    _, (_, *rest), result = run_review(repository, code=1)
    assert open_names(result) == ["worse", "labels"], "what was learned from wrong labels shows on all other rows"
    assert result.label_effect.rows == result.data_changes.rows.label_change_count == 26
    assert result.label_effect.word_with_them is not None
    assert result.comparison.rows == 260 - 26
    assert any(line.startswith("  26 rows have another label and are left out; with them: ") for line in rest)


def ruin_red_rows(folder: Path) -> None:
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
    requirements = {"must_work": ["colour = red"], "floors": {"mean_absolute_error": 0.4}}
    (repository / "params.yaml").write_text(
        yaml.safe_dump(
            {
                "data": PARAMS["data"],
                "model": {"estimator": "sklearn.linear_model.Ridge"},
                "review": {"replicas": 3},
                "evaluate": {"bootstrap": 100},
                "requirements": requirements,
            }
        )
    )
    git(repository, "commit", "-qam", "numbers")
    git(repository, "checkout", "-q", "-B", "work")
    ruin_red_rows(repository)
    git(repository, "commit", "-qam", "hidden\n\nAccept: labels: rounded otherwise")
    _, _, result = run_review(repository, "numbers", code=1)
    assert {"worse", "slice"} <= {*open_names(result)}
    assert result.label_effect.word_with_them == "worse"


def test_where_too_few_rows_kept_their_label_nobody_can_tell(repository: Path, commit_change: Commit) -> None:
    def relabel(folder: Path) -> None:
        table = make_table(rows=260)
        table.loc[:239, "target"] = table.target[:240].map({"yes": "no", "no": "yes"})
        table.to_csv(folder / "data/source/table.csv", index=False)

    commit_change(relabel)
    _, _, result = run_review(repository, code=1)
    assert result.label_effect == LabelEffect(rows=240)
    assert (result.word, result.comparison.rows) in {("cannot tell", 260), ("worse", 260)}


@pytest.mark.slow
@pytest.mark.parametrize(("spoil", "word"), [(lambda x: x[::-1].to_numpy(), "worse"), (lambda x: x * 100, "same")])
def test_a_row_that_both_have_keeps_each_sides_own_values(
    repository: Path, commit_change: Commit, spoil: Callable[[pd.Series], object], word: str
) -> None:
    """Else base, which learned from good values, would be asked about spoilt ones, and look bad."""
    table, path = make_table(rows=280).drop(columns="flag"), repository / "data/source/table.csv"
    commit_change(lambda _: table[:260].to_csv(path, index=False))
    git(repository, "tag", "-f", "before")
    table.assign(x1=spoil(table.x1)).to_csv(path, index=False)
    git(repository, "commit", "-qam", "spoilt")
    _, _, result = run_review(repository, "before", code=1 if word == "worse" else 0)
    assert (result.word, result.comparison.unpaired_reason, result.comparison.rows) == (word, None, 280)


def test_a_model_without_chance_is_fitted_twice_on_its_holdout(repository: Path, commit_change: Commit) -> None:
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
    _, _, result = run_review(repository, "cut~1", code=1)
    assert result.comparison.replicas == 5
    fit_counts = [len(path.read_text()) for path in (repository / FOLDER / "worktrees").glob("*/src/model.py.fits")]
    assert sorted(fit_counts) == [2, 4], "head twice more: with its own seed, for its metrics, and with another one"


def test_every_floor_is_judged_one_of_ones_own_and_unpaired_too(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "floors", "base")
    floors = {"requirements": {"floors": {"sklearn.metrics.zero_one_loss": 0.01, "roc_auc": 0.5}}}
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | floors))
    git(repository, "commit", "-qam", "floors")
    table = make_table(rows=260)
    table = table.assign(target=table.target.replace("yes", "maybe"))
    table.to_csv(repository / "data/source/table.csv", index=False)
    git(repository, "commit", "-qam", "another class")
    _, (_, *lines), result = run_review(repository, "floors~1", code=1)
    assert result.comparison.unpaired_reason == "the classes are others"
    assert any("evaluated on different rows" in line for line in lines)
    is_broken = {floor.metric: floor.is_broken for floor in result.floors}
    assert is_broken == {"sklearn.metrics.zero_one_loss": True, "roc_auc": False}


def test_recipes_tried_on_one_table_are_counted_and_from_many_on_there_is_a_notice(
    repository: Path, commit_change: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    commit_change(more_rows)
    trials = []
    for number in range(MANY_TRIALS):
        (repository / "docs/project.yaml").write_text(f"problem: {{question: {number}}}\n")  # no recipe
        git(repository, "commit", "-qam", "words")
        (repository / "src/model.py").open("a").write("# another\n")
        git(repository, "commit", "-qam", "another recipe")
        trials.append(count_trials(Side("head", git(repository, "rev-parse", "HEAD"))))
    assert [trial.count for trial in trials] == list(range(1, MANY_TRIALS + 1))
    assert [trial.notice for trial in trials[:-1]] == [None] * (MANY_TRIALS - 1)
    assert trials[-1].notice.startswith(f"{MANY_TRIALS} recipes")
    commit_change(more_rows)
    assert count_trials(Side("head", git(repository, "rev-parse", "HEAD"))).count == 1, "a new table"


NUMBERS = {"features": [{"features": ["a", "b"], "loss_increase": [0.5, 0.4, 0.6]}], "random_column": 0.1}
RUNS = {  # the committed file of a run, by the version that wrote it
    "now": ("diagnostics.json", {"errors": {}, "explanations": NUMBERS}),
    "0.1": ("importance.json", NUMBERS),
    "0.1 before random_column": ("importance.json", {"features": [{"features": ["a", "b"], "loss": [0.5, 0.4, 0.6]}]}),
}
BROKEN_RUNS: dict[str, tuple[str, object]] = {
    "none": ("metrics.json", {}),
    "another form": ("diagnostics.json", []),
    "no explanations": ("diagnostics.json", {}),
}


@pytest.mark.parametrize("version", RUNS | BROKEN_RUNS)
def test_importance_is_read_from_runs_of_each_version_and_none_from_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    sides = []
    for name, content in ((RUNS | BROKEN_RUNS)[version], RUNS["now"]):
        shutil.rmtree("metrics", ignore_errors=True)
        Path("metrics").mkdir()
        Path("metrics", name).write_text(json.dumps(content))
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", name)
        sides.append(Side(name, git(tmp_path, "rev-parse", "HEAD")))
    numbers = {"a, b": 0.5}
    assert read_importances(*sides) == (Importance(base=numbers, head=numbers) if version in RUNS else None)


@pytest.fixture
def packaged_head(repository: Path) -> Side:
    """A commit with another seed, its lock and its package in DVC's cache."""
    git(repository, "checkout", "-q", "-f", "-B", "packaged", "base")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | {"arguments": {"C": 0.9}}}))
    if not (repository / ".dvc").exists():
        for command in (["init", "-q"], ["config", "core.analytics", "false"]):
            subprocess.run([sys.executable, "-m", "dvc", *command], cwd=repository, check=True)
    process = subprocess.run(
        [sys.executable, "-m", "plumbline", "repro"],
        cwd=repository,
        capture_output=True,
        encoding="utf-8",
        env=environment(PYTHONPATH=""),
    )
    assert process.returncode == 0, process.stderr
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "packaged")
    return Side("head", git(repository, "rev-parse", "HEAD"))


@pytest.mark.slow
def test_the_package_predicts_what_the_recipe_predicts_or_it_is_said(
    repository: Path, packaged_head: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, result = run_review(repository)
    assert result.package_check.is_consistent is True
    monkeypatch.chdir(repository)
    wheel = find_wheel(packaged_head)
    good = wheel.read_bytes()
    wheel.chmod(0o644)
    wheel.write_bytes(good[:-1])
    name = wheel.relative_to(cache_folder()).as_posix()
    assert check_package(packaged_head).check == PackageCheck(is_consistent=None, why=DAMAGED.format(name))
    wheel.write_bytes(good)
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | WORSE}))
    git(repository, "commit", "-qam", "another recipe under the old package")
    _, _, result = run_review(repository, code=1)
    assert result.package_check.is_consistent is False
    assert "the predictions of the package differ from those of the recipe in" in result.package_check.why
    assert "package" in open_names(result)
    shutil.rmtree(repository / ".dvc/cache")
    assert check_package(packaged_head).check.is_consistent is None
