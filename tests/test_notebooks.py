"""The notebook runs to its end, on your own table and on a generated one of each task."""

import runpy
import shutil
import sys

import pytest

from tests.conftest import ROOT, Project, make_table


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_the_notebook_runs_from_its_own_folder(project: Project, task: str, monkeypatch, capsys) -> None:
    project.table(make_table(task))
    project.run("ingest", "featurize", "train", "evaluate")
    explore(monkeypatch, capsys)


def test_the_notebook_runs_on_your_table(own, monkeypatch, capsys) -> None:
    explore(monkeypatch, capsys)


def explore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    shutil.copytree(ROOT / "notebooks", "notebooks")
    monkeypatch.chdir("notebooks")
    monkeypatch.setattr("sys.path", [*sys.path])
    capsys.readouterr()
    made = runpy.run_path("explore.py")
    assert made["holdout"]["@error"].is_monotonic_decreasing
    assert made["compared"].notna().all(axis=None)
    assert set(made["tried"]["with it"]) - set(made["train"]) == {"tried"}
    assert len(capsys.readouterr().out.splitlines()) == 2
