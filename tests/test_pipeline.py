"""The pipeline and the notebook on small tables of each task and on yours, byte for byte in other circumstances."""

import runpy
import shutil
from pathlib import Path

import pytest

from plumbline.testing import HERE, STAGES, THERE, Project, bring, make_table

ELSEWHERE = "deeper/with blanks and ümlauts"
MODELS: dict[str, dict] = {
    "binary": {},  # words and gaps
    "multiclass": {"estimator": "sklearn.linear_model.LogisticRegression"},  # linear algebra
    "regression": {"estimator": "sklearn.ensemble.RandomForestRegressor", "arguments": {"n_jobs": 4}},  # many threads
}


@pytest.mark.parametrize("task", MODELS)
def test_two_keys_give_a_package_that_beats_the_trivial_model(project: Project, task: str) -> None:
    project.table(make_table(task))
    project.run()
    model, trivial = (project.read(f"metrics/{name}.json") for name in ("metrics", "yardstick-trivial"))
    first = next(iter(project.read("metrics/intervals.json")))
    assert model["task"] == task and model[first] < trivial[first]
    assert len(list(Path("dist").glob("*.whl"))) == 1


@pytest.mark.parametrize("task", MODELS)
def test_outputs_are_the_same_bytes_in_other_circumstances(tmp_path: Path, task: str) -> None:
    here, there = Project(tmp_path / "a"), Project(tmp_path / ELSEWHERE)
    for project in (here, there):
        project.table(make_table(task).assign(note=lambda rows: "a few words of text, not always " + rows.colour))
        project.change(model=MODELS[task], evaluate={"metrics": "auto"})
    assert len(digests := here.digests(STAGES, **HERE)) > 15
    assert digests == there.digests(STAGES, **THERE)


def test_your_features_and_model_give_the_same_bytes_in_other_circumstances(sample: Path, tmp_path: Path) -> None:
    shutil.copytree(sample, tmp_path / ELSEWHERE, symlinks=True)
    digests = Project(sample, new=False).digests(STAGES[1:], **HERE)
    assert "data/model.skops" in digests
    assert digests == Project(tmp_path / ELSEWHERE, new=False).digests(STAGES[1:], **THERE)


@pytest.mark.parametrize("table", ["multiclass", "regression", "yours"])
def test_the_notebook_runs_from_its_own_folder(table: str, request, monkeypatch, capsys) -> None:
    project = request.getfixturevalue("own" if table == "yours" else "project")
    if table != "yours":
        project.table(make_table(table))
        project.run(*STAGES[:4])
    bring("notebooks", project.folder)
    monkeypatch.chdir("notebooks")
    capsys.readouterr()
    made = runpy.run_path("explore.py")
    assert made["holdout"]["@error"].is_monotonic_decreasing and made["compared"].notna().all(axis=None)
    assert set(made["tried"]["with it"]) - set(made["train"]) == {"tried"}
    assert len(capsys.readouterr().out.splitlines()) == 2
