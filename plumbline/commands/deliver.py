"""Run a commit of main, push its results, and keep what reviews would fit again.

Bring the table, make repro, dvc push, make review BASE=HEAD^1. For main.yml. What a machine cannot reach (no remote, no
credentials, no answer) is said and is no fault of the commit.
"""

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import process
from plumbline.errors import PlumblineError
from plumbline.process import git
from plumbline.reproducibility.remote import query_remotes, read_remote_names
from plumbline.review.worktrees import FOLDER

CREDENTIALS, PRIVATE = "DVC_CONFIG_LOCAL", Path(".dvc/config.local")
CELLS = 20  # folders of .review/cells that are kept, the newest


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("only", nargs="?", choices=["bring"], help="only bring the table: 0 when it is here, else 1")


def run(options: Namespace) -> int:
    credentials()
    if options.only:
        if (why := bring()) is not None:
            raise PlumblineError(f"{why}. See docs/ci.md")
        return 0
    if (why := bring()) is not None:
        warn(f"nothing was run: {why}. See docs/ci.md")
        return told("not delivered", keep=False)
    if start("plumbline", "repro"):
        return 1
    if git("status", "--porcelain", "--", "dvc.lock"):
        warn("this run wrote another dvc.lock than the commit has: another processor, or a lock that is not of this "
             "commit (python -m plumbline verify). Nothing was pushed")  # fmt: skip
    elif unreachable() is None and start("dvc", "push"):
        warn("dvc push failed (its own message is above). Push from the clone that made the results")
    fill()
    if keep := not pointers():
        start("dvc", "gc", "--workspace", "--force", "--quiet")  # what is kept is this commit's
    return told("delivered" if keep else "delivered, and nothing kept: git only points to the table", keep)


def credentials() -> None:
    """The text of .dvc/config.local from a secret, for the remote, where there is one."""
    if text := os.environ.get(CREDENTIALS):
        PRIVATE.touch(mode=0o600)
        PRIVATE.write_text(f"{text}\n", encoding="utf-8")


def pointers() -> list[str]:
    """The .dvc files in git: data that whoever reads the repository may not read."""
    return git("ls-files", "--", "*.dvc").splitlines()


def bring() -> str | None:
    """Pulls what git only points to; why it is not to be had, or None."""
    if not (wanted := pointers()):
        return None
    if (why := unreachable()) is not None:
        return f"git has a pointer to the table, and {why}"
    return "dvc pull failed (its own message is above)" if start("dvc", "pull", *wanted) else None


def unreachable() -> str | None:
    """Why the default remote cannot be used from here, or None."""
    name = read_remote_names().default
    if name is None:
        return "no remote is the default"
    answer = query_remotes({"": []})[""]
    if not answer.error:
        return None
    return f"remote {name} {'refused access' if answer.is_denied else 'gave no answer'}: {answer.error}"


def fill() -> None:
    """Fits what a review of the next pull request would fit of its base, and drops what is old."""
    if git("rev-parse", "-q", "--verify", "HEAD^1", strict=False) and start("plumbline", "review", "HEAD^1") > 1:
        warn("the review of this commit could not be made (its own message is above)")
    cells = sorted((FOLDER / "cells").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in cells[CELLS:]:
        shutil.rmtree(old)


def start(*module: str) -> int:
    return process.run([sys.executable, "-m", *module], capture_output=False).returncode


def warn(line: str) -> None:
    print(f"::warning::{line}", flush=True)


def told(line: str, keep: bool) -> int:
    """The end of it, and whether the caches may be kept, for the workflow's next step."""
    print(line, flush=True)
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"keep={str(keep).lower()}\n")
    return 0
