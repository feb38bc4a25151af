"""A worktree that git was stopped in the midst of is made anew; one that is whole is used again."""

import shutil
from pathlib import Path

import pytest

from src.review.sides import Side, git


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
