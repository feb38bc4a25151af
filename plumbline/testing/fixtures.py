"""The fixtures of every test of a project, as a plugin of pytest that addopts in pyproject.toml names.

pytest imports this file at each start, so what takes a second to import is imported where a fixture needs it.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from plumbline import paths, process

if TYPE_CHECKING:
    from plumbline.testing.delivered import Clone
    from plumbline.testing.projects import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Provide an empty project for generated tables, with features and model as in a new project."""
    from plumbline import columns
    from plumbline.testing.projects import Project

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("src.features.features", lambda rows: rows)
    monkeypatch.setattr("src.model.build", columns.default)
    monkeypatch.setattr("src.model.TRUSTED", ())
    return Project(tmp_path)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a folder with your code, parameters, suites and answers, after a run on a sample of your table."""
    from plumbline.testing.projects import PRISTINE, ROOT, Project, copy_into, run_on_sample

    params = yaml.safe_load((ROOT / paths.PARAMS).read_text(encoding="utf-8"))
    source, folder = Path(params["data"]["source"]), tmp_path_factory.mktemp("own")
    if not (ROOT / source).exists():
        pytest.skip(f"{source} is not here: dvc pull, or make repro where a stage writes it")
    with chdir(folder):
        project = Project(folder)
        for name in PRISTINE:
            shutil.copyfile(ROOT / "src" / name, folder / "src" / name)
        for name in (paths.EXPECTATIONS, "docs"):
            shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
        copy_into(folder, source)
        project.params(**params)
        project.change(evaluate={"bootstrap": 100})
        project.run("ingest")
        run_on_sample(project)
    return folder


@pytest.fixture
def own(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Provide a copy of `sample`, which a test may change."""
    from plumbline.testing.projects import Project

    shutil.copytree(sample, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, new=False)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Provide a clone after `make repro`, in a folder with blanks and umlauts in its name, on a link to this .venv."""
    from plumbline.testing.delivered import Clone
    from plumbline.testing.projects import ROOT, copy_into

    if not process.git("show", "HEAD:./dvc.lock", cwd=ROOT, strict=False):
        pytest.skip("no run is committed yet: make repro, then commit its results")
    copy = Clone(tmp_path_factory.mktemp("fresh") / "a clone with blänks")
    (copy.folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    source = yaml.safe_load((copy.folder / paths.PARAMS).read_text(encoding="utf-8"))["data"]["source"]
    if not (copy.folder / source).exists() and (copy.folder / f"{source}.dvc").exists():
        if not (ROOT / source).exists():
            pytest.skip(f"{source} is not here: dvc pull")
        copy_into(copy.folder, source)
    copy.run("make repro")
    return copy
