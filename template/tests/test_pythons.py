"""Every Python that is promised and at hand: set up from the lock, the same bytes; one that is not is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHERS = [f"3.{minor}" for minor in range(11, 15) if minor != sys.version_info.minor]
TOO_OLD = "3.10"


def find(version: str) -> str:
    """A Python of this version on PATH, or of pyenv, whose commands on PATH need not work."""
    if pyenv := shutil.which("pyenv"):
        prefix = subprocess.run([pyenv, "prefix", version], capture_output=True, encoding="utf-8", check=False)
        if prefix.returncode == 0:
            return str(Path(prefix.stdout.strip()) / "bin" / "python")
    return shutil.which(f"python{version}") or pytest.skip(f"no Python {version} on this machine")


def make(clone: Path, verb: str, python: str) -> subprocess.CompletedProcess[str]:
    changes = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        ["make", verb, f"PYTHON={python}"], cwd=clone, env=changes, capture_output=True, encoding="utf-8", check=False
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


@pytest.mark.slow
@pytest.mark.parametrize("version", OTHERS)
def test_a_fresh_clone_gives_the_committed_bytes(clone: Path, version: str) -> None:
    made = make(clone, "repro", find(version))
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, encoding="utf-8", check=True
    )
    assert status.stdout == ""


def test_another_python_is_refused_in_one_line(clone: Path) -> None:
    refused = make(clone, "setup", find(TOO_OLD))
    assert refused.returncode != 0
    line = refused.stderr.splitlines()[0]
    assert line.startswith(f"ERROR: Python {TOO_OLD} cannot run this project: expected 3.11 to 3.14")
    assert "Traceback" not in refused.stderr
    assert not (clone / ".venv").exists()
