"""A project takes the package from a package index: only its pin changes. A folder stands for the index."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline import __version__
from plumbline.testing.projects import ROOT
from template.bake import wheel

WHEEL = wheel.FILE_NAME.format(version=__version__)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder with the wheel of a release."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / WHEEL).write_bytes(wheel.build_wheel(ROOT, release=True)[1])
    return folder


@pytest.mark.slow
def test_without_vendor_the_pin_of_a_release_installs_it_against_the_hash_of_the_lock(
    bake: Callable[..., Path], index: Path
) -> None:
    project = bake()
    links = {"UV_FIND_LINKS": str(index), "PIP_FIND_LINKS": f"{index} {os.environ.get('PIP_FIND_LINKS', '')}"}
    inherited = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}

    def make(*targets: str) -> subprocess.CompletedProcess[str]:
        env = inherited | links
        return subprocess.run(["make", *targets], cwd=project, env=env, capture_output=True, text=True, check=False)

    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    (project / "pyproject.toml").write_text(re.sub(r'("plumbline-ml==[\d.]+)\+\w+"', r'\1"', text), encoding="utf-8")
    shutil.rmtree(project / "vendor")
    refused = make("setup")
    message = f"plumbline-ml {__version__}, which requirements.lock does not have. Run make lock"
    assert refused.returncode and refused.stderr.startswith(f"ERROR: pyproject.toml asks for {message}")
    lock = make("lock")
    assert lock.returncode == 0, lock.stdout + lock.stderr
    assert re.search(rf"changed  plumbline-ml {__version__}\+\w+ -> {__version__}\n", lock.stdout)
    setup = make("setup")
    assert setup.returncode == 0, setup.stdout + setup.stderr
    (installed,) = (project / ".venv").rglob("plumbline_ml-*.dist-info")
    assert installed.name == f"plumbline_ml-{__version__}.dist-info"
    shutil.rmtree(project / ".venv")
    with (index / WHEEL).open("ab") as file:
        file.write(b"tampered")
    tampered = make("setup")
    assert tampered.returncode and "the package plumbline-ml could not be installed" in tampered.stderr
    assert not (project / ".venv").exists()
