"""A project on a machine that never saw the template: a clone, an empty home, no packages, and two commands."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.testing.projects import make_table
from template.tests.bake.conftest import git

INDEX = ("PIP_", "UV_", "SSL_", "HTTP", "http", "REQUESTS_", "CURL_", "PYENV_")  # how it is reached
CACHES = ("UV_CACHE_DIR", "PIP_CACHE_DIR")


def clean_environment(home: Path) -> dict[str, str]:
    """The variables of a new user: those by which the package index is reached, and no others."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG") or (name.startswith(INDEX) and name not in CACHES)
    }
    return inherited | {"HOME": str(home), "USERPROFILE": str(home), "PIP_NO_CACHE_DIR": "1"}


@pytest.mark.slow
def test_a_clone_runs_by_two_commands_where_nothing_is_installed(bake: Callable[..., Path], tmp_path: Path) -> None:
    """With the package index."""
    (tmp_path / "own").mkdir()
    make_table().to_csv(tmp_path / "own/rows.csv", index=False)
    project = bake(data=str(tmp_path / "own/rows.csv"), target="target")
    clone, home = tmp_path / "Häuser am See", tmp_path / "home"
    home.mkdir()
    git(tmp_path, "clone", "--quiet", str(project), str(clone))
    environment = clean_environment(home)
    for target in ("repro", "test"):
        ran = subprocess.run(["make", target], cwd=clone, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "passed" in ran.stdout
    results = {line[3:] for line in git(clone, "status", "--porcelain").splitlines()}
    assert results == {"data/schema.json", "dvc.lock", "metrics/"}
