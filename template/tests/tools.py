"""Programs that tests need and no lock installs: a test without its program fails in CI and is skipped elsewhere."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci/tools"
PACKAGES = {names: package for names, package in re.findall(r"(?m)^(\S+) (\S+)$", SCRIPT.read_text().split('"')[1])}


def find_program(name: str) -> str:
    """Return the path of a program of .ci/tools, under any of its names."""
    ((names, package),) = (
        (names.split("|"), package) for names, package in PACKAGES.items() if name in names.split("|")
    )
    return next(filter(None, map(shutil.which, names)), None) or report_missing(name, package)


def find_python(version: str) -> str:
    """Return the path of a Python of this version: pyenv's, whose commands on PATH need not work, or one on PATH."""
    if pyenv := shutil.which("pyenv"):
        prefix = subprocess.run([pyenv, "prefix", version], capture_output=True, encoding="utf-8", check=False)
        if prefix.returncode == 0:
            return str(Path(prefix.stdout.strip()) / "bin" / "python")
    if path := shutil.which(f"python{version}"):
        return path
    package = f"python{version}-venv"
    if shutil.which("apt-cache") and subprocess.run(["apt-cache", "show", package], capture_output=True).stdout:
        report_missing(f"python{version}", package)
    pytest.skip(f"no Python {version} is here, and this system has no package of it")


def report_missing(name: str, package: str) -> NoReturn:
    """Fail in CI, skip elsewhere."""
    line = f"{name} is not on PATH: .ci/tools installs it, from Debian's package {package}"
    if os.environ.get("CI"):
        pytest.fail(line, pytrace=False)
    pytest.skip(line)
