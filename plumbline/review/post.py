"""Post the one comment on a pull request. comment.yml runs this from main's code, with a token that may write.

The file that the review's run left is hostile: whoever opened the pull request may have written it. result/wire.py
refuses any other form than that of a review, and comment.py escapes all texts in it. The pull request is looked up by
the head commit that GitHub names, never by what the file says. Standard library only: nothing is installed where the
token is.
"""

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any, TypedDict

from plumbline.errors import PlumblineError, ProjectError, ServiceError
from plumbline.review.comment import MARKER, render_comment
from plumbline.review.result.review import Review, loads

AUTHOR = "github-actions[bot]"  # whose token this is: our mark in anybody else's comment has no meaning
FILE, MAX_BYTES = "result.json", 2_000_000
TIMEOUT, TRIES, MAX_WAIT = 30, 4, 60  # seconds, requests, seconds
MAX_PAGES = 50  # of 100 comments each
NO_VERDICT = f"""{MARKER}

**No verdict**: the review of this commit could not be made.

{{why}} `make review` makes the same review on your machine, and says why it cannot.
"""
NO_RESULT, BAD_RESULT = "The run ended without a result.", "The run left a result that is not one."
ANSWERS = {  # what an HTTP status means, and what to do
    401: ("the token is not accepted", "Run the workflow again: a token ends with its job"),
    403: (
        "the token may not do this, expected pull-requests: write in comment.yml",
        "Let workflows comment: in the settings of the repository and of its organisation, Actions, General",
    ),
    404: ("nothing is there", "Check that the repository and the comment exist, and that the token can see them"),
    422: ("the comment is refused", "Look at its length and at whether the conversation is locked"),
}
UNKNOWN_ANSWER = ("an answer that is not expected", "Run the workflow again, or see githubstatus.com")
RUN_AGAIN = "Run the workflow again later"


class Owner(TypedDict):
    """The owner of a repository, in GitHub's form."""

    login: str


class Repository(TypedDict):
    """A repository, in GitHub's form."""

    full_name: str
    owner: Owner


class WorkflowRun(TypedDict):
    """The review's run, as GitHub's event workflow_run names it.

    `head_repository` is None where a fork was deleted.
    """

    html_url: str
    head_branch: str
    head_sha: str
    head_repository: Repository | None


class TransientError(ServiceError):
    """A request failed that may work later.

    Parameters
    ----------
    message : str
        What was asked and what was answered.
    wait : float, optional
        Seconds to wait, where GitHub names them.
    """

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message, hint=RUN_AGAIN)
        self.wait = wait


def render_body(folder: Path, run_url: str) -> tuple[str, PlumblineError | None]:
    """Return the comment on what a review's run left, whatever that is.

    Parameters
    ----------
    folder : Path
        What was downloaded.
    run_url : str
        The address of the run, to which the comment links.

    Returns
    -------
    tuple
        The comment, and the error for which the file is refused, if any.
    """
    refusal: PlumblineError | None = None
    try:
        comment = render_comment(read_result(folder))
    except FileNotFoundError:
        comment = NO_VERDICT.format(why=NO_RESULT)
    except PlumblineError as error:
        comment, refusal = NO_VERDICT.format(why=BAD_RESULT), error
    except Exception as error:  # whatever a hostile file does to the renderer, the comment must say what happened
        message = f"{FILE} cannot be rendered ({type(error).__name__})"
        refusal = ProjectError(message, hint="Report it as an issue of the template")
        comment = NO_VERDICT.format(why=BAD_RESULT)
    body = f"{comment}\n[The run: its log, and the whole report]({run_url})\n"
    return body.encode("utf-8", "replace").decode(), refusal


def read_result(folder: Path) -> Review:
    """Return the review that a run left in a folder.

    Raises
    ------
    FileNotFoundError
        The folder is empty or is not there.
    ProjectError
        It holds something else than one file of at most 2 MB in the form of a review.
    """
    names = [path.name for path in folder.iterdir()]
    if not names:
        raise FileNotFoundError(folder)
    path = folder / FILE
    if names != [FILE] or path.is_symlink() or not path.is_file():
        message = f"the artifact has {len(names)} entries, expected {FILE}, a file, and nothing else"
        raise ProjectError(message, hint="Take the step that uploads it from .github/workflows/review.yml of main")
    if (size := path.stat().st_size) > MAX_BYTES:
        message = f"{FILE} has {size:,} bytes, expected at most {MAX_BYTES:,}"
        raise ProjectError(message, hint="Read the review on your machine: make review")
    return loads(path.read_bytes(), file=FILE)


def post_comment(repository: str, run: WorkflowRun, body: str) -> str:
    """Write or renew the comment, unless the pull request has a newer head, whose run writes its own.

    Parameters
    ----------
    repository : str
        OWNER/NAME, as in GITHUB_REPOSITORY.
    run : WorkflowRun
        The review's run.
    body : str
        The comment.

    Returns
    -------
    str
        What was done, in a line.
    """
    numbers = find_pull_requests(repository, run)
    if not numbers:
        return f"{run['head_sha']} is not the head of an open pull request: nothing is written"
    return "\n".join(
        _write_comment(repository, run, number, body + _name_others([n for n in numbers if n != number]))
        for number in numbers
    )


def _name_others(numbers: list[int]) -> str:
    """Return the paragraph for a head of several pull requests: one run is not a review against each of their bases."""
    if not numbers:
        return ""
    names = ", ".join(f"#{number}" for number in numbers)
    return (
        f"\n**This commit is also the head of {names}.** GitHub shows one check on all of them, and this "
        "review compared with the base commit that it names, or none. Close all but one, or push a commit to each.\n"
    )


def _write_comment(repository: str, run: WorkflowRun, number: int, body: str) -> str:
    """Write or renew the comment on one pull request."""
    comment_id = find_comment(repository, number)
    _, pull_request = call_api("GET", f"/repos/{repository}/pulls/{number}")
    if pull_request["state"] != "open" or pull_request["head"]["sha"] != run["head_sha"]:
        return f"pull request {number} has moved on from {run['head_sha']}: nothing is written"
    if comment_id is None:
        call_api("POST", f"/repos/{repository}/issues/{number}/comments", {"body": body})
    else:
        call_api("PATCH", f"/repos/{repository}/issues/comments/{comment_id}", {"body": body})
    return f"pull request {number}: the comment is {'new' if comment_id is None else 'renewed'}"


def find_pull_requests(repository: str, run: WorkflowRun) -> list[int]:
    """Return the open pull requests with the run's head, by number; GitHub's event does not name those of forks."""
    source = run["head_repository"]
    if source is None:
        return []
    head = f"{source['owner']['login']}:{run['head_branch']}"
    query = urllib.parse.urlencode({"state": "open", "head": head, "per_page": 100})
    _, pull_requests = call_api("GET", f"/repos/{repository}/pulls?{query}")
    return [
        pull_request["number"]
        for pull_request in pull_requests
        if pull_request["head"]["sha"] == run["head_sha"]
        and (pull_request["head"]["repo"] or {}).get("full_name") == source["full_name"]
    ]


def find_comment(repository: str, number: int) -> int | None:
    """Return the id of our comment on a pull request, which has our mark and our author."""
    path: str | None = f"/repos/{repository}/issues/{number}/comments?per_page=100"
    for _ in range(MAX_PAGES):
        if path is None:
            return None
        headers, comments = call_api("GET", path)
        for comment in comments:
            is_by_us = (comment["user"] or {}).get("login") == AUTHOR
            if is_by_us and (comment["body"] or "").startswith(MARKER):
                return int(comment["id"])
        next_page = re.search(r'<([^>]+)>;\s*rel="next"', headers.get("Link", ""))
        path = next_page[1].removeprefix(_api_url()) if next_page else None
    message = f"pull request {number} has more than {MAX_PAGES * 100:,} comments, and ours is not among the first"
    raise ServiceError(message, hint="Open a new pull request of the same branch")


def _api_url() -> str:
    return os.environ.get("GITHUB_API_URL", "https://api.github.com")


def call_api(method: str, path: str, content: dict[str, str] | None = None) -> tuple[Message, Any]:
    """Send a request to GitHub's API.

    Parameters
    ----------
    method : str
        GET, POST or PATCH.
    path : str
        From the slash behind the API's address on.
    content : dict, optional
        What is sent, as JSON.

    Returns
    -------
    tuple
        The headers and the JSON content of the answer.

    Raises
    ------
    ServiceError
        The answer is not the expected one; a TransientError where the same request may work later.
    """
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(_api_url() + path, data=data, method=method)  # noqa: S310
    request.add_header("Accept", "application/vnd.github+json")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    request.add_header("Content-Type", "application/json")
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['GITHUB_TOKEN']}")
    what = f"{method} {path.partition('?')[0]}"
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise _service_error(what, error) from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # no answer, or half of one
        message = f"{what}: no answer of GitHub within {TIMEOUT} s ({type(error).__name__})"
        raise TransientError(message) from None


def _service_error(what: str, error: urllib.error.HTTPError) -> ServiceError:
    retry_after = error.headers.get("Retry-After", "")
    is_limited = error.code == 403 and (retry_after or error.headers.get("X-RateLimit-Remaining") == "0")
    if error.code == 429 or error.code >= 500 or is_limited:
        wait = float(retry_after) if retry_after.isdecimal() else None
        return TransientError(f"{what}: HTTP {error.code}, {TRIES} times", wait=wait)
    meaning, hint = ANSWERS.get(error.code, UNKNOWN_ANSWER)
    return ServiceError(f"{what}: HTTP {error.code}, {meaning}", hint=hint)


def retry(work: Callable[[], str]) -> str:
    """Return what `work` returns, repeating all of it after a TransientError, at most TRIES times in total.

    A comment that was written although no answer came is found again, so it is not written twice.
    """
    for attempt in range(1, TRIES):
        try:
            return work()
        except TransientError as error:
            time.sleep(min(MAX_WAIT, 2.0**attempt if error.wait is None else error.wait))
    return work()
