"""Which reasons a result gives, and what commits accept of them."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plumbline.review.shown import floors

from plumbline.process import git
from plumbline.review import gate
from plumbline.review.sides import Side
from plumbline.testing.projects import environment

WHO = {f"GIT_{one}_{two}": "a|b" for one in ("AUTHOR", "COMMITTER") for two in ("NAME", "EMAIL")}
LOCK = "schema: '2.0'\nstages:\n  one:\n    cmd: echo\n    outs:\n    - {path: out.json, md5: 0123456789abcdef}\n"
STAGE = "stages:\n  one:\n    cmd: echo\n    outs: [{out.json: {cache: false}}]\n"


def commit(message: str, **files: str) -> Side:
    for path, text in files.items():
        Path(path).write_text(text)
    git("add", "-A")
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", message], check=True, env=environment(**WHO))
    return Side("side", git("rev-parse", "HEAD").strip())


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("[core]\n    analytics = false\n")
    return commit("base", **{"params.yaml": "data: {}\n", "dvc.yaml": STAGE, ".gitignore": ".review\n.dvc/cache\n"})


def reasons(result: dict[str, Any], base: Side, head: Side) -> tuple[list[dict[str, Any]], list[str]]:
    """Those of the numbers, and what is accepted; notes."""
    return gate.accepted([*gate.of_numbers({"why": "why"} | result, base)], base, head)


@pytest.mark.parametrize(
    ("result", "names"),
    [
        ({"word": "same"}, []),
        ({"word": "cannot tell"}, []),
        ({"word": "worse"}, ["worse"]),
        ({"word": "same", "release": {"word": "worse", "name": "m@v1", "why": "x"}}, ["worse-than-release"]),
        ({"word": "same", "slices": [{"blocks": True, "column": "a", "level": "b", "difference": -1}]}, ["slice"]),
        ({"word": "same", "slices": [{"blocks": False}]}, []),
        ({"word": "same", "floors": [{"broken": True, "metric": "r2", "head": 0.1, "floor": 0.2}]}, ["floor"]),
        ({"word": "same", "data": {"rows": {"labels": 3}}}, ["labels"]),
        ({"word": "same", "data": {"rows": {"labels": 0}}}, []),
        ({"word": "same", "params": {"data.weight": [None, "share"]}}, ["labels"]),
        ({"word": "same", "data": {"rows": {"by_column": {"share": 3}}}}, []),
    ],
)
def test_what_the_numbers_say(base: Side, result: dict[str, Any], names: list[str]) -> None:
    found, notes = reasons(result, base, commit("head"))
    assert (gate.red(found), notes) == (names, [])


def test_other_weights_of_rows_that_both_have_are_a_reason(base: Side) -> None:
    weighted = commit("weighted", **{"params.yaml": "data: {weight: share}\n"})
    found, _ = reasons({"word": "same", "data": {"rows": {"by_column": {"share": 3}}}}, weighted, commit("head"))
    assert [each["what"] for each in found] == ["3 rows of base have another weight in head"]


def test_settings_of_dvc_that_cannot_be_read_are_red_where_base_has_them(base: Side) -> None:
    result = {"word": "same", "why": "why", "no_data": True}
    told = gate.judged(result, base, commit("head", **{".dvc/config": "[core\n"}))
    assert told["red"] == ["lock"]
    assert told["reasons"][0]["what"].startswith("not checked: ")


def test_a_slice_says_by_how_much_and_its_corrected_p(base: Side) -> None:
    part = {"blocks": True, "column": "a", "level": "b", "difference": -0.25, "worse": 1e-9}
    found, _ = reasons({"word": "same", "slices": [part]}, base, commit("head"))
    assert [each["what"] for each in found] == ["worse where a = b, by 0.25 (corrected p < 0.0001)"]


def test_a_floor_without_an_interval_is_judged_by_the_value() -> None:
    found = {"metric": "roc_auc", "head": 0.52, "head_low": np.nan, "head_high": np.nan}
    for floor, is_broken in ((0.8, True), (0.5, False)):
        assert [each["broken"] for each in floors([found], {"roc_auc": floor})] == [is_broken]


@pytest.mark.parametrize(
    ("require", "result", "names"),
    [
        ("same", {"word": "cannot tell"}, ["cannot-tell"]),
        ("same", {"word": "same", "difference": 0}, []),
        ("better", {"word": "same", "difference": 0}, ["cannot-tell"]),
        ("better", {"word": "same"}, []),
        ("better", {"word": "better", "difference": 1}, []),
    ],
)
def test_base_may_ask_for_more(base: Side, require: str, result: dict[str, Any], names: list[str]) -> None:
    asks = commit("asks", **{"params.yaml": f"review: {{require: {require}}}\n"})
    found, _ = reasons(result, asks, commit("head"))
    assert gate.red(found) == names


@pytest.mark.parametrize(
    ("message", "red", "notes"),
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
def test_what_a_trailer_accepts(base: Side, message: str, red: list[str], notes: int) -> None:
    head = commit(message)
    (found,), told = reasons({"word": "worse", "why": "w"}, base, commit("later"))
    assert (gate.red([found]), len(told)) == (red, notes)
    if not red:
        assert (found["accepted"]["commit"], found["accepted"]["who"]) == (head.commit, "a|b")
        assert found["accepted"]["why"] in ("the data are new", "we know")


def test_a_trailer_before_the_branch_accepts_nothing(base: Side) -> None:
    before = commit("x\n\nAccept: worse: long ago")
    found, _ = reasons({"word": "worse", "why": "w"}, before, commit("head"))
    assert gate.red(found) == ["worse"]


def test_a_lock_that_is_not_true_of_its_files_is_red(base: Side) -> None:
    head = commit("run", **{"dvc.lock": LOCK, "out.json": "{}\n"})
    found = gate.judged({"word": "same", "why": "w"}, base, head)
    assert found["red"] == ["lock"]
    assert "out.json" in " ".join(each["what"] for each in found["reasons"])
