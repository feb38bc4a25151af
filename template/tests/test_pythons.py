"""Every Python that is promised and at hand: set up from the lock, the same bytes; one that is not is refused."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from template.tests.tools import find_python

ROOT = Path(__file__).parents[2]
OTHER_VERSIONS = [f"3.{minor}" for minor in range(11, 15) if minor != sys.version_info.minor]
TOO_OLD = "3.10"


def make(clone: Path, verb: str, python: str = "", *words: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHON", "PYTHONPATH", "VIRTUAL_ENV")}
    words = (f"PYTHON={python}", *words) if python else words
    return subprocess.run(
        ["make", verb, *words], cwd=clone, env=env, capture_output=True, encoding="utf-8", check=False
    )


def inside(clone: Path, *command: str) -> str:
    """The output of a command in the clone's .venv."""
    path = f"{clone / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": path}
    ran = subprocess.run(command, cwd=clone, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """HEAD in a folder whose name has a blank and an umlaut."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tmp_path / "a clöne")], check=True)
    return tmp_path / "a clöne"


@pytest.mark.slow
@pytest.mark.parametrize("version", OTHER_VERSIONS)
def test_a_fresh_clone_gives_the_committed_bytes_and_its_notebook_opens(clone: Path, version: str) -> None:
    repro = make(clone, "repro", find_python(version), "EXTRAS=notebook")
    assert repro.returncode == 0, repro.stdout[-2000:] + repro.stderr[-2000:]
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, encoding="utf-8", check=True
    )
    assert status.stdout == ""
    setup = make(clone, "setup")
    assert setup.stdout == ".venv is as requirements.lock says. Next: make repro\n", setup.stderr
    assert inside(clone, "python", "--version").startswith(f"Python {version}.")
    assert "python3" in inside(clone, "python", "-m", "jupyter", "kernelspec", "list")
    # Jupyter runs the cells in its kernel, and stops where one raises.
    command = ["python", "-m", "jupytext", "--to", "ipynb", "--set-kernel", "python3", "--execute"]
    inside(clone, *command, "--output", "run.ipynb", "notebooks/explore.py")
    assert '"output_type": "execute_result"' in (clone / "run.ipynb").read_text(encoding="utf-8")
    assert make(clone, "setup", "", "EXTRAS=none").returncode == 0
    packages = {line.partition("==")[0] for line in inside(clone, "python", "-m", "uv", "pip", "freeze").splitlines()}
    assert "dvc" in packages
    assert not packages & {"ipykernel", "jupyterlab", "jupytext", "tornado"}


@pytest.mark.parametrize("python", ["/a path/with blänks/python", "python3.13", "py -3.13", ""])
def test_every_verb_takes_a_path_with_blanks_a_name_or_a_command(tmp_path: Path, python: str) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    verbs = re.findall(r"(?m)^([a-z]+):$", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert len(verbs) == 8
    for verb in set(verbs) - {"help"}:
        (line,) = make(tmp_path, verb, python, "--dry-run").stdout.splitlines()
        command = [python] if "/" in python else python.split() or ["python3"]
        assert shlex.split(line)[: len(command) + 2] == [*command, "-m", "src.environment"]
        assert ("--any-python" in line) is (python == "")


def test_a_path_with_blanks_runs(clone: Path) -> None:
    (clone / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    for python in (str(clone / ".venv/bin/python"), ""):
        result = make(clone, "setup", python)
        assert result.stdout.endswith("Next: make repro\n"), result.stderr


def old_pythons(folder: Path) -> list[str]:
    """This Python that gives itself out for one that the lock does not cover, and such a one where it is at hand."""
    script = folder / "old"
    says = f"import runpy, sys; sys.version_info = ({TOO_OLD.replace('.', ', ')}, 0); sys.argv[:2] = sys.argv[2:3]"
    runs = f"{says}; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
    script.write_text(f'#!/bin/sh\nexec \'{sys.executable}\' -c "{runs}" "$@"\n')
    script.chmod(0o700)
    try:
        return [str(script), find_python(TOO_OLD)]
    except pytest.skip.Exception:
        return [str(script)]


def test_another_python_is_refused_in_one_line(clone: Path, tmp_path: Path) -> None:
    for python in old_pythons(tmp_path):
        result = make(clone, "setup", python)
        assert result.returncode != 0
        line = result.stderr.splitlines()[0]
        assert line.startswith(f"ERROR: Python {TOO_OLD} cannot run this project: expected 3.11 to 3.14")
        assert "Traceback" not in result.stderr
        assert not (clone / ".venv").exists()
