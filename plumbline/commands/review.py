"""Compare the model of this commit with that of another one: better, worse, same or cannot tell (make review).

The command compares what is committed. It writes to .review/, and with --keep also metrics/review.json. Exit codes: 0
if there is no reason for red or every reason is accepted; 1 if one is not accepted (`plumbline docs pull-requests`
lists them); 2 if the comparison could not be made.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from functools import partial

from plumbline.errors import clean_line
from plumbline.local_files import refuse_tracked
from plumbline.machinery import has_folder
from plumbline.process import git
from plumbline.process import run as run_program
from plumbline.review.commits import SideError
from plumbline.review.sides import JUDGES, Side, find_merge_base

FAILED = 2
# Whose review this process is: unset for the one that a user started, "base" or "head" for one that another review
# started with that side's code. It is an environment variable since the review of an older commit must understand it.
ROLE = "REVIEW_BY_BASE"
SEPARATES_LIBRARIES = "plumbline/review/interpreters.py"  # what one has that can run without head's libraries
READS_WHEELS = "plumbline/machinery.py"  # what a review has that finds a package also in a wheel


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "base",
        nargs="?",
        default="origin/main",
        help="a commit, default origin/main; its merge base with HEAD is compared",
    )
    parser.add_argument("--keep", action="store_true", help="write metrics/review.json, for a CI that holds no data")


def run(options: Namespace) -> int:
    """Compare HEAD with base, and return the exit code.

    The code of base judges, in a process of its own; this code does where base has no review, or is that process.
    """
    head, base = Side("head", git("rev-parse", "HEAD").strip()), find_merge_base(options.base)
    refuse_tracked(head.commit)
    role, base_has_review = os.environ.get(ROLE), _can_judge(base, head)
    if base_has_review and not role:
        return _delegate(base, "base", options)
    from plumbline.review.judge import Request, judge, second_opinion  # a process that delegates needs none of it

    request = Request(
        base=base, head=head, revision=options.base, is_author=options.keep, base_has_review=base_has_review
    )
    if role == "head":
        return second_opinion(request)
    ask_head = partial(_delegate, head, "head", options) if role == "base" else None
    return judge(request, ask_head)


def _delegate(side: Side, role: str, options: Namespace) -> int:
    """Run the review with the code and the libraries of a side, in this folder, and return its exit code."""
    side.check_out()
    python = side.python if (side.machinery / SEPARATES_LIBRARIES).exists() else sys.executable
    # -P: Python would otherwise import plumbline from this folder, before PYTHONPATH.
    command = [python, "-P", "-m", "plumbline", "review", options.base, *(["--keep"] if options.keep else [])]
    return run_program(command, env=side.environment() | {ROLE: role}, capture_output=False).returncode


def _can_judge(base: Side, head: Side) -> bool:
    """Whether base has a review of its own; one from before the wheel knows a package only as a folder."""
    base.check_out()
    head.check_out()
    try:
        has_review = all((base.machinery / name).exists() for name in JUDGES[:2])
    except SideError as error:
        print(clean_line(str(error)), flush=True)
        return False
    return has_review and ((base.machinery / READS_WHEELS).exists() or has_folder(head.folder))
