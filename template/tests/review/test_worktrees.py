"""A worktree is used again only where its code is that of the commit; a cache in git is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.errors import ProjectError
from plumbline.process import git
from plumbline.review import worktrees
from plumbline.review.judge import Request, _refuse_tracked_cache, judge
from plumbline.review.sides import Side
from template.tests.review.wheels import commit, write_folder

STAGES = "stages: {report: {cmd: x, outs: [docs/report.md, build]}}\n"
FILES = {
    "dvc.yaml": STAGES,
    "params.yaml": "data: {source: a.csv}\n",
    ".gitignore": "*.log\n",
    "src/model.py": "one = 1\n",
    "src/versions.json": "{}",
    "docs/report.md": "none",
}


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    """A commit in its worktree, from an earlier process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(worktrees, "_verified", set())
    git("init", "-q")
    write_folder(FILES)
    side = commit()
    side.check_out()
    worktrees._verified.clear()
    return side


def mark(side: Side) -> Path:
    """A file that stays while the worktree does."""
    path = side.folder / ".ready"
    path.touch()
    return path


def plant_repository(folder: Path) -> None:
    git("init", "-q", str(folder / "numpy"))
    (folder / "numpy/__init__.py").touch()


def hide_from_git(folder: Path) -> None:
    (folder / "src/model.py").write_text("one = 2\n")
    git("update-index", "--assume-unchanged", "src/model.py", cwd=folder)


def plant_ignored(folder: Path) -> None:
    write_folder({str(folder / "numpy/__init__.py"): "", str(folder / "numpy/.gitignore"): "*\n"})


def link_folder(folder: Path) -> None:
    Path("other").mkdir()
    (folder / "numpy").symlink_to(Path("other").absolute())


def move_head(folder: Path) -> None:
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", "x", cwd=folder)


EDITS: dict[str, Callable[[Path], object]] = {
    "code": lambda folder: (folder / "src/model.py").write_text("one = 2\n"),
    "code that git is told to skip": hide_from_git,
    "a file less": lambda folder: (folder / "params.yaml").unlink(),
    "another commit of the same files": move_head,
    "a module": lambda folder: (folder / "yaml.py").touch(),
    "a module that git ignores": plant_ignored,
    "bytecode": lambda folder: write_folder({str(folder / "src/__pycache__/model.cpython-313.pyc"): ""}),
    "a repository": plant_repository,
    "a link": link_folder,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_worktree_whose_code_is_not_that_of_the_commit_is_made_anew(side: Side, edit: Callable) -> None:
    path = mark(side)
    edit(side.folder)
    side.check_out()
    assert not path.exists()
    assert {name: (side.folder / name).read_text() for name in FILES} == FILES
    assert not (side.folder / "numpy").exists()


def test_a_worktree_in_which_a_run_wrote_its_outputs_is_used_again(side: Side) -> None:
    path = mark(side)
    files = (
        "src/versions.json",
        "docs/report.md",
        "build/model.py",
        "data/table.parquet",
        ".venv/lib/numpy.py",
        "x.log",
    )
    write_folder({str(side.folder / name): "new" for name in files})
    side.check_out()
    assert path.exists()


def test_what_runs_in_a_worktree_does_not_cost_it_within_a_review(side: Side) -> None:
    """A stage may write a file that it does not name."""
    side.check_out()
    path = mark(side)
    (side.folder / "src/model.py").write_text("one = 2\n")
    side.check_out()
    assert path.exists()


@pytest.mark.parametrize(
    ("setting", "files"),
    [
        ("../forged", ["forged/files/md5/00/1"]),
        ("../Forged/.", ["forged/files/md5/00/1"]),
        ("../link", ["forged/files/md5/00/1"]),
        ("..", ["files/md5/00/1"]),
    ],
)
def test_a_cache_of_dvc_in_git_is_refused_whatever_names_it(side: Side, setting: str, files: list[str]) -> None:
    write_folder({".dvc/config": f"[cache]\n    dir = {setting}\n", **dict.fromkeys(files, "forged")})
    if setting.endswith("link"):
        Path("link").symlink_to("forged")
    head = commit("a cache")
    with pytest.raises(ProjectError, match="files/md5/00/1', which only a set-up or a run may write"):
        judge(Request(base=side, head=head, revision="x", base_has_review=True, is_author=False), None)


@pytest.mark.parametrize("setting", ["cache", "../cache-of-dvc", "../.."])
def test_a_cache_that_git_does_not_have_is_used(side: Side, setting: str) -> None:
    write_folder({".dvc/config": f"[cache]\n    dir = {setting}\n", "cache-of-dvc.md": "Where it is."})
    _refuse_tracked_cache(commit("a setting"))
