"""The template as it is checked out: what git says of it, and which files it has."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None when it fails or is not installed.

    A checkout may belong to another user (in containers), which git refuses by default.
    """
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    try:
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return None
    return ran.stdout if ran.returncode == 0 else None


def list_files(checkout: Path) -> list[str]:
    """Return the files of a checkout that git does not ignore, or every file of an archive, by their paths in it."""
    if (checkout / ".git").exists():
        output = git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if output is not None:
            return sorted({name for name in output.split("\0") if name and (checkout / name).is_file()})
    names = (path.relative_to(checkout).as_posix() for path in checkout.rglob("*") if path.is_file())
    return sorted(name for name in names if "__pycache__" not in name)
