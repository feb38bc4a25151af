"""A small project in git, and reviews of its commits."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from plumbline import versions
from plumbline.review.result import Review, loads
from plumbline.review.worktrees import FOLDER
from plumbline.testing.projects import ROOT, environment, make_table

MODEL = {"estimator": "sklearn.linear_model.LogisticRegression", "arguments": {"max_iter": 200}}
PARAMS = {"data": {"source": "data/source/table.csv", "target": "target"}, "model": MODEL,
          "evaluate": {"bootstrap": 100}, "review": {"replicas": 3}}  # fmt: skip
NO_REVIEW = Review(word="cannot tell", why="", base_commit="", head_commit="")
Change = Callable[..., None]


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{one}_{two}": "x@y.z" for one in ("AUTHOR", "COMMITTER") for two in ("NAME", "EMAIL")}
    ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", env=environment(**who))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git on a small table; its first commit, tagged base, has run in no way."""
    folder = tmp_path_factory.mktemp("review") / "project"
    for name in ("src", "plumbline"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "pyproject.toml", "requirements.lock", "LICENSE", ".gitignore", ".dvcignore"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in ("data/source", "expectations", "docs"):
        (folder / name).mkdir(parents=True)
    (folder / "docs/project.yaml").write_text("problem: {question: null}\n")
    (folder / "expectations/behaviour.yaml").write_text("# none\n")
    make_table(rows=260).to_csv(folder / "data/source/table.csv", index=False)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    versions.write(folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    git(folder, "tag", "base")
    return folder


@pytest.fixture
def changed(repository: Path) -> Change:
    """A commit on top of base with these groups of params, or with files as a function leaves them."""

    def change(edit: Callable[[Path], object] | None = None, **groups: dict) -> None:
        git(repository, "checkout", "-q", "-f", "-B", "work", "base")
        params = {name: PARAMS.get(name, {}) | groups.get(name, {}) for name in {*PARAMS, *groups}}
        (repository / "params.yaml").write_text(yaml.safe_dump(params))
        if edit:
            edit(repository)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "--allow-empty", "-m", "change")

    return change


def review(folder: Path, *arguments: str, code: int = 0, by: str | None = None) -> tuple[list[str], Review]:
    """The lines that were printed from the word on, and the result; on stderr, and an empty one, where the code is 2.

    by: "base" takes this code for that of base.
    """
    command = [sys.executable, "-m", "plumbline", "review", *(arguments or ("base",))]
    env = environment(PYTHONPATH="", **({"REVIEW_BY_BASE": by} if by else {}))
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8")
    assert ran.returncode == code, f"{ran.stdout}{ran.stderr}"
    if code == 2:
        return ran.stderr.splitlines(), NO_REVIEW
    lines = ran.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.split(":")[0] in ("better", "worse", "same", "cannot tell"))
    return ["\n".join(lines[:start]), *lines[start:]], loads((folder / FOLDER / "result.json").read_bytes())
