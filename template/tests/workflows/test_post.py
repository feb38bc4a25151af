"""What a review's run left is hostile; the comment is one, ours, and of the head that was reviewed."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.review import post
from plumbline.review.comment import MARKER
from plumbline.review.result.review import SCHEMA_VERSION, Review
from template.tests.workflows.api import BOT, PERSON, Api
from template.tests.workflows.conftest import RUN, TOKEN

WAITS: list[float] = []


def wire(**values: Any) -> str:
    """A result as a run leaves it."""
    content = {"version": SCHEMA_VERSION, "word": "worse", "why": "x", "base_commit": "b", "head_commit": "h"}
    return json.dumps(content | values)


def render(review: Review) -> str:
    """Replaces the renderer, which has tests of its own."""
    return f"{MARKER}\n\n**{review.word}** {review.why}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / post.FILE).write_text(wire(), encoding="utf-8")
    return tmp_path / "result"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    WAITS.clear()
    monkeypatch.setattr(post, "time", SimpleNamespace(sleep=WAITS.append))
    monkeypatch.setattr(post, "render_comment", render)
    monkeypatch.setattr(sys, "argv", ["plumbline", "comment", str(folder)])


def run(capfd: pytest.CaptureFixture[str], code: int = 0) -> str:
    """What the command says, in one line without the token."""
    assert main() == code
    output = "".join(capfd.readouterr())
    assert TOKEN not in output
    return output


def our_comments(api: Api) -> list[str]:
    return [comment["body"] for comment in api.comments if comment["user"] == BOT and MARKER in comment["body"][:50]]


def test_the_first_comment_and_the_same_one_renewed(api: Api, folder: Path, capfd) -> None:
    assert run(capfd) == "pull request 7: the comment is new\n"
    link = f"[The run: its log, and the whole report]({RUN['html_url']})"
    assert our_comments(api) == [f"{MARKER}\n\n**worse** x\n\n{link}\n"]
    (folder / post.FILE).write_text(wire(word="better"), encoding="utf-8")
    assert run(capfd) == "pull request 7: the comment is renewed\n"
    assert [body.splitlines()[2] for body in our_comments(api)] == ["**better** x"]
    assert api.tokens == {f"Bearer {TOKEN}"}


def test_ours_is_found_on_the_third_page_and_a_mark_of_somebody_else_is_not_ours(api: Api, capfd) -> None:
    api.add(f"{MARKER}\nspoofed", PERSON)
    api.add(f"{MARKER}\nspoofed", {"login": "other-bot[bot]", "type": "Bot"})
    api.add(f"a quoted {MARKER}", BOT)
    api.comments.append({"id": 3, "body": None, "user": None})  # of a deleted account
    for number in range(230):
        api.add(f"talk {number}")
    api.add(f"{MARKER}\nold", BOT)
    before = [dict(comment) for comment in api.comments[:-1]]
    assert "renewed" in run(capfd)
    assert api.comments[:-1] == before
    assert "**worse**" in api.comments[-1]["body"]
    assert sum(request.endswith("/comments") for request in api.requests) == 3


def test_without_ours_all_pages_are_read_before_there_is_a_new_one(api: Api, capfd) -> None:
    for number in range(200):
        api.add(f"{MARKER} {number}", PERSON)
    assert "is new" in run(capfd)
    assert len(our_comments(api)) == 1


def change(key: str, value: Any) -> Callable[[Api], None]:
    return lambda api: api.pulls[0]["head"].update({key: value})


@pytest.mark.parametrize(
    ("move", "says"),
    [
        (change("sha", "another"), "not the head of an open pull request"),
        (change("repo", {"full_name": "stranger/r"}), "not the head of an open pull request"),
        (change("repo", None), "not the head of an open pull request"),
        (lambda api: api.pulls.clear(), "not the head of an open pull request"),
        (lambda api: setattr(api, "moves", "newer"), "has moved on"),
        (lambda api: api.pulls[0].update(state="closed"), "has moved on"),
    ],
)
def test_a_head_that_is_not_there_any_more_gets_no_comment(api: Api, capfd, move, says) -> None:
    move(api)
    assert says in run(capfd)
    assert api.comments == []


def test_every_pull_request_of_one_head_gets_a_comment_that_names_the_others(api: Api, capfd) -> None:
    api.pulls.append(api.pulls[0] | {"number": 8})
    assert [line.split(":")[0] for line in run(capfd).splitlines()] == ["pull request 7", "pull request 8"]
    assert "also the head of #" in our_comments(api)[0]


def test_a_deleted_fork_gets_no_comment(api: Api, capfd, tmp_path) -> None:
    event = {"workflow_run": RUN | {"head_repository": None}}
    (tmp_path / "event.json").write_text(json.dumps(event), encoding="utf-8")
    assert "not the head of an open pull request" in run(capfd)
    assert api.comments == []


@pytest.mark.parametrize(
    ("code", "headers", "says"),
    [
        (401, {}, "token is not accepted"),
        (403, {}, "pull-requests: write"),
        (404, {}, "nothing is there"),
        (422, {}, "refused"),
        (410, {}, "HTTP 410"),
    ],
)
@pytest.mark.parametrize("before", range(4))
def test_a_refusal_of_github_is_one_line_and_is_not_asked_again(api: Api, capfd, before, code, headers, says) -> None:
    api.failures = [(200, {}, True)] * before + [(code, headers, False)]
    output = run(capfd, 1)
    assert re.match(rf"ERROR: (GET|POST) /repos/o/r/\S+: .*{says}.*\n$", output)
    assert len(api.requests) == before + 1
    assert WAITS == []


@pytest.mark.parametrize(
    ("code", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7),
        (429, {"Retry-After": "9999"}, post.MAX_WAIT),
        (429, {}, 2),
        (500, {}, 2),
        (502, {}, 2),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 2),
        (403, {"Retry-After": "3"}, 3),
        (403, {"X-RateLimit-Remaining": "0"}, 2),
    ],
)
def test_what_may_work_later_is_asked_again_after_the_time_that_github_names(
    api: Api, capfd, code, headers, wait
) -> None:
    api.failures = [(code, headers, False)]
    assert "is new" in run(capfd)
    assert [wait] == WAITS
    assert len(our_comments(api)) == 1


@pytest.mark.parametrize("code", [0, 500])
def test_a_comment_that_was_written_though_no_answer_came_is_not_written_twice(api: Api, capfd, monkeypatch, code):
    monkeypatch.setattr(post, "TIMEOUT", 0.3)
    api.failures = [(200, {}, True)] * 3 + [(code, {}, True)]
    assert "renewed" in run(capfd)
    assert len(our_comments(api)) == 1


@pytest.mark.parametrize(("code", "says"), [(503, "HTTP 503, 4 times"), (0, "no answer of GitHub within 0.2 s")])
def test_patience_ends(api: Api, capfd, monkeypatch, code: int, says: str) -> None:
    monkeypatch.setattr(post, "TIMEOUT", 0.2)
    api.failures = [(code, {}, False)] * 10
    assert re.match(rf"ERROR: .*{says}.*\n$", run(capfd, 1))
    assert len(api.requests) == post.TRIES
    assert WAITS == [2, 4, 8]


def test_no_host_at_all_is_one_line(api: Api, capfd, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    assert "no answer of GitHub" in run(capfd, 1)


def make_link(folder: Path) -> None:
    (folder / post.FILE).rename(folder.parent / "secret.json")
    (folder / post.FILE).symlink_to(folder.parent / "secret.json")


def make_folder(folder: Path) -> None:
    (folder / post.FILE).unlink()
    (folder / post.FILE).mkdir()


def holds(content: str | bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / post.FILE).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (lambda folder: (folder / "more.json").write_text("{}"), "has 2 entries"),
        (lambda folder: (folder / post.FILE).rename(folder / "other.json"), "has 1 entries"),
        (make_link, "has 1 entries"),
        (make_folder, "has 1 entries"),
        (lambda folder: ((folder / post.FILE).unlink(), os.mkfifo(folder / post.FILE)), "has 1 entries"),
        (holds('{"word": "' + "z" * post.MAX_BYTES + '"}'), "bytes, expected at most"),
        (holds(""), "cannot be read as JSON"),
        (holds("{"), "cannot be read as JSON"),
        (holds(b"\xff\xfe{}"), "cannot be read as JSON"),
        (holds("[" * 100_000), "cannot be read as JSON"),
        (holds(wire().replace('"x"', "NaN")), "why is a number, expected a text"),
        (holds(wire().replace('"x"', "9" * 5000)), "cannot be read as JSON"),
        (holds(wire()[:-1] + ', "word": "zzz"}'), "cannot be read as JSON"),
        (holds(wire().replace('"x"', "1e999")), "why is a number, expected a text"),
        (holds("[]"), "is a list, expected an object"),
        (holds('"worse"'), "is a text, expected an object"),
        (holds(wire(notes=[["zzz"]])), "notes[0] is a list, expected a text"),
        (holds(wire(why="[" * 16 + "]" * 16, zz=1)), "zz is not a field of Review"),
        (holds("{}"), "schema version is unknown"),
        (holds('{"version": 1, "word": "worse"}'), "schema version is 1"),
        (holds(wire(version=SCHEMA_VERSION + 1, news="zzz")), f"schema version is {SCHEMA_VERSION + 1}"),
        (holds(wire(word="zzz")), "word is a text, expected one of"),
    ],
)
def test_a_hostile_artifact_is_refused_in_words_of_our_own(api: Api, folder: Path, capfd, attack, says) -> None:
    attack(folder)
    output = run(capfd, 1)
    assert re.fullmatch(rf"pull request 7: the comment is new\nERROR: .*{re.escape(says)}.*\n", output)
    (body,) = our_comments(api)
    assert "**No verdict**" in body
    assert "left a result that is not one" in body
    assert "zzz" not in body + output


def test_whatever_the_renderer_does_the_comment_says_what_happened(api: Api, capfd, monkeypatch) -> None:
    monkeypatch.setattr(post, "render_comment", lambda review: review["zzz"])
    assert "ERROR: result.json cannot be rendered (TypeError). Report it" in run(capfd, 1)
    (body,) = our_comments(api)
    assert "left a result that is not one" in body


def test_a_run_without_a_result_is_said_so_that_an_older_verdict_does_not_stand(api: Api, folder: Path, capfd) -> None:
    run(capfd)
    (folder / post.FILE).unlink()
    assert "renewed" in run(capfd)
    (body,) = our_comments(api)
    assert "ended without a result" in body
    assert RUN["html_url"] in body
    assert "worse" not in body
    folder.rmdir()
    assert "renewed" in run(capfd)


def test_half_a_character_is_no_reason_to_stop(api: Api, folder: Path, capfd) -> None:
    (folder / post.FILE).write_text(wire(why="\ud800 \u202e"), encoding="utf-8")
    assert "is new" in run(capfd)
    assert "**worse** ? \u202e" in our_comments(api)[0]


def test_the_token_goes_to_the_api_alone(api: Api, capfd, monkeypatch) -> None:
    elsewhere = Api()
    api.failures = [(302, {"Location": f"{elsewhere.url}/repos/o/r/pulls?head=forker:feat/x"}, False)]
    assert "not the head of an open pull request" in run(capfd)
    assert elsewhere.tokens == {None}
    elsewhere.server_close()
