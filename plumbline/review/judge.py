"""The whole review: compare two commits, check the committed run, write result, comment and page, and print them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.files import write_json, write_text
from plumbline.local_files import refuse_tracked
from plumbline.reproducibility.remote import cache_folder
from plumbline.review.author import read_author_review, write_author_review
from plumbline.review.changes import describe_changes, find_release
from plumbline.review.comment import render_comment
from plumbline.review.commits import SideError
from plumbline.review.compare import compare_commits
from plumbline.review.executed_model import Replicas
from plumbline.review.gate import add_reasons
from plumbline.review.machinery_change import compare_machinery
from plumbline.review.page import render_page
from plumbline.review.result.checks import SecondOpinion
from plumbline.review.result.comparison import ReleaseComparison
from plumbline.review.result.review import Review
from plumbline.review.result.wire import ResultError, decode, encode
from plumbline.review.settings import Settings, read_settings
from plumbline.review.sides import ContractError, NoDataError, Side
from plumbline.review.terminal import render_terminal
from plumbline.review.worktrees import FOLDER

RESULT, COMMENT, PAGE = (FOLDER / name for name in ("result.json", "review.md", "review.html"))
# What head's own review writes for base's: {"word": ..., "why": ...}. Reviews of older commits read and write it, too.
OPINION = FOLDER / "of-head.json"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be reviewed.

    Attributes
    ----------
    base, head : Side
    revision : str
        How the user named base.
    base_has_review : bool
        Whether base has a review that can judge head.
    is_author : bool
        Whether to write metrics/review.json, for a CI that holds no data.
    """

    base: Side
    head: Side
    revision: str
    base_has_review: bool
    is_author: bool


def judge(request: Request, ask_head: Callable[[], object] | None) -> int:
    """Review head against base, write and print the result; the exit code.

    Parameters
    ----------
    request : Request
    ask_head : callable or None
        Runs head's own review for a second opinion; None where this code is not base's.
    """
    base, head = request.base, request.head
    _refuse_tracked_cache(head)
    origin = f"the merge base of HEAD and {request.revision}"
    machinery_change = compare_machinery(base, head)
    is_rebuilt = bool(machinery_change and machinery_change.is_rebuilt)
    review, replicas = _compare(base, head, is_rebuilt=is_rebuilt)
    review = replace(review, base_origin=origin, machinery_change=machinery_change)
    if ask_head and (opinion := _ask_second_opinion(base, head, ask_head)):
        review = replace(review, second_opinion=opinion)
    if not request.base_has_review:
        clause = f"{review.word}: {review.why}" if review.word == "cannot tell" else review.word
        why = f"base has no review code that can read head. The review code of head gives: {clause}"
        review = replace(review, word="cannot tell", why=why)
    review = add_reasons(review, base, head, replicas)
    if request.is_author:
        write_author_review(review, head)
    _write(RESULT, encode(review))
    write_text(str(COMMENT), render_comment(review))
    write_text(str(PAGE), render_page(review))
    print("\n".join(render_terminal(review)))
    print(f"Wrote: {', '.join(path.as_posix() for path in (RESULT, COMMENT, PAGE))}")
    return 1 if review.open_reasons else 0


def second_opinion(request: Request) -> int:
    """Write what this code, which is head's, says of head against base; the exit code."""
    review, _ = _compare(request.base, request.head)
    _write(OPINION, encode(SecondOpinion(word=review.word, why=review.why)))
    return 0


def _refuse_tracked_cache(head: Side) -> None:
    """Refuse a cache of DVC that git has, which head's settings may name: DVC does not check all that is in it."""
    root, cache = Path.cwd().resolve(), cache_folder()
    folders = [folder.resolve() for folder in (cache, cache / "files/md5")]
    places = [folder.relative_to(root).as_posix() for folder in folders if root in folder.parents]
    refuse_tracked(head.commit, [place.casefold() for place in places])


def _write(path: Path, content: dict[str, Any]) -> None:
    write_json(str(path), content)


def _compare(base: Side, head: Side, *, is_rebuilt: bool = False) -> tuple[Review, Replicas | None]:
    """Compare head with base and with the pinned release; without data return what the author found.

    Where the template gives the wheel of head, another contract of it is an update and no obstacle.
    """
    settings = read_settings(base)
    try:
        review, replicas = compare_commits(base, head, settings)
    except NoDataError as error:
        review = read_author_review(base, head)
        return replace(review, obstacle=error.message if _has_data(base) else None), None
    except ContractError as error:
        review = describe_changes(base, head, word="cannot tell", why=error.message)
        return replace(review, obstacle=None if is_rebuilt else error.message), None
    release = find_release(base)
    if release and release.commit != base.commit:
        review = replace(review, release=_compare_release(release, head, settings))
    return review, replicas


def _has_data(base: Side) -> bool:
    """Whether base could be judged here."""
    if base.recipe_error:
        return False
    try:
        base.prepare()
    except SideError:
        return False
    return True


def _compare_release(release: Side, head: Side, settings: Settings) -> ReleaseComparison:
    """Compare head with a release; that this cannot be done says nothing against head."""
    try:
        review, _ = compare_commits(release, head, settings)
    except PlumblineError as error:
        return ReleaseComparison(name=release.name, word="cannot tell", why=error.message)
    return ReleaseComparison(name=release.name, word=review.word, why=review.why, comparison=review.comparison)


def _ask_second_opinion(base: Side, head: Side, ask_head: Callable[[], object]) -> SecondOpinion | None:
    """Return what head's own review says, where its code, or what it measures with, differs from base's."""
    if base.review_digest() == head.review_digest():
        return None
    OPINION.unlink(missing_ok=True)
    print("head changes the code of the review: running head's version as a second opinion", flush=True)
    with suppress(SideError):  # its libraries cannot be installed
        ask_head()
    try:
        return decode(OPINION.read_bytes(), SecondOpinion, file=OPINION.as_posix())
    except FileNotFoundError:
        return SecondOpinion(word="cannot tell", why="head's own review does not run")
    except ResultError as error:
        return SecondOpinion(word="cannot tell", why=f"head's own review gave no answer: {error.message}")
