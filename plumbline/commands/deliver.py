"""Run a commit of main and push its results, for main.yml: pull the table, make repro, dvc push, make review.

The review, of HEAD^1, stores fits that the next pull request needs again. Where the table or the remote cannot be
reached (no remote, no credentials, no answer), a warning is printed and the exit code stays 0.
"""

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import process
from plumbline.errors import ServiceError
from plumbline.process import git
from plumbline.reproducibility.remote import query_remotes, read_remote_names
from plumbline.review.worktrees import FOLDER

CREDENTIALS, CREDENTIALS_FILE = "DVC_CONFIG_LOCAL", Path(".dvc/config.local")
MAX_CELLS = 20  # folders in .review/cells; older ones are removed
HINT = "plumbline docs ci says how CI gets the data"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the word `pull`."""
    parser.add_argument(
        "only", nargs="?", choices=["pull"], help="only pull the table; exit code 1 where it cannot be pulled"
    )


def run(options: Namespace) -> int:
    """Deliver the commit, or only pull the table; return the exit code."""
    _write_credentials()
    reason = _pull_data()
    if options.only:
        if reason is not None:
            raise ServiceError(reason, hint=HINT)
        return 0
    if reason is not None:
        _warn(f"nothing was run: {reason}. {HINT}")
        return _finish("not delivered", keep_caches=False)
    if _run_module("plumbline", "repro"):
        return 1
    _push_results()
    _store_fits()
    if _list_pointers():
        return _finish("delivered; caches are not kept, since the table is not in git", keep_caches=False)
    _run_module("dvc", "gc", "--workspace", "--force", "--quiet")  # a kept cache has the files of this commit alone
    return _finish("delivered", keep_caches=True)


def _write_credentials() -> None:
    """Write the secret with the settings of the remote, where there is one, to .dvc/config.local."""
    if text := os.environ.get(CREDENTIALS):
        CREDENTIALS_FILE.touch(mode=0o600)
        CREDENTIALS_FILE.write_text(f"{text}\n", encoding="utf-8")


def _list_pointers() -> list[str]:
    """Return the .dvc files in git: their data may be confidential to some readers of the repository."""
    return [path for path in git("ls-files", "-z", "--", "*.dvc").split("\0") if path]


def _pull_data() -> str | None:
    """Pull the data of all .dvc files; return the reason where this fails, else None."""
    pointers = _list_pointers()
    if not pointers:
        return None
    if (reason := _check_remote()) is not None:
        return f"git has a pointer to the table, and {reason}"
    return "dvc pull failed (its own message is above)" if _run_module("dvc", "pull", *pointers) else None


def _check_remote() -> str | None:
    """Return the reason why the default remote cannot be used, or None."""
    name = read_remote_names().default
    if name is None:
        return "no remote is the default"
    answer = query_remotes({"": []})[""]
    if not answer.error:
        return None
    return f"remote {name} {'refused access' if answer.is_denied else 'gave no answer'}: {answer.error}"


def _push_results() -> None:
    if git("status", "--porcelain", "--", "dvc.lock"):
        _warn(
            "this run wrote another dvc.lock than the commit has: another processor, or a lock that does not belong to "
            "this commit (python -m plumbline verify). Nothing was pushed"
        )
    elif _check_remote() is None and _run_module("dvc", "push"):
        _warn("dvc push failed (its own message is above). Push from the clone that computed the results")


def _store_fits() -> None:
    """Review HEAD^1, so that the fits of this commit are stored for reviews of pull requests; remove old ones."""
    if git("rev-parse", "-q", "--verify", "HEAD^1", strict=False) and _run_module("plumbline", "review", "HEAD^1") > 1:
        _warn("the review of this commit failed (its own message is above)")
    cells = sorted((FOLDER / "cells").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in cells[MAX_CELLS:]:
        shutil.rmtree(folder)


def _run_module(*arguments: str) -> int:
    return process.run([sys.executable, "-m", *arguments], capture_output=False).returncode


def _warn(text: str) -> None:
    print(f"::warning::{text}", flush=True)


def _finish(text: str, *, keep_caches: bool) -> int:
    """Print the last line and write the output `keep`, which the workflow's next step reads."""
    print(text, flush=True)
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"keep={str(keep_caches).lower()}\n")
    return 0
