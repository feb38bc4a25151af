"""make review on real commits: what decides, what is fitted, and which word comes out."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from src.review.sides import FOLDER
from tests.conftest import ROOT, environment, make_table

MODEL = {"estimator": "sklearn.linear_model.LogisticRegression", "arguments": {"max_iter": 200}}
PARAMS = {"data": {"source": "data/source/table.csv", "target": "target"}, "model": MODEL,
          "evaluate": {"bootstrap": 100}, "review": {"replicas": 3}}  # fmt: skip
Change = Callable[..., None]


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{one}_{two}": "x@y.z" for one in ("AUTHOR", "COMMITTER") for two in ("NAME", "EMAIL")}
    ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", env=environment(**who))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git on a small table; its first commit, tagged base, has run in no way."""
    folder = tmp_path_factory.mktemp("review") / "project"
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "pyproject.toml", "requirements.lock", "LICENSE", ".gitignore"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in ("data/source", "expectations", "docs"):
        (folder / name).mkdir(parents=True)
    (folder / "docs/project.yaml").write_text("problem: {question: null}\n")
    (folder / "expectations/behaviour.yaml").write_text("# none\n")
    make_table(rows=260).to_csv(folder / "data/source/table.csv", index=False)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    git(folder, "tag", "base")
    return folder


@pytest.fixture
def changed(repository: Path) -> Change:
    """A commit on top of base with these groups of params, or with files as a function leaves them."""

    def change(edit: Callable[[Path], object] | None = None, **groups: dict) -> None:
        git(repository, "checkout", "-q", "-f", "-B", "work", "base")
        params = {name: PARAMS.get(name, {}) | groups.get(name, {}) for name in {*PARAMS, *groups}}
        (repository / "params.yaml").write_text(yaml.safe_dump(params))
        if edit:
            edit(repository)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "--allow-empty", "-m", "change")

    return change


def review(folder: Path, *arguments: str, code: int = 0) -> tuple[list[str], dict]:
    """The lines that were printed from the word on, and the result."""
    command = [sys.executable, "-m", "src.review", *(arguments or ("base",))]
    ran = subprocess.run(command, cwd=folder, env=environment(PYTHONPATH=""), capture_output=True, encoding="utf-8")
    assert ran.returncode == code, f"{ran.stdout}{ran.stderr}"
    if code == 2:
        return ran.stderr.splitlines(), {}
    lines = ran.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.split(":")[0] in ("better", "worse", "same", "cannot tell"))
    return ["\n".join(lines[:start]), *lines[start:]], json.loads((folder / FOLDER / "result.json").read_text())


def test_what_is_no_part_of_the_recipe_costs_no_fit(repository: Path, changed: Change) -> None:
    changed(lambda folder: (folder / "docs/project.yaml").write_text("problem: {question: why}\n"))
    (before, first, *_), result = review(repository)
    assert (before, first.split(":")[0]) == ("", "same")
    assert "identical" in result["why"]


def test_worse_is_red_and_a_second_look_fits_nothing(repository: Path, changed: Change) -> None:
    changed(model={"arguments": {"C": 1e-5, "max_iter": 200}})
    (before, first, *rest), result = review(repository, code=1)
    assert "head: fits" in before
    assert first.startswith("worse: log_loss ")
    assert " higher than base" in first
    assert result["head"] > result["base"] + result["margin"]
    assert result["low"] < result["high"] < 0
    assert result["rows_compared"] == 260
    assert {found["metric"] for found in result["metrics"]} > {"roc_auc", "accuracy"}
    assert any("roc_auc" in line for line in rest)
    page = (repository / FOLDER / "review.md").read_text(encoding="utf-8").splitlines()
    assert page[2].startswith("**Worse: the model got worse.** The error `log_loss`")
    assert "log_loss" in (repository / FOLDER / "review.html").read_text(encoding="utf-8")
    (before, *_), again = review(repository, code=1)
    assert "fits" not in before
    assert again == result
    assert git(repository, "status", "--porcelain") == ""
    git(repository, "checkout", "-q", "-B", "back", "work")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    git(repository, "commit", "-qam", "back")
    (before, first, *_), _ = review(repository, "work")
    assert first.startswith("better: log_loss ")
    assert "fits" not in before, "this recipe was base's"


def test_only_the_seed_of_a_model_without_chance_is_the_same(repository: Path, changed: Change) -> None:
    changed(model={"seed": 7})
    _, result = review(repository)
    assert (result["word"], result["why"]) == ("same", "the predictions are identical")


def test_base_predicts_the_rows_of_heads_table_with_heads_labels(repository: Path, changed: Change) -> None:
    def other_rows(folder: Path) -> None:
        table = make_table(rows=300)
        table.drop(index=range(20)).to_csv(folder / "data/source/table.csv", index=False)

    changed(other_rows)
    _, result = review(repository)
    assert result["rows_compared"] == 280
    assert result["unpaired"] is None
    assert result["changed"] == ["data"]
    assert (result["data"]["rows"]["added"], result["data"]["rows"]["removed"]) == (40, 20)
    assert result["word"] in ("same", "cannot tell")


def test_where_base_cannot_predict_each_side_is_judged_on_its_own_rows(repository: Path, changed: Change) -> None:
    def without(folder: Path) -> None:
        make_table(rows=260).drop(columns="x2").to_csv(folder / "data/source/table.csv", index=False)

    changed(without)
    (_, _, *rest), result = review(repository)
    assert "column 'x2' is missing" in result["unpaired"]
    assert any("each side on rows of its own" in line for line in rest)
    assert result["error"] > 0


def test_base_decides_with_its_own_code(repository: Path, changed: Change) -> None:
    def lie(folder: Path) -> None:
        path = folder / "src/review/decide.py"
        path.write_text(path.read_text().replace("    if small:\n", '    result["word"] = "better"\n    if small:\n'))

    changed(lie, model={"arguments": {"C": 1e-5, "max_iter": 200}})
    (_, first, *_), _ = review(repository, code=1)
    assert first.startswith("worse")


def test_settings_are_those_of_base(repository: Path, changed: Change) -> None:
    changed(model={"arguments": {"C": 1e-5, "max_iter": 200}}, review={"replicas": 3, "margin": 1000.0})
    (_, first, *_), result = review(repository, code=1)
    assert first.startswith("worse")
    assert result["margin"] < 1


def test_a_slice_that_must_work_is_red_alone(repository: Path) -> None:
    """Harm in one slice: the margin is laid between the whole table's difference and the slice's."""

    def compared(margin: object, code: int) -> dict:
        git(repository, "checkout", "-q", "-f", "-B", "strict", "base")
        rules = {"review": {"replicas": 3, "margin": margin}, "requirements": {"must_work": ["flag = True"]}}
        (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | rules))
        git(repository, "commit", "-qam", "strict")
        harm = "def features(rows):\n    return rows.assign(x1=rows.x1.where(~rows.flag, 0.0), flag=False)\n"
        (repository / "src/features.py").write_text(harm)
        git(repository, "commit", "-qam", "harm")
        return review(repository, "strict~1", code=code)[1]

    whole = compared("auto", 1)
    (part,) = (part for part in whole["slices"] if (part["column"], part["level"]) == ("flag", "True"))
    assert part["difference"] < whole["difference"] < 0
    found = compared(-(whole["difference"] + part["difference"]), 1)
    assert found["word"] != "worse"
    assert [part["level"] for part in found["slices"] if part["blocks"]] == ["True"]
    assert not any(part["blocks"] for part in compared(-4 * part["difference"], 0)["slices"])


def test_a_broken_floor_and_a_release_that_was_better_are_red(repository: Path, changed: Change) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "old", "base")
    git(repository, "tag", "-f", "model@v1.0.0")
    worse = PARAMS | {"model": MODEL | {"arguments": {"C": 1e-5, "max_iter": 200}}}
    (repository / "params.yaml").write_text(yaml.safe_dump(worse | {"requirements": {"floors": {"log_loss": 0.3}}}))
    git(repository, "commit", "-qam", "worse, and landed")
    (repository / "src/model.py").open("a").write("# no change\n")
    git(repository, "commit", "-qam", "next")
    (_, first, *rest), result = review(repository, "old~1", code=1)
    git(repository, "tag", "-d", "model@v1.0.0")
    assert first.startswith("same: ")
    assert result["red"] == ["floor log_loss", "worse than model@v1.0.0"]
    assert any("worse: log_loss " in line and "higher than model@v1.0.0" in line for line in rest)


def test_where_base_does_not_run_head_is_held_against_the_trivial_model(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "broken", "base")
    (repository / "src/features.py").write_text("def features(rows):\n    return rows.no_such\n")
    git(repository, "commit", "-qam", "broken")
    git(repository, "checkout", "-q", "base", "--", "src/features.py")
    git(repository, "commit", "-qam", "mended")
    (_, first, *_), result = review(repository, "broken~1")
    assert first == "cannot tell"
    assert "base (" in result["why"]
    assert "does not run" in result["why"]
    assert "clearly better than the trivial model" in result["why"]


def test_what_cannot_be_compared_is_one_line_and_another_exit_code(repository: Path, changed: Change) -> None:
    (line,), _ = review(repository, "no-such-branch", code=2)
    assert line.startswith("ERROR: no-such-branch: no commit of this name")

    def broken(folder: Path) -> None:
        (folder / "src/features.py").write_text("def features(rows):\n    return rows.no_such\n")

    def no_yaml(folder: Path) -> None:
        (folder / "params.yaml").write_text("data: {source: [\n")

    for edit, words in (
        (broken, "does not run: src/features.py"),
        (no_yaml, "has a params.yaml that is no YAML, line 2"),
    ):
        changed(edit)
        (line,), _ = review(repository, code=2)
        assert line.startswith("ERROR: head (")
        assert words in line


def test_rows_of_a_group_count_as_one_in_slices_too(repository: Path) -> None:
    """Fewer than five groups in a slice: it is shown to be worse by nobody."""
    git(repository, "checkout", "-q", "-f", "-B", "grouped", "base")
    table = make_table(rows=260).assign(flag=lambda rows: np.arange(260) < 60, shop=lambda rows: np.arange(260) // 20)
    table.to_csv(repository / "data/source/table.csv", index=False)
    by_shop = PARAMS | {"data": PARAMS["data"] | {"group": "shop"}, "requirements": {"must_work": ["flag = True"]}}
    by_shop["split"] = {"salt": 1}
    (repository / "params.yaml").write_text(yaml.safe_dump(by_shop))
    git(repository, "commit", "-qam", "by shop")
    (repository / "params.yaml").write_text(yaml.safe_dump(by_shop | {"model": MODEL | {"arguments": {"C": 1e-5}}}))
    git(repository, "commit", "-qam", "harm")
    _, result = review(repository, "grouped~1", code=1)
    levels = [part["level"] for part in result["slices"] if part["column"] == "flag"]
    assert levels == ["False"]  # ten shops; of the other level there are three
    assert result["freedom"] < 15


def test_a_model_never_predicts_a_row_that_it_was_trained_on(repository: Path, changed: Change) -> None:
    """In every replica each row is left out once, by the same fold on both sides."""
    changed(model={"arguments": {"C": 1e-5, "max_iter": 200}})
    review(repository, code=1)
    cells = [path for path in (repository / FOLDER / "cells").iterdir()]
    for folder in cells:
        for path in folder.glob("[0-9].npz"):
            assert not np.isnan(np.load(path)["scores"]).any()
    assert len(cells) > 1


def test_a_base_without_a_review_cannot_tell(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "early", "base")
    shutil.rmtree(repository / "src/review")
    git(repository, "commit", "-qam", "no review yet")
    early = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "base", "--", "src/review")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | {"arguments": {"C": 1e-5}}}))
    git(repository, "commit", "-qam", "review and harm")
    (_, first, *_), _ = review(repository, early)
    assert first.startswith("cannot tell: ")
