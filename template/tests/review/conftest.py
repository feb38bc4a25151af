"""A small project in git, and reviews of its commits."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from plumbline import versions
from plumbline.commands.review import ROLE
from plumbline.machinery import has_folder, unpack
from plumbline.review.result.review import Review, loads
from plumbline.review.sides import Side
from plumbline.review.worktrees import FOLDER
from plumbline.testing.projects import ROOT, environment, make_table
from template.bake.wheel import build_wheel
from template.tests.review.wheels import PACKAGE, commit
from template.zoo.wheels import build_wheel as build_tiny_wheel
from template.zoo.wheels import write_wheel

MODEL = {"estimator": "sklearn.linear_model.LogisticRegression", "arguments": {"max_iter": 200}}
PARAMS = {
    "data": {"source": "data/source/table.csv", "target": "target"},
    "model": MODEL,
    "evaluate": {"bootstrap": 100},
    "review": {"replicas": 3},
}
IDENTITY = {f"GIT_{role}_{field}": "x@y.z" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
WORDS = ("better", "worse", "same", "cannot tell")
Commit = Callable[..., None]


def git(folder: Path, *arguments: str) -> str:
    """Run git, and return what it prints."""
    process = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", env=environment(**IDENTITY)
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git on a small table; nothing has run in its first commit, which is tagged base."""
    return create_repository(tmp_path_factory.mktemp("review") / "project")


@pytest.fixture(scope="module")
def wheel_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the package as a wheel, as a project has it."""
    return create_repository(tmp_path_factory.mktemp("review") / "project", has_wheel=True)


def create_repository(folder: Path, *, has_wheel: bool = False) -> Path:
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
    if has_wheel:
        shutil.rmtree(folder / "plumbline")
        write_wheel(folder, *build_wheel(ROOT))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    git(folder, "tag", "base")
    return folder


@pytest.fixture
def commit_change(repository: Path) -> Commit:
    """Commit on top of base: these groups of params, or files as a function leaves them."""

    def commit(edit: Callable[[Path], object] | None = None, **groups: dict) -> None:
        git(repository, "checkout", "-q", "-f", "-B", "work", "base")
        params = {name: PARAMS.get(name, {}) | groups.get(name, {}) for name in {*PARAMS, *groups}}
        (repository / "params.yaml").write_text(yaml.safe_dump(params))
        if edit:
            edit(repository)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "--allow-empty", "-m", "change")

    return commit


def run_review(folder: Path, *arguments: str, code: int = 0, role: str | None = None) -> tuple[str, list[str], Review]:
    """Review HEAD, against base by default.

    Returns
    -------
    str
        What was printed before the verdict.
    list of str
        The lines from the verdict on.
    Review
        The result; role "base": this code is taken for that of base.
    """
    lines = _run(folder, arguments, code, role).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.split(":")[0] in WORDS)
    return "\n".join(lines[:start]), lines[start:], loads((folder / FOLDER / "result.json").read_bytes())


def fail_review(folder: Path, *arguments: str, package: Path | None = None) -> str:
    """Return the one line that a review prints which cannot be made; `package` starts it, by default that of HEAD."""
    (line,) = _run(folder, arguments, 2, None, package).stderr.splitlines()
    return line


def _run(
    folder: Path, arguments: tuple[str, ...], code: int, role: str | None, package: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plumbline", "review", *(arguments or ("base",))]
    if not (package or has_folder(folder)):
        package = unpack(folder)  # as .venv has it
    variables = environment(PYTHONPATH=str(package or ""), **({ROLE: role} if role else {}))
    process = subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8")
    assert process.returncode == code, f"{process.stdout}{process.stderr}"
    return process


def open_names(review: Review) -> list[str]:
    """The names of the reasons that nobody accepted, each once."""
    return list(dict.fromkeys(reason.name for reason in review.open_reasons))


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    """A commit whose package is a tiny wheel; the project is the working directory."""
    folder = tmp_path / "project"
    (folder / "src/stages").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copyfile(ROOT / name, name)
    Path("src/stages/evaluate.py").touch()
    Path(".gitignore").write_text(".review\n")
    Path("params.yaml").write_text("data: {source: a.csv}\n")
    Path("dvc.yaml").write_text("stages: {ingest: {cmd: x, params: [{src/versions.json: [evaluate]}]}}\n")
    write_wheel(folder, *build_tiny_wheel({name: text.encode() for name, text in PACKAGE.items()}))
    git(folder, "init", "-q")
    monkeypatch.setattr(sys, "prefix", str(folder / ".venv"))
    return Side("base", commit().commit)
