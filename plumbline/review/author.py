"""Where CI holds no data: the author's own review, kept in git, bound to the tree and the lock that it is of."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.files import rounded, write_json
from plumbline.process import git
from plumbline.review.comment import HEADLINES
from plumbline.review.gate import of_numbers
from plumbline.review.sides import Side
from plumbline.review.terminal import render_terminal

KEPT = "metrics/review.json"
OF_CI = ("version", "base_is", "base_commit", "head_commit", "reasons", "notes", "red", "executed")  # CI's own
HOW = (
    "Run CI where the data is (runs-on of one job, docs/ci.md), or let the author run "
    f"python -m plumbline review BASE --keep and commit {KEPT}"
)


def keep(result: dict[str, Any], head: Side) -> None:
    """Written for a commit of its own on top of head."""
    write_json(KEPT, result | {"tree": _tree(head.commit), "lock": _lock(head.commit)})


def of_author(base: Side, head: Side) -> dict[str, Any]:
    """What the author's review says, where it is of this commit; else that nobody can tell."""
    nothing = {"word": "cannot tell", "no_data": True}
    try:
        kept = json.loads(git("show", f"{head.commit}:{KEPT}"))
        if kept["word"] not in HEADLINES or not isinstance(kept["slices"], list):
            raise ValueError
        list(of_numbers(kept, base)), render_terminal(kept | {"reasons": [], "notes": []})  # anybody can write that file
        json.dumps(rounded(kept), ensure_ascii=False).encode()
    except (PlumblineError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return nothing | {"why": f"no data. {HOW}"}
    if (kept.get("tree"), kept.get("lock")) not in {(_tree(one), _lock(one)) for one in _own(head)}:
        return nothing | {"why": f"no data, and {KEPT} is of other files than these. {HOW}"}
    return {key: value for key, value in kept.items() if key not in OF_CI} | {"computed_by": "author", "no_data": True}


def _own(head: Side) -> list[str]:
    """Head, and of a merge the side that came in: in CI head is the merge of base and the author's branch."""
    return [head.commit, *git("rev-parse", f"{head.commit}^@").split()[1:]]


def _tree(commit: str) -> str:
    """git's name of what the commit holds beside the author's review."""
    with tempfile.TemporaryDirectory() as folder:
        apart = os.environ | {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        for command in (["read-tree", commit], ["rm", "-q", "--cached", "--ignore-unmatch", KEPT], ["write-tree"]):
            made = git(*command, env=apart)
    return made.strip()


def _lock(commit: str) -> str:
    return hashlib.sha256(git("show", f"{commit}:dvc.lock").encode("utf-8", "surrogateescape")).hexdigest()
