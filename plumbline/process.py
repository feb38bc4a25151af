"""The programs that are started: git is called here and nowhere else."""

import shutil
import subprocess

from plumbline.errors import Refusal


def need_git() -> None:
    """Refuses where git cannot be found."""
    if shutil.which("git") is None:
        raise Refusal(
            "git is not on PATH: expected it, the project compares with what is committed. Install git, then again"
        )


def changed_since_head(*where: str) -> set[str]:
    """The files below these paths that are others than in HEAD, or not in git."""
    asked = ["git", "status", "--porcelain", "-z", "--no-renames", "-uall", "--", *where]
    shown = subprocess.run(asked, capture_output=True, encoding="utf-8", check=False).stdout
    return {entry[3:] for entry in shown.split("\0") if entry}
