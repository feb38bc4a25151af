"""The whole review: compare, look at what is committed, write result, comment and page, say it."""

import json
from collections.abc import Callable
from typing import Any

from plumbline.files import write_json, write_text
from plumbline.process import git
from plumbline.review.author import keep, of_author
from plumbline.review.comment import render_comment
from plumbline.review.gate import judged
from plumbline.review.page import render_page
from plumbline.review.reviewed import NOTHING, about, release, reviewed, settings_of
from plumbline.review.sides import FOLDER, JUDGES, NoData, Side
from plumbline.review.terminal import render_terminal

RESULT, COMMENT, PAGE = (FOLDER / name for name in ("result.json", "review.md", "review.html"))
BESIDE = FOLDER / "of-head.json"


def judge(
    base: Side, head: Side, asked: str, *, by: str | None, base_can: bool, keep_it: bool, ask_head: Callable[[], int]
) -> int:
    """Writes and says what is to be said of head against base; the exit code.

    asked: how the user named base; by: whose code this is where a side's own was started for it; base_can: whether base
    has a review; keep_it: write metrics/review.json; ask_head: starts head's own review.
    """
    result = {"version": 1, "base_is": f"the merge base of HEAD and {asked}"} | _compared(base, head)
    if by == "head":
        write_json(str(BESIDE), {"word": result["word"], "why": result["why"]})
        return 0
    if by == "base" and (beside := _of_head(base, head, ask_head)):
        result["evaluator"] = beside
    if not base_can:
        said = f"{result['word']}: {result['why']}" if result["word"] == "cannot tell" else result["word"]
        why = f"base has no review, so head's own judged, which says: {said}"
        result |= {"word": "cannot tell", "why": why}
    result |= judged(result, base, head)
    if keep_it:
        keep(result, head)
    write_json(str(RESULT), result)
    write_text(str(COMMENT), render_comment(result))
    write_text(str(PAGE), render_page(result))
    print("\n".join(render_terminal(result)))
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


def _of_head(base: Side, head: Side, ask: Callable[[], int]) -> dict[str, str] | None:
    """What head's own review says, where it, or what it measures with, is another than base's."""
    if not git("diff", "--name-only", base.commit, head.commit, "--", *JUDGES).strip():
        return None
    BESIDE.unlink(missing_ok=True)
    print("head: its own review is another, and is asked, too", flush=True)
    ask()
    if not BESIDE.exists():
        return {"word": "cannot tell", "why": "head's own review does not run"}
    return json.loads(BESIDE.read_text(encoding="utf-8"))
