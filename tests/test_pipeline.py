"""The whole pipeline and the notebook: on a table of each task, on your own, and byte for byte in other circumstances.

The promise of bytes: the same whatever the directory, hash seed, threads, time zone and locale.
"""

import runpy
import shutil
from pathlib import Path

import pytest

from plumbline.testing import HERE, STAGES, THERE, Project, bring, make_table

MODELS: dict[str, dict] = {
    "binary": {},  # words and gaps
    "multiclass": {"estimator": "sklearn.linear_model.LogisticRegression"},  # linear algebra
    "regression": {"estimator": "sklearn.ensemble.RandomForestRegressor", "arguments": {"n_jobs": 4}},  # many threads
}


@pytest.mark.parametrize("task", MODELS)
def test_two_keys_give_a_package_that_beats_the_trivial_model(project: Project, task: str) -> None:
    project.table(make_table(task))
    project.run()
    model, trivial = project.read("metrics/metrics.json"), project.read("metrics/yardstick-trivial.json")
    first = next(iter(project.read("metrics/intervals.json")))
    assert model["task"] == task
    assert model[first] < trivial[first]
    assert len(list(Path("dist").glob("*.whl"))) == 1


@pytest.mark.parametrize("task", MODELS)
def test_outputs_are_the_same_bytes_in_other_circumstances(tmp_path: Path, task: str) -> None:
    here, there = Project(tmp_path / "a"), Project(tmp_path / "deeper" / "with blanks and ümlauts")
    for project in (here, there):
        project.table(
            make_table(task).assign(note=lambda table: "a few words of text, not always the same " + table.colour)
        )
        project.change(model=MODELS[task], evaluate={"metrics": "auto"})
    digests = here.digests(STAGES, **HERE)
    assert len(digests) > 15
    assert digests == there.digests(STAGES, **THERE)


def test_your_features_and_model_give_the_same_bytes_in_other_circumstances(sample: Path, tmp_path: Path) -> None:
    there = tmp_path / "deeper" / "with blanks and ümlauts"
    shutil.copytree(sample, there, symlinks=True)
    digests = Project(sample, new=False).digests(STAGES[1:], **HERE)
    assert "data/model.skops" in digests
    assert digests == Project(there, new=False).digests(STAGES[1:], **THERE)


@pytest.mark.parametrize("task", ["multiclass", "regression", "yours"])
def test_the_notebook_runs_from_its_own_folder(task: str, request, monkeypatch, capsys) -> None:
    project = request.getfixturevalue("own" if task == "yours" else "project")
    if task != "yours":
        project.table(make_table(task))
        project.run(*STAGES[:4])
    bring("notebooks", project.folder)
    monkeypatch.chdir("notebooks")
    capsys.readouterr()
    made = runpy.run_path("explore.py")
    assert made["holdout"]["@error"].is_monotonic_decreasing
    assert made["compared"].notna().all(axis=None)
    assert set(made["tried"]["with it"]) - set(made["train"]) == {"tried"}
    assert len(capsys.readouterr().out.splitlines()) == 2
