"""The same bytes whatever the directory, hash seed, threads, time zone and locale; the package, and the notebook."""

import runpy
import shutil
from pathlib import Path

import pytest

from plumbline.prediction.golden import check_golden
from plumbline.testing.delivered import InstalledPackage, find_broken_behaviours, open_wheel
from plumbline.testing.projects import (
    FIRST_ENVIRONMENT,
    ROOT,
    SECOND_ENVIRONMENT,
    STAGES,
    Project,
    copy_into,
    make_table,
)


def test_your_features_and_model_give_the_same_bytes_in_other_circumstances(sample: Path, tmp_path: Path) -> None:
    copy = tmp_path / "deeper" / "with blanks and ümlauts"
    shutil.copytree(sample, copy, symlinks=True)
    hashes = Project(sample, new=False).run_and_hash(STAGES[1:], **FIRST_ENVIRONMENT)
    expected = Project(copy, new=False).run_and_hash(STAGES[1:], **SECOND_ENVIRONMENT)
    assert "data/model.skops" in hashes and hashes == expected


def test_the_packaged_model_gives_its_golden_answers_and_behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    predictor, golden = open_wheel(ROOT)
    assert check_golden(predictor, golden) > 1 and find_broken_behaviours(predictor) == []


@pytest.mark.slow
def test_the_installed_package_gives_its_golden_answers_in_an_empty_environment(own: Project, tmp_path: Path) -> None:
    package = InstalledPackage(own.folder, tmp_path / "elsewhere")
    assert "golden rows give their golden answers" in package.run("check")


@pytest.mark.parametrize("table", ["multiclass", "regression", "yours"])
def test_the_notebook_runs_from_its_own_folder(table: str, request, monkeypatch, capsys) -> None:
    project = request.getfixturevalue("own" if table == "yours" else "project")
    if table != "yours":
        project.table(make_table(table))
        project.run(*STAGES[:4])
    copy_into(project.folder, "notebooks")
    monkeypatch.chdir("notebooks")
    capsys.readouterr()
    notebook = runpy.run_path("explore.py")
    assert notebook["holdout"]["@error"].is_monotonic_decreasing and notebook["scores"].notna().all(axis=None)
    assert set(notebook["frames"]["with it"]) - set(notebook["train"]) == {"new_feature"}
    assert len(capsys.readouterr().out.splitlines()) == 2
