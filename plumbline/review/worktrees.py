"""Worktrees of git below .review/, in which the code of a commit runs."""

import shutil
from pathlib import Path

from plumbline.process import git

FOLDER = Path(".review")  # ignored by git
PREDICTIONS = FOLDER / "cells"  # kept by CI from one run to the next


def worktree_path(commit: str, suffix: str = "") -> Path:
    """Return the folder of a commit's worktree; a suffix sets apart a second one of the same commit."""
    return FOLDER / "worktrees" / f"{commit[:12]}{suffix}"


def check_out(commit: str, folder: Path) -> None:
    """Make a worktree of a commit; one that is complete is used again, one that git was stopped in is made anew."""
    mark = folder.with_suffix(".whole")  # next to the folder: git may have been stopped while it filled it
    if mark.exists() and (folder / ".git").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "--force", "--force", "--quiet", "--detach", str(folder), commit)
    mark.touch()


def copy_path(source: Path, target: Path) -> None:
    """Copy a file or a folder; a folder that is there is replaced."""
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
