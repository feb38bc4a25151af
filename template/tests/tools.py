"""Programs that tests need and that no lock brings: in CI a missing one fails, elsewhere its test is skipped."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

INSTALLS = Path(__file__).parents[2] / ".ci/tools"
PACKAGES = {names: package for names, package in re.findall(r"(?m)^(\S+) (\S+)$", INSTALLS.read_text().split('"')[1])}


def need(name: str) -> str:
    """Where a program of .ci/tools is, under one of its names."""
    ((names, package),) = ((names.split("|"), brings) for names, brings in PACKAGES.items() if name in names.split("|"))
    return next(filter(None, map(shutil.which, names)), None) or missing(name, package)


def need_python(version: str) -> str:
    """A Python of this version, of pyenv, whose commands on PATH need not work, or on PATH."""
    if pyenv := shutil.which("pyenv"):
        prefix = subprocess.run([pyenv, "prefix", version], capture_output=True, encoding="utf-8", check=False)
        if prefix.returncode == 0:
            return str(Path(prefix.stdout.strip()) / "bin" / "python")
    if found := shutil.which(f"python{version}"):
        return found
    package = f"python{version}-venv"
    if shutil.which("apt-cache") and subprocess.run(["apt-cache", "show", package], capture_output=True).stdout:
        missing(f"python{version}", package)
    pytest.skip(f"no Python {version} is here, and this system has no package of it")


def missing(name: str, package: str) -> NoReturn:
    """Fails in CI, skips elsewhere."""
    line = f"{name} is not on PATH: .ci/tools installs it, from Debian's package {package}"
    if os.environ.get("CI"):
        pytest.fail(line, pytrace=False)
    pytest.skip(line)
