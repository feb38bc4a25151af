"""The author's own review, kept in git for a CI that holds no data, and bound to the files that it is of."""

import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from plumbline.errors import PlumblineError, ProjectError
from plumbline.files import write_json
from plumbline.process import git
from plumbline.review.changes import describe_changes
from plumbline.review.commits import Commit
from plumbline.review.result.review import AuthorReview, Review
from plumbline.review.result.wire import decode, encode

FILE = "metrics/review.json"
HINT = (
    "Run CI where the data is (runs-on of one job, plumbline docs ci), or let the author run "
    f"python -m plumbline review BASE --keep and commit {FILE}"
)


def write_author_review(review: Review, head: Commit) -> None:
    """Write metrics/review.json, for a commit of its own on top of head."""
    author_review = AuthorReview(tree=_hash_tree(head.commit), lock=_hash_lock(head.commit), review=review)
    write_json(FILE, encode(author_review))


def read_author_review(base: Commit, head: Commit) -> Review:
    """Return what the author's review says where it is of this commit, else that it is inconclusive.

    What git tells of the two commits comes from git and not from the author's file.
    """
    review = replace(describe_changes(base, head, word="cannot tell", why=""), has_data=False)
    try:
        author_review = _parse(git("show", f"{head.commit}:{FILE}"))
    except PlumblineError:
        return replace(review, why=f"no data. {HINT}")
    hashes = {(_hash_tree(commit), _hash_lock(commit)) for commit in _own_commits(head)}
    if (author_review.tree, author_review.lock) not in hashes:
        return replace(review, why=f"no data, and {FILE} is of other files than these. {HINT}")
    return replace(
        author_review.review,
        is_computed_by_author=True,
        has_data=False,
        rerun=None,
        reasons=(),
        notes=(),
        base_commit=review.base_commit,
        head_commit=review.head_commit,
        project=review.project,
        changed_kinds=review.changed_kinds,
        changed_files=review.changed_files,
        parameter_changes=review.parameter_changes,
        expectation_counts=review.expectation_counts,
        recipe_trials=review.recipe_trials,
    )


def _parse(text: str) -> AuthorReview:
    """Read the file, which anybody can write."""
    author_review = decode(text, AuthorReview, file=FILE)
    try:
        json.dumps(encode(author_review), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ProjectError(f"{FILE} has a character that UTF-8 cannot encode", hint=HINT) from None
    return author_review


def _own_commits(head: Commit) -> list[str]:
    """Return head and, of a merge, the side that came in: in CI head merges the author's branch into base."""
    return [head.commit, *git("rev-parse", f"{head.commit}^@").split()[1:]]


def _hash_tree(commit: str) -> str:
    """Return git's hash of what the commit holds without the author's review."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git("read-tree", commit, env=environment)
        git("rm", "-q", "--cached", "--ignore-unmatch", FILE, env=environment)
        return git("write-tree", env=environment).strip()


def _hash_lock(commit: str) -> str:
    return hashlib.sha256(git("show", f"{commit}:dvc.lock").encode("utf-8", "surrogateescape")).hexdigest()
