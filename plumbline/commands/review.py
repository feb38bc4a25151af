"""Is the model of this commit better, worse or the same as that of another, or can nobody tell? (make review)

What stands in git is compared; metrics/ and data/ stay as they are, all is written to .review/. Exit code 1 where a
reason of docs/pull-requests.md is not accepted, else 0; 2 when the comparison itself could not be made.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from plumbline.errors import Refusal
from plumbline.files import write_json, write_text
from plumbline.review.author import keep, of_author
from plumbline.review.comment import comment
from plumbline.review.gate import judged
from plumbline.review.page import page
from plumbline.review.reviewed import NOTHING, about, release, reviewed, settings_of
from plumbline.review.sides import FOLDER, NoData, Side, git
from plumbline.review.terminal import told

FAILED = 2
BY = "REVIEW_BY_BASE"  # base: base's own code decides; head: head's is asked for what stands beside
CODE = "plumbline/commands/review.py"
JUDGES = ("plumbline/review", "src/learning", "src/stages/evaluate.py")
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
        return _by(base, "base")
    result = {"version": 1, "base_is": f"the merge base of HEAD and {asked}"} | _compared(base, head)
    if by == "head":
        write_json(str(BESIDE), {"word": result["word"], "why": result["why"]})
        return 0
    if by == "base" and (beside := _of_head(base, head)):
        result["evaluator"] = beside
    if not base_can:
        why = f"base has no review, so head's own judged, which says: {result['word']}"
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
    found = subprocess.run(["git", "merge-base", "HEAD", asked], capture_output=True, encoding="utf-8", check=False)
    if found.returncode:
        raise Refusal(
            f"{asked}: no commit of this name has a common ancestor with HEAD here. Name another, make review "
            "BASE=HEAD~1, or fetch more history: git fetch --unshallow"
        )
    return found.stdout.strip()


def _has_review(base: Side) -> bool:
    asked = ["git", "cat-file", "-e", f"{base.commit}:{CODE}"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _by(side: Side, name: str) -> int:
    """A side's own review, from its worktree: -P keeps this folder's code from being imported."""
    side.bring()
    command = [sys.executable, "-P", "-m", "plumbline.commands.review", *sys.argv[1:]]
    return subprocess.run(command, env=side.environment() | {BY: name}, check=False).returncode


def _of_head(base: Side, head: Side) -> dict[str, str] | None:
    """What head's own review says, where it, or what it measures with, is another than base's."""
    if not git("diff", "--name-only", base.commit, head.commit, "--", *JUDGES).strip():
        return None
    BESIDE.unlink(missing_ok=True)
    print("head: its own review is another, and is asked, too", flush=True)
    _by(head, "head")
    if not BESIDE.exists():
        return {"word": "cannot tell", "why": "head's own review does not run"}
    return json.loads(BESIDE.read_text(encoding="utf-8"))
