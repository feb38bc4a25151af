"""Worktrees of git below .review/, in which the code of a commit runs."""

import os
import shutil
from collections.abc import Collection
from importlib.machinery import all_suffixes
from pathlib import Path
from tempfile import TemporaryDirectory

from plumbline.process import git

FOLDER = Path(".review")  # ignored by git
PREDICTIONS = FOLDER / "cells"  # kept by CI from one run to the next
_verified: set[Path] = set()  # worktrees that this process has made or verified; what runs in them may change them


def worktree_path(commit: str, suffix: str = "") -> Path:
    """Return the folder of a commit's worktree; a suffix sets apart a second one of the same commit."""
    return FOLDER / "worktrees" / f"{commit[:12]}{suffix}"


def check_out(commit: str, folder: Path, *, outputs: Collection[str] = ()) -> None:
    """Make a worktree of a commit, or use the one that is there.

    One that git was stopped in is made anew, and so is one whose code is not the commit's: head's code of an earlier
    review may have changed base's.

    Parameters
    ----------
    commit : str
    folder : Path
    outputs : collection of str
        Files and folders that a run writes: they may differ from the commit.
    """
    mark = folder.with_suffix(".whole")  # next to the folder: git may have been stopped while it filled it
    path = folder.absolute()
    is_whole = mark.exists() and (folder / ".git").exists()
    if is_whole and (path in _verified or _has_code_of(commit, path, outputs)):
        _verified.add(path)
        return
    shutil.rmtree(folder, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "--force", "--force", "--quiet", "--detach", str(folder), commit)
    mark.touch()
    _verified.add(path)


def _has_code_of(commit: str, folder: Path, outputs: Collection[str]) -> bool:
    """Whether a worktree is as the commit has it but for the outputs, and has nothing else that Python may import."""
    if git("rev-parse", "HEAD", cwd=folder, strict=False).strip() != commit:
        return False
    with TemporaryDirectory() as temporary:  # a new index: that of the worktree may say that files are unchanged
        variables = {
            "GIT_DIR": git("rev-parse", "--absolute-git-dir").strip(),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(Path(temporary, "index")),
        }
        env = {**os.environ, **variables}
        git("read-tree", commit, cwd=folder, env=env)
        git("update-index", "-q", "--refresh", cwd=folder, env=env, strict=False)  # fails where a file differs
        changed = git("diff-files", "--name-only", "-z", cwd=folder, env=env)
        other_files = git(
            "ls-files", "--others", "-z", "--exclude=/.venv", cwd=folder, env=env
        )  # also what git ignores
    names = [*changed.split("\0"), *(name for name in other_files.split("\0") if _can_be_imported(folder / name, name))]
    return all(not name or any(Path(name).is_relative_to(output) for output in outputs) for name in names)


def _can_be_imported(path: Path, name: str) -> bool:
    """Whether it is a module, or a folder that git does not look into: a repository of its own, or a link."""
    return name.endswith(("/", *all_suffixes())) or (path.is_symlink() and path.is_dir())


def copy_path(source: Path, target: Path) -> None:
    """Copy a file or a folder; a folder that is there is replaced."""
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
