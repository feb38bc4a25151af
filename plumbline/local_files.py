"""Files that only a set-up or a run may write: where git has one, a run would take it for its own."""

import shutil
from collections.abc import Sequence

from plumbline.errors import ProjectError
from plumbline.process import git

PLACES = (".venv", ".review", ".dvc/cache", ".dvc/tmp", ".dvc/config.local")


def refuse_tracked(commit: str | None = None, places: Sequence[str] = PLACES) -> None:
    """Raise an error where git has such a file, in a commit or in this folder's index.

    Parameters
    ----------
    commit : str, optional
    places : sequence of str
        Files or folders, in lower case.

    Raises
    ------
    ProjectError
        The message names the first one.
    """
    if shutil.which("git") is None:
        return
    listing = git("ls-tree", "-r", "-z", "--name-only", commit) if commit else git("ls-files", "-z", strict=False)
    for name in filter(None, listing.split("\0")):
        if place := find_place(name, places):
            where = f"commit {commit[:9]}" if commit else "git"
            hint = f"Remove it from git: git rm -r -q --cached -- {place}, then commit"
            raise ProjectError(f"{where} has {name!r}, which only a set-up or a run may write", hint=hint)


def find_place(name: str, places: Sequence[str] = PLACES) -> str | None:
    """Return the part of a path in git that only a run may write; None where there is none.

    Letters count in either case, as for macOS and Windows. A file in place of a folder above counts, too: it may be a
    link.

    Examples
    --------
    >>> find_place(".Venv/bin/python"), find_place(".dvc"), find_place(".dvc/config")
    ('.Venv', '.dvc', None)
    """
    path = name.casefold()
    for place in places:
        if place.startswith(f"{path}/"):
            return name
        if path == place or path.startswith(f"{place}/"):
            return name[: len(place)]
    return None
