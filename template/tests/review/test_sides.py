"""A worktree that git was stopped in the midst of is made anew; one that is whole is used again."""

import shutil
from pathlib import Path

import pytest

from plumbline.process import git
from plumbline.review.sides import Side


def test_of_ones_own_stages_those_run_that_make_the_source_in_the_order_of_a_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    stages = {
        "summary": (["data/table.parquet"], ["metrics/summary.json"]),
        "assemble": (["data/raw.csv", "data/parts"], ["data/assembled"]),
        "parts": (["data/raw.csv"], ["data/parts"]),
        "fetch": (["list.txt"], ["data/raw.csv"]),
        "ingest": (["data/assembled/all.csv"], ["data/table.parquet"]),
    }
    lines = [f"  {name}: {{cmd: x, deps: {deps}, outs: {outs}}}" for name, (deps, outs) in stages.items()]
    Path("dvc.yaml").write_text("\n".join(["stages:", *lines]), encoding="utf-8")
    Path("params.yaml").write_text("data: {source: data/assembled/all.csv}\n", encoding="utf-8")
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x")
    assert Side("head", git("rev-parse", "HEAD").strip()).before == ["fetch", "parts", "assemble"]


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
    side.bring()
    assert (side.folder / "src/a").exists()
    (side.folder / "made").touch()
    side.bring()
    assert (side.folder / "made").exists()
    assert git("-C", str(side.folder), "rev-parse", "HEAD").strip() == side.commit
