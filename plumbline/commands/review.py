"""Is the model of this commit better, worse or the same as that of another, or can nobody tell? (make review)

What stands in git is compared; metrics/ and data/ stay as they are, all is written to .review/. Exit code 1 where a
reason of docs/pull-requests.md is not accepted, else 0; 2 when the comparison itself could not be made.
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from plumbline.errors import Refusal
from plumbline.files import write_json, write_text
from plumbline.process import git
from plumbline.process import run as started
from plumbline.review.author import keep, of_author
from plumbline.review.comment import comment
from plumbline.review.gate import judged
from plumbline.review.page import page
from plumbline.review.reviewed import NOTHING, about, release, reviewed, settings_of
from plumbline.review.sides import FOLDER, NoData, Side
from plumbline.review.terminal import told

FAILED = 2
BY = "REVIEW_BY_BASE"  # base: base's own code decides; head: head's is asked for what stands beside
# What a review is made of, first the two without which there is none.
JUDGES = ("plumbline/commands/review.py", "plumbline/review", "plumbline/contract.py", "plumbline/evaluation",
          "plumbline/metrics.py", "plumbline/columns.py", "plumbline/training/folds.py",
          "plumbline/pipeline/evaluate.py", "src/stages/evaluate.py")  # fmt: skip
RESULT, COMMENT, PAGE = (FOLDER / name for name in ("result.json", "review.md", "review.html"))
BESIDE = FOLDER / "of-head.json"


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
    result = {"version": 1, "base_is": f"the merge base of HEAD and {asked}"} | _compared(base, head)
    if by == "head":
        write_json(str(BESIDE), {"word": result["word"], "why": result["why"]})
        return 0
    if by == "base" and (beside := _of_head(base, head, options)):
        result["evaluator"] = beside
    if not base_can:
        said = f"{result['word']}: {result['why']}" if result["word"] == "cannot tell" else result["word"]
        why = f"base has no review, so head's own judged, which says: {said}"
        result |= {"word": "cannot tell", "why": why}
    result |= judged(result, base, head)
    if options.keep:
        keep(result, head)
    write_json(str(RESULT), result)
    write_text(str(COMMENT), comment(result))
    write_text(str(PAGE), page(result))
    print("\n".join(told(result)))
    print(f"Made: {', '.join(path.as_posix() for path in (RESULT, COMMENT, PAGE))}")
    return 1 if result["red"] else 0


def _compared(base: Side, head: Side) -> dict[str, Any]:
    """Head against base and against the release that is pinned; without data what the author found."""
    settings, pinned = settings_of(base), release(base)
    try:
        result = reviewed(base, head, settings)
        if pinned and pinned.commit != base.commit:
            result["release"] = {"name": pinned.name} | reviewed(pinned, head, settings)
    except NoData:
        return NOTHING | of_author(base, head) | about(base, head)  # git's word stands over the author's file
    return result


def _merge_base(asked: str) -> str:
    found = git("merge-base", "HEAD", asked, strict=False).strip()
    if not found:
        raise Refusal(
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
    return started(command, env=side.environment() | {BY: name}, show=True).returncode


def _of_head(base: Side, head: Side, options: Namespace) -> dict[str, str] | None:
    """What head's own review says, where it, or what it measures with, is another than base's."""
    if not git("diff", "--name-only", base.commit, head.commit, "--", *JUDGES).strip():
        return None
    BESIDE.unlink(missing_ok=True)
    print("head: its own review is another, and is asked, too", flush=True)
    _by(head, "head", options)
    if not BESIDE.exists():
        return {"word": "cannot tell", "why": "head's own review does not run"}
    return json.loads(BESIDE.read_text(encoding="utf-8"))
