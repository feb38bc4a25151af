"""The same bytes whatever the directory, hash seed, threads, time zone and locale; and the notebook runs."""

import runpy
import shutil
from pathlib import Path

import pytest

from plumbline.testing.projects import HERE, STAGES, THERE, Project, bring, make_table


def test_your_features_and_model_give_the_same_bytes_in_other_circumstances(sample: Path, tmp_path: Path) -> None:
    there = tmp_path / "deeper" / "with blanks and ümlauts"
    shutil.copytree(sample, there, symlinks=True)
    digests = Project(sample, new=False).digests(STAGES[1:], **HERE)
    assert "data/model.skops" in digests and digests == Project(there, new=False).digests(STAGES[1:], **THERE)


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
