"""The one comment on a pull request, written by comment.yml, which has a token that may write and runs main's code.

What the run left is hostile: whoever opened the pull request may have made it. So is all in it, which comment.py
escapes. The pull request is found by the head that GitHub names, never by what the run says.
Standard library only: nothing is installed where the token is.
"""

import http.client
import json
import math
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.review.comment import MARKER, comment

AUTHOR = "github-actions[bot]"  # whose token this is: a mark in anybody else's comment means nothing
NAME, LARGEST, DEEPEST = "result.json", 2_000_000, 16
SECONDS, TRIES, LONGEST, PAGES = 30, 4, 60, 50
NOTHING = f"""{MARKER}

**No verdict**: the review of this commit could not be made.

{{why}} `make review` makes the same review on your machine, and says why it cannot.
"""
MEANING = {
    401: "the token is not accepted. Run the workflow again: a token ends with its job",
    403: "the token may not do this. Expected pull-requests: write in comment.yml, and that the repository and its "
    "organisation let workflows comment (Settings, Actions, General)",
    404: "nothing is there. The repository or the comment is gone, or the token cannot see it",
    422: "the comment is refused. Look at its length and at whether the conversation is locked",
}
Run = dict[str, Any]


class Again(PlumblineError):
    """An answer after which the same may work a little later."""

    def __init__(self, line: str, wait: float | None) -> None:
        super().__init__(line)
        self.wait = wait


def text(folder: Path, run: str) -> tuple[str, str]:
    """The comment, and why the run's result is refused, if it is."""
    refused = ""
    try:
        shown = comment(result(folder))
    except FileNotFoundError:
        shown = NOTHING.format(why="The run ended without a result.")
    except Exception as error:  # whatever a hostile result does to the renderer, the comment says what happened
        refused = (
            str(error) if isinstance(error, PlumblineError) else f"{NAME} is of no review ({type(error).__name__})"
        )
        shown = NOTHING.format(why="The run left a result that is not one.")
    body = f"{shown}\n[The run: its log, and the whole report]({run})\n"
    return body.encode("utf-8", "replace").decode(), refused


def result(folder: Path) -> dict[str, Any]:
    """What a review's run left, as far as its form goes; FileNotFoundError where it left nothing."""
    found = sorted(path.name for path in folder.iterdir())
    if not found:
        raise FileNotFoundError(folder)
    path = folder / NAME
    if found != [NAME] or path.is_symlink() or not path.is_file():
        raise PlumblineError(f"the artifact has {len(found)} entries, expected {NAME}, a file, and nothing else")
    if (size := path.stat().st_size) > LARGEST:
        raise PlumblineError(f"{NAME} has {size:,} bytes, expected at most {LARGEST:,}")
    try:
        content = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise PlumblineError(f"{NAME} is no JSON that a review writes ({type(error).__name__})") from None
    if not isinstance(content, dict) or _deep(content):
        raise PlumblineError(f"{NAME} is not an object of at most {DEEPEST} levels")
    return content


def _number(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("not finite")
    return number


def _deep(content: Any) -> bool:
    level = [content]
    for _ in range(DEEPEST):
        lists = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [inner for one in lists for inner in one]
    return bool(level)


def post(repository: str, run: Run, body: str) -> str:
    """Writes the comment, or nothing where the head has moved: the run of the newer head writes its own."""
    number = pull(repository, run)
    if number is None:
        return f"{run['head_sha']} is the head of no open pull request any more: nothing is written"
    mine = own(repository, number)
    _, now = call("GET", f"/repos/{repository}/pulls/{number}")
    if now["state"] != "open" or now["head"]["sha"] != run["head_sha"]:
        return f"pull request {number} has moved on from {run['head_sha']}: nothing is written"
    if mine is None:
        call("POST", f"/repos/{repository}/issues/{number}/comments", {"body": body})
    else:
        call("PATCH", f"/repos/{repository}/issues/comments/{mine}", {"body": body})
    return f"pull request {number}: the comment is {'new' if mine is None else 'renewed'}"


def pull(repository: str, run: Run) -> int | None:
    """The open pull request of this head; GitHub's own list in the event is empty for forks."""
    source = run["head_repository"]
    if source is None:  # the fork is deleted
        return None
    head = urllib.parse.urlencode(
        {"state": "open", "head": f"{source['owner']['login']}:{run['head_branch']}", "per_page": 100}
    )
    _, found = call("GET", f"/repos/{repository}/pulls?{head}")
    numbers = [
        one["number"] for one in found
        if one["head"]["sha"] == run["head_sha"] and (one["head"]["repo"] or {}).get("full_name") == source["full_name"]
    ]  # fmt: skip
    if len(numbers) > 1:
        raise PlumblineError(
            f"pull requests {numbers} have the same head: which was reviewed is not known. Close all but one"
        )
    return numbers[0] if numbers else None


def own(repository: str, number: int) -> int | None:
    """The comment that is ours, by its mark and by its author."""
    path: str | None = f"/repos/{repository}/issues/{number}/comments?per_page=100"
    for _ in range(PAGES):
        if path is None:
            return None
        headers, found = call("GET", path)
        for one in found:
            if (one["user"] or {}).get("login") == AUTHOR and (one["body"] or "").startswith(MARKER):
                return int(one["id"])
        after = re.search(r'<([^>]+)>;\s*rel="next"', headers.get("Link", ""))
        path = after[1].removeprefix(_root()) if after else None
    raise PlumblineError(f"pull request {number} has more than {PAGES * 100} comments: ours was not looked for further")


def _root() -> str:
    return os.environ.get("GITHUB_API_URL", "https://api.github.com")


def call(method: str, path: str, body: dict[str, str] | None = None) -> tuple[Message, Any]:
    """Headers and content of GitHub's answer; every failure is one line, and Again where waiting may help."""
    sent = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(_root() + path, data=sent, method=method)  # noqa: S310
    asked.add_header("Accept", "application/vnd.github+json")
    asked.add_header("X-GitHub-Api-Version", "2022-11-28")
    asked.add_header("Content-Type", "application/json")
    asked.add_unredirected_header("Authorization", f"Bearer {os.environ['GITHUB_TOKEN']}")
    what = f"{method} {path.partition('?')[0]}"
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310
            return answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise _failure(what, error) from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # no answer, or half of one
        raise Again(f"{what}: no answer of GitHub within {SECONDS} s ({type(error).__name__})", None) from None


def _failure(what: str, error: urllib.error.HTTPError) -> PlumblineError:
    line = f"{what}: HTTP {error.code}, {MEANING.get(error.code, 'an answer that is not expected')}"
    asked = error.headers.get("Retry-After", "")
    limited = error.code == 403 and (asked or error.headers.get("X-RateLimit-Remaining") == "0")
    if error.code == 429 or error.code >= 500 or limited:
        return Again(f"{what}: HTTP {error.code}, {TRIES} times. Run the workflow again later", _seconds(asked))
    return PlumblineError(line)


def _seconds(asked: str) -> float | None:
    return float(asked) if asked.isdecimal() else None


def patiently(work: Callable[[], str]) -> str:
    """All of it once more where waiting may help: a comment that was written though no answer came is found again."""
    for number in range(1, TRIES):
        try:
            return work()
        except Again as error:
            time.sleep(min(LONGEST, 2.0**number if error.wait is None else error.wait))
    return work()
