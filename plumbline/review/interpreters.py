"""Which Python runs a commit: one whose environment was filled from a lock with the libraries of that commit."""

import os
import sys
from pathlib import Path

from plumbline.lock import LOCK
from plumbline.machinery import list_libraries
from plumbline.process import git

VENV = Path(".venv")
INSIDE = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
# Without any library: what a lock installs may run whenever Python starts, and head's must not where base's is filled.
PLAIN = getattr(sys, "_base_executable", sys.executable)


def find_interpreter(libraries: str) -> str | None:
    """Return this interpreter or that of the project's .venv, whichever has these libraries; None where none has."""
    if _read_libraries(Path(sys.prefix)) == libraries:
        return sys.executable
    python = VENV / INSIDE
    return str(python.absolute()) if python.exists() and _read_libraries(VENV) == libraries else None


def _read_libraries(environment: Path) -> str:
    """Return the libraries that an environment was filled with.

    A set-up leaves its lock in the environment. An older one has it next to it, and of another one nothing is known but
    that the user chose it for HEAD.
    """
    for folder in (environment, environment.absolute().parent):
        if (folder / LOCK).is_file():
            return list_libraries((folder / LOCK).read_text(encoding="utf-8"))
    return list_libraries(git("show", f"HEAD:{LOCK}", strict=False))
