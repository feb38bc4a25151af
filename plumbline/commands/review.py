"""Is the model of this commit better, worse or the same as that of another, or can nobody tell? (make review)

What stands in git is compared; metrics/ and data/ stay as they are, all is written to .review/. Exit code 1 where a
reason of docs/pull-requests.md is not accepted, else 0; 2 when the comparison itself could not be made.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from functools import partial

from plumbline.errors import PlumblineError
from plumbline.process import git
from plumbline.process import run as started
from plumbline.review.sides import JUDGES, Side

FAILED = 2
BY = "REVIEW_BY_BASE"  # base: base's own code decides; head: head's is asked for what stands beside


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "base",
        nargs="?",
        default="origin/main",
        help="a commit, default origin/main; its merge base with HEAD is compared",
    )
    parser.add_argument("--keep", action="store_true", help="write metrics/review.json, for a CI that holds no data")


def run(options: Namespace) -> int:
    asked = options.base
    head = Side("head", git("rev-parse", "HEAD").strip())
    base = Side("base", _merge_base(asked))
    by, base_can = os.environ.get(BY), _has_review(base)
    if base_can and not by:
        return _by(base, "base", options)
    from plumbline.review.judge import judge  # here: a process that hands over needs nothing of it

    ask = partial(_by, head, "head", options)
    return judge(base, head, asked, by=by, base_can=base_can, keep_it=options.keep, ask_head=ask)


def _merge_base(asked: str) -> str:
    found = git("merge-base", "HEAD", asked, strict=False).strip()
    if not found:
        raise PlumblineError(
            f"{asked}: no commit of this name has a common ancestor with HEAD here. Name another, make review "
            "BASE=HEAD~1, or fetch more history: git fetch --unshallow"
        )
    return found


def _has_review(base: Side) -> bool:
    return all(git("cat-file", "-t", f"{base.commit}:{path}", strict=False) for path in JUDGES[:2])


def _by(side: Side, name: str, options: Namespace) -> int:
    """A side's own review, from its worktree: -P keeps this folder's code from being imported."""
    side.bring()
    command = [sys.executable, "-P", "-m", "plumbline", "review", options.base, *["--keep"] * options.keep]
    return started(command, env=side.environment() | {BY: name}, capture_output=False).returncode
