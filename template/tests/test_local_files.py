"""Files in git that only a run may write are refused before anything uses them."""

import os
import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from plumbline.commands import review
from plumbline.environment import QUIET, hash_inputs, run_command
from plumbline.errors import ProjectError
from plumbline.local_files import refuse_tracked
from plumbline.process import git

TRACKED = [
    (".review/cells/a/0.npz", ".review"),
    (".review", ".review"),
    (".venv/bin/python", ".venv"),
    (".VENV/bin/python", ".VENV"),
    (".dvc/cache/files/md5/00/1", ".dvc/cache"),
    (".dvc/tmp/lock", ".dvc/tmp"),
    (".dvc/config.local", ".dvc/config.local"),
    (".dvc", ".dvc"),
]


def commit() -> str:
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x")
    return git("rev-parse", "HEAD").strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with what a set-up reads."""
    monkeypatch.chdir(tmp_path)
    for name in ("PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV", "PATH", *QUIET):  # run_command sets them
        monkeypatch.setenv(name, os.environ.get(name, ""))
    git("init", "-q")
    for name in ("requirements.lock", "pyproject.toml", ".dvcignore"):
        Path(name).write_text("dependencies = [\n]\n", encoding="utf-8")
    git("add", "-A")
    commit()
    return tmp_path


@pytest.mark.parametrize(("name", "place"), TRACKED)
def test_it_is_refused_in_the_index_and_in_a_commit_and_the_cure_works(folder: Path, name: str, place: str) -> None:
    refuse_tracked()
    refuse_tracked("HEAD")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("forged")
    git("add", "-f", name)
    with pytest.raises(ProjectError, match=rf"^git has '{name}', which only a set-up or a run may write") as error:
        refuse_tracked()
    head = commit()
    with pytest.raises(ProjectError, match=rf"^commit {head[:9]} has '{name}'"):
        refuse_tracked(head)
    command = error.value.hint.removeprefix("Remove it from git: ").removesuffix(", then commit")
    assert command.endswith(place)
    subprocess.run(shlex.split(command), check=True)
    refuse_tracked()
    refuse_tracked(commit())


def test_a_committed_environment_runs_in_no_set_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fitting lock-hash would make it the environment of the lock."""
    python = Path(".venv/bin/python")
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\ntouch ran\n")
    python.chmod(0o755)
    Path(".venv/lock-hash").write_text(hash_inputs([]), encoding="utf-8")
    assert run_command(["plumbline", "review"], str(folder), str(folder)) == 0
    assert Path("ran").exists()
    Path("ran").unlink()
    git("add", "-f", ".venv")
    assert run_command(["plumbline", "review"], str(folder), str(folder)) == 1
    assert "git has '.venv/bin/python', which only a set-up or a run may write" in capsys.readouterr().err
    assert not Path("ran").exists()


def test_a_committed_environment_names_no_python(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Make asks for the Python that .venv was made with."""
    python = folder / "python"
    python.write_text("#!/bin/sh\ntouch ran\n")
    python.chmod(0o755)
    Path(".venv").mkdir()
    version = "3.11" if sys.version_info[1] != 11 else "3.12"
    Path(".venv/pyvenv.cfg").write_text(f"version = {version}\nexecutable = {python}\n", encoding="utf-8")
    git("add", "-f", ".venv")
    assert run_command(["--any-python", "plumbline", "review"], str(folder), str(folder)) == 1
    assert "git has '.venv/pyvenv.cfg', which only" in capsys.readouterr().err
    assert not Path("ran").exists()


def test_where_another_project_judges_its_own_environment_runs_in_this_folder(folder: Path) -> None:
    """Base judges head: with base's lock, whatever head's asks for."""
    judge = folder / "judge"
    python = judge / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$VIRTUAL_ENV" "$@" > ran\n')
    python.chmod(0o755)
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copyfile(name, judge / name)
    clients = ["s3"]  # for the remote that head names
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("['remote \"new\"']\n    url = s3://bucket\n", encoding="utf-8")
    (judge / ".venv/lock-hash").write_text(hash_inputs(clients), encoding="utf-8")
    Path("requirements.lock").write_text("numpy==99\n", encoding="utf-8")
    assert run_command(["plumbline", "review"], str(judge), str(judge)) == 0
    assert Path("ran").read_text(encoding="utf-8") == f"{judge / '.venv'} -m plumbline review\n"


@pytest.mark.parametrize("role", [None, "base"])
def test_a_review_refuses_it_before_base_is_asked_and_base_does_again(
    folder: Path, role: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = git("rev-parse", "HEAD").strip()
    Path(".review/cells/a").mkdir(parents=True)
    Path(".review/cells/a/0.npz").write_text("forged")
    git("add", "-f", ".review")
    commit()
    shutil.rmtree(".review")
    if role:
        monkeypatch.setenv(review.ROLE, role)
    with pytest.raises(ProjectError, match=r"has '\.review/cells/a/0\.npz'"):
        review.run(Namespace(base=base, keep=False))
    assert not Path(".review").exists()
