"""Which reasons a result gives, and what commits accept of them."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.process import git
from plumbline.review.gate import add_reasons, find_reasons, read_acceptances
from plumbline.review.result.changes import ColumnChanges, DataChanges, ParameterChange, RowChanges
from plumbline.review.result.checks import Reason
from plumbline.review.result.comparison import (
    Comparison,
    FloorCheck,
    MetricComparison,
    ReleaseComparison,
    SliceComparison,
    Verdict,
    Word,
)
from plumbline.review.result.review import Review
from plumbline.review.secondary_metrics import check_floors
from plumbline.review.sides import Side
from plumbline.testing.projects import environment

IDENTITY = {f"GIT_{role}_{field}": "a|b" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
LOCK = "schema: '2.0'\nstages:\n  one:\n    cmd: echo\n    outs:\n    - {path: out.json, md5: 0123456789abcdef}\n"
STAGE = "stages:\n  one:\n    cmd: echo\n    outs: [{out.json: {cache: false}}]\n"
SAME = Review(word="same", why="why", base_commit="", head_commit="")
WORSE = replace(SAME, word="worse")
VERDICT = Verdict(word="worse", why="", difference=-0.25, margin=0.1, p_worse=1e-9)
SLICE = SliceComparison(column="a", level="b", rows=99, verdict=VERDICT, corrected_p_worse=1e-9, is_blocking=True)
FLOOR = FloorCheck(metric="r2", floor=0.2, head=0.1, is_broken=True)
ROWS = RowChanges(base_count=9, head_count=9, added_count=0, removed_count=0)
COMPARISON = Comparison(
    metric="log_loss",
    alpha=0.05,
    base_error=0.3,
    head_error=0.3,
    trivial_error=0.7,
    rows=99,
    replicas=3,
    verdict=VERDICT,
)


def commit(message: str, **files: str) -> Side:
    """Commit files of the working directory."""
    for path, text in files.items():
        Path(path).write_text(text)
    git("add", "-A")
    command = ["git", "commit", "-q", "--allow-empty", "-m", message]
    subprocess.run(command, check=True, env=environment(**IDENTITY))
    return Side("side", git("rev-parse", "HEAD").strip())


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    for folder in (".dvc", "plumbline"):
        Path(folder).mkdir()
    Path("plumbline/__init__.py").touch()
    Path(".dvc/config").write_text("[core]\n    analytics = false\n")
    return commit("base", **{"params.yaml": "data: {}\n", "dvc.yaml": STAGE, ".gitignore": ".review\n.dvc/cache\n"})


def with_rows(**counts: Any) -> Review:
    """A review whose table differs by these counts."""
    return replace(SAME, data_changes=DataChanges(has_key=True, rows=replace(ROWS, **counts), columns=ColumnChanges()))


def open_reasons(review: Review, base: Side, head: Side) -> tuple[list[Reason], list[str]]:
    """The reasons of the numbers that nobody accepts, and notes."""
    acceptances, notes = read_acceptances(base, head)
    return [reason for reason in find_reasons(review, base) if reason.name not in acceptances], notes


def names(reasons: list[Reason]) -> list[str]:
    return list(dict.fromkeys(reason.name for reason in reasons))


@pytest.mark.parametrize(
    ("review", "expected"),
    [
        (SAME, []),
        (replace(SAME, word="cannot tell"), []),
        (WORSE, ["worse"]),
        (replace(SAME, release=ReleaseComparison(name="m@v1", word="worse", why="x")), ["worse-than-release"]),
        (replace(SAME, slices=(SLICE,)), ["slice"]),
        (replace(SAME, slices=(replace(SLICE, is_blocking=False),)), []),
        (replace(SAME, floors=(FLOOR,)), ["floor"]),
        (replace(SAME, floors=(replace(FLOOR, is_broken=False),)), []),
        (with_rows(label_change_count=3), ["labels"]),
        (with_rows(label_change_count=0), []),
        (replace(SAME, parameter_changes=(ParameterChange(name="data.weight", base="null", head="s"),)), ["labels"]),
        (with_rows(change_count_by_column={"share": 3}), []),
        (replace(SAME, is_computed_by_author=True), ["author"]),
    ],
)
def test_what_the_numbers_say(base: Side, review: Review, expected: list[str]) -> None:
    reasons, notes = open_reasons(review, base, commit("head"))
    assert (names(reasons), notes) == (expected, [])


def test_other_weights_of_rows_that_both_have_are_a_reason(base: Side) -> None:
    weighted_base = commit("weighted", **{"params.yaml": "data: {weight: share}\n"})
    reasons, _ = open_reasons(with_rows(change_count_by_column={"share": 3}), weighted_base, commit("head"))
    assert [reason.message for reason in reasons] == ["3 rows of base have another weight in head"]


def test_settings_of_dvc_that_cannot_be_read_are_red_where_base_has_them(base: Side) -> None:
    head = commit("head", **{".dvc/config": "[core\n"})
    review = add_reasons(replace(SAME, has_data=False), base, head)
    assert [reason.name for reason in review.open_reasons] == ["lock"]
    assert review.reasons[0].message.startswith("not checked: ")


def test_an_error_of_verify_is_a_reason_and_no_traceback(base: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path.cwd()
    monkeypatch.setattr("plumbline.review.gate.verify", lambda folder, package: [].pop())
    review = add_reasons(replace(SAME, has_data=False), base, commit("head"))
    assert [reason.name for reason in review.open_reasons] == ["lock"]
    assert "could not be checked: IndexError" in review.reasons[0].message
    assert Path.cwd() == folder


def test_a_slice_says_by_how_much_and_its_corrected_p(base: Side) -> None:
    reasons, _ = open_reasons(replace(SAME, slices=(SLICE,)), base, commit("head"))
    assert [reason.message for reason in reasons] == ["worse where a = b, by 0.25 (corrected p < 0.0001)"]


def test_a_floor_without_an_interval_is_judged_by_the_value() -> None:
    metric = MetricComparison(name="roc_auc", base=0.5, head=0.52, difference=0.02, head_low=np.nan, head_high=np.nan)
    for floor, is_broken in ((0.8, True), (0.5, False)):
        assert [check.is_broken for check in check_floors([metric], {"roc_auc": floor})] == [is_broken]


@pytest.mark.parametrize(
    ("require", "word", "is_compared", "expected"),
    [
        ("same", "cannot tell", False, ["cannot-tell"]),
        ("same", "same", True, []),
        ("better", "same", True, ["cannot-tell"]),
        ("better", "same", False, []),
        ("better", "better", True, []),
    ],
)
def test_base_may_ask_for_more(base: Side, require: str, word: Word, is_compared: bool, expected: list[str]) -> None:
    strict_base = commit("strict", **{"params.yaml": f"review: {{require: {require}}}\n"})
    review = replace(SAME, word=word, comparison=COMPARISON if is_compared else None)
    reasons, _ = open_reasons(review, strict_base, commit("head"))
    assert names(reasons) == expected


@pytest.mark.parametrize(
    ("message", "expected", "note_count"),
    [
        ("x\n\nAccept: worse: the data\n  are new", [], 0),
        ("x\n\nAccept: floor: no matter\nAccept: worse: we know", [], 0),
        ("x\n\nAccept: worse", ["worse"], 1),
        ("x\n\nAccept: worse:  ", ["worse"], 1),
        ("x\n\nAccept: everything: please", ["worse"], 1),
        ("x\n\nAccept: floor: another reason", ["worse"], 0),
        ("x\n\nAccept: worse: in the text\n\nno trailer", ["worse"], 0),
    ],
)
def test_what_a_trailer_accepts(base: Side, message: str, expected: list[str], note_count: int) -> None:
    head = commit(message)
    later = commit("later")
    reasons, notes = open_reasons(WORSE, base, later)
    assert (names(reasons), len(notes)) == (expected, note_count)
    if not expected:
        acceptance = read_acceptances(base, later)[0]["worse"]
        assert (acceptance.commit, acceptance.author) == (head.commit, "a|b")
        assert acceptance.why in ("the data are new", "we know")


def test_a_trailer_before_the_branch_accepts_nothing(base: Side) -> None:
    before = commit("x\n\nAccept: worse: long ago")
    reasons, _ = open_reasons(WORSE, before, commit("head"))
    assert names(reasons) == ["worse"]


def test_changed_attributes_are_noted(base: Side) -> None:
    head = commit("hide", **{".gitattributes": "src/** -diff\n"})
    assert any(".gitattributes" in note for note in add_reasons(SAME, base, head).notes)
    assert not any(".gitattributes" in note for note in add_reasons(SAME, head, commit("later")).notes)


def test_what_a_merge_brings_into_the_branch_accepts_nothing(base: Side) -> None:
    git("checkout", "-q", "-b", "older")
    commit("x\n\nAccept: worse: long ago")
    git("checkout", "-q", "-b", "branch", base.commit)
    commit("work")
    env = environment(**IDENTITY)
    subprocess.run(["git", "merge", "-q", "--no-ff", "-m", "merge", "older"], check=True, env=env)
    head = Side("head", git("rev-parse", "HEAD").strip())
    assert read_acceptances(base, head)[0] == {}
    assert list(read_acceptances(base, commit("y\n\nAccept: floor: the law"))[0]) == ["floor"]
    git("checkout", "-q", "--detach", base.commit)  # as GitHub merges a branch for CI
    subprocess.run(["git", "merge", "-q", "--no-ff", "-m", "merge", "branch"], check=True, env=env)
    merge = Side("head", git("rev-parse", "HEAD").strip())
    assert list(read_acceptances(base, merge)[0]) == ["floor"]


@pytest.mark.parametrize(
    ("answer", "is_verified"),
    [
        (b"G\0a@b\0A <a@b>\n", True),
        (b"G\0a@b\0a@b\n", True),
        (b"G\0a@b\0X <x@b>\n", False),  # a trusted key, and somebody else's name
        (b"U\0a@b\0a@b\n", False),
        (b"B\0a@b\0\n", False),
        (b"G\0\0\n", False),
        (b"", False),
    ],
)
def test_only_the_authors_own_trusted_signature_verifies(base: Side, monkeypatch, answer, is_verified) -> None:
    head = commit("x\n\nAccept: worse: we know")
    assert read_acceptances(base, head)[0]["worse"].is_verified is False
    result = subprocess.CompletedProcess([], 0, answer.decode(), "")
    monkeypatch.setattr("plumbline.review.acceptances.run", lambda *_, **__: result)
    assert read_acceptances(base, head)[0]["worse"].is_verified is is_verified


def test_a_lock_that_is_not_true_of_its_files_is_red_until_it_is_accepted(base: Side) -> None:
    head = commit("run", **{"dvc.lock": LOCK, "out.json": "{}\n"})
    review = add_reasons(SAME, base, head)
    assert names([*review.open_reasons]) == ["lock"]
    assert "out.json" in " ".join(reason.message for reason in review.reasons)
    review = add_reasons(SAME, base, commit("x\n\nAccept: lock: we know"))
    assert (review.open_reasons, len(review.reasons) > 0) == ((), True)
