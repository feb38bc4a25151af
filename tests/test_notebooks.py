"""The notebook runs to its end, on the project's own table and on one of each task."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, Project, make_table

OWN = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
SOURCE = ROOT / OWN["data"]["source"]


@pytest.mark.parametrize("table", ["own", "multiclass", "regression"])
def test_the_notebook_runs_from_its_own_folder(project: Project, table: str, monkeypatch, capsys) -> None:
    if table != "own":
        project.table(make_table(table))
    elif SOURCE.exists():
        (shutil.copytree if SOURCE.is_dir() else shutil.copyfile)(SOURCE, Path(OWN["data"]["source"]))
        project.params(**OWN)
        project.change(evaluate={"bootstrap": 100})
    else:
        pytest.skip("the source is not here: dvc pull, or make repro where a stage makes it")
    project.run("ingest", "featurize", "train", "evaluate")
    shutil.copytree(ROOT / "notebooks", "notebooks")
    monkeypatch.chdir("notebooks")
    monkeypatch.setattr("sys.path", [*sys.path])
    capsys.readouterr()
    made = runpy.run_path("explore.py")
    assert made["holdout"]["@error"].is_monotonic_decreasing
    assert made["compared"].notna().all(axis=None)
    assert set(made["tried"]["with it"]) - set(made["train"]) == {"tried"}
    assert len(capsys.readouterr().out.splitlines()) == 2
