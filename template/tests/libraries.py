"""The .venv of a project that has the package as a wheel: with the libraries of this environment, without an index."""

import subprocess
import sys
import sysconfig
import zipfile
from contextlib import chdir
from pathlib import Path

from plumbline import environment
from plumbline.extras import remote_extras
from template.tests.bake.conftest import SCRIPTS


def create_venv(project: Path) -> Path:
    """Create the .venv of a project, which `make` takes for complete, and return the folder of its programs."""
    folder = project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site_packages = next(folder.rglob("site-packages"))
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    (wheel,) = (project / "vendor").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
    programs = folder / SCRIPTS
    for path in Path(sysconfig.get_path("scripts")).iterdir():
        if not (programs / path.name).exists() and path.is_file():
            _add_program(path, programs)
    with chdir(project):
        environment.write_script()
        (folder / "lock-hash").write_text(environment.hash_inputs(remote_extras()), encoding="utf-8")
    return programs


def _add_program(path: Path, programs: Path) -> None:
    """A link to a binary; a copy of a script, which runs the Python of the new .venv."""
    content = path.read_bytes()
    if not content.startswith(b"#!"):
        (programs / path.name).symlink_to(path)
        return
    _, _, code = content.partition(b"\n")
    # To the shell, a command; to Python, a text.
    start = """#!/bin/sh\n'''exec' "$(dirname "$0")/python" "$0" "$@"\n' '''\n"""
    (programs / path.name).write_bytes(start.encode() + code)
    (programs / path.name).chmod(0o755)
