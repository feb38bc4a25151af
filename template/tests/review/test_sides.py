"""A worktree that git was stopped in the midst of is made anew; one that is whole is used again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline.process import git
from plumbline.review.changes import count_trials, list_changed_kinds
from plumbline.review.commits import SideError
from plumbline.review.sides import Side


def test_of_ones_own_stages_those_run_that_make_the_source_in_the_order_of_a_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    stages = {
        "summary": (["data/table.parquet"], ["metrics/summary.json"]),
        "assemble": (["data/raw.csv", "data/parts"], ["data/assembled"]),
        "parts": (["data/raw.csv", "src/versions.json"], ["data/parts"]),
        "versions": (["plumbline"], ["src/versions.json"]),
        "fetch": (["list.txt"], ["data/raw.csv"]),
        "ingest": (["data/assembled/all.csv"], ["data/table.parquet"]),
    }
    lines = [f"  {name}: {{cmd: x, deps: {deps}, outs: {outs}}}" for name, (deps, outs) in stages.items()]
    Path("dvc.yaml").write_text("\n".join(["stages:", *lines]), encoding="utf-8")
    Path("params.yaml").write_text("data: {source: data/assembled/all.csv}\n", encoding="utf-8")
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x")
    assert Side("head", git("rev-parse", "HEAD").strip()).source_stages == ["fetch", "parts", "assemble"]


STAGE = """stages:
  ingest:
    cmd: x
    deps: [src/stages/ingest.py]
    params: [data.source, data.more, {set.toml: [a.b]}, {whole.json: }, {src/versions.json: [ingest]}]
    outs: [data/table.parquet]
"""
FILES = {
    "dvc.yaml": STAGE,
    "params.yaml": "data: {source: a.csv, more: {x: 1}, other: 1}\n",
    "set.toml": "a.b = 1\na.c = 1\n",
    "whole.json": "{}",
    "src/stages/ingest.py": "from plumbline import one\n",
    "src/versions.json": '{"ingest": "forged"}',
    "plumbline/__init__.py": "",
    "plumbline/one.py": "",
    "plumbline/two.py": "",
}


@pytest.fixture
def commit_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Side]:
    """A commit with another content of a file of a little project, and nothing else."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")

    def commit(name: str, text: str) -> Side:
        Path(name).write_text(text, encoding="utf-8")
        git("add", "-A")
        git("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", name)
        Path(name).write_text(FILES[name], encoding="utf-8")
        return Side("head", git("rev-parse", "HEAD").strip())

    return commit


@pytest.mark.parametrize(
    ("name", "text", "is_other"),
    [
        ("set.toml", "a.b = 2\na.c = 1\n", True),
        ("set.toml", "a.b = 1\na.c = 2\n", False),
        ("whole.json", "[]", True),
        ("params.yaml", "data: {source: a.csv, more: {x: 2}, other: 1}\n", True),
        ("params.yaml", "data: {source: a.csv, more: {x: 1}, other: 2}\n", False),
        ("plumbline/one.py", "more = 1\n", True),
        ("plumbline/two.py", "more = 1\n", False),
        ("src/versions.json", '{"ingest": "another"}', False),
    ],
)
def test_a_recipe_sees_what_its_stages_depend_on_in_any_file(
    name: str, text: str, is_other: bool, commit_file: Callable[[str, str], Side]
) -> None:
    """Of src/versions.json it sees the code and never the file."""
    before, after = commit_file(name, FILES[name]), commit_file(name, text)
    assert (before.recipe_digest("ingest") != after.recipe_digest("ingest")) == is_other


def test_a_file_of_parameters_that_cannot_be_read_is_said(commit_file: Callable[[str, str], Side]) -> None:
    with pytest.raises(SideError, match="that cannot be read"):
        commit_file("set.toml", "a = [").recipe_digest("ingest")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("plumbline/training/folds.py", 2),
        ("plumbline/metrics.py", 2),
        ("plumbline/review/data_diff.py", 1),
        ("src/stages/train.py", 1),
    ],
)
def test_a_recipe_was_tried_where_what_makes_one_changed(
    name: str, number: int, commit_file: Any, monkeypatch: Any
) -> None:
    monkeypatch.setitem(FILES, name, "")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    before = commit_file(name, "")
    after = commit_file(name, "more = 1\n")
    assert count_trials(before).count == 1
    assert count_trials(after).count == number
    assert list_changed_kinds(before, after) == ("code",)


@pytest.mark.parametrize("lock", [True, False])
def test_half_a_worktree_is_made_anew(tmp_path: Path, lock: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    for name in ("src/a", "b"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x")
    side = Side("head", git("rev-parse", "HEAD").strip())
    git("worktree", "add", "-q", "--detach", str(side.folder), side.commit)
    shutil.rmtree(side.folder / "src")
    if lock:  # as git has it until the worktree is whole
        Path((side.folder / ".git").read_text().split()[-1], "locked").write_text("initializing")
    side.check_out()
    assert (side.folder / "src/a").exists()
    (side.folder / "made").touch()
    side.check_out()
    assert (side.folder / "made").exists()
    assert git("-C", str(side.folder), "rev-parse", "HEAD").strip() == side.commit
