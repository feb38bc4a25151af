"""Projects of earlier commits, what a user does in their terminal, and the commands of docs/updating.md for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT, environment, make_table
from template.tests.bake.conftest import AUTHOR, SCRIPTS, Tools, git


def clone_history(template: Path, folder: Path, tag: str, file: str) -> Path:
    """Clone the template and tag the last commit before the one that added a file."""
    clone = folder / "history.git"
    git(template, "clone", "--quiet", str(template), str(clone))
    if git(clone, "rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("a shallow clone, which has not that commit: git fetch --unshallow")
    first = git(clone, "log", "--format=%H", "--diff-filter=A", "--", file).split()[-1]
    git(clone, "tag", "--force", tag, f"{first}^")
    return clone


def bake_tag(tools: Tools, history: Path, tag: str, folder: Path) -> Path:
    """Create a project on a table of one's own with the template as it was at a tag."""
    make_table().to_csv(folder / "own.csv", index=False)
    (folder / "out").mkdir()
    answers = {"data": str(folder / "own.csv"), "target": "target"}
    tools.bake(f"file://{history}", folder / "out", "--checkout", tag, **answers)
    return folder / "out/my-project"


def find_unmerged(project: Path) -> list[str]:
    return [line[3:] for line in git(project, "status", "--porcelain").splitlines() if "U" in line[:2]]


def solve(project: Path) -> None:
    """Keep the lines of both sides in pyproject.toml, as the page says."""
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(<{7} ours|={7}|>{7} theirs)\n", "", text)
    (project / "pyproject.toml").write_text(text, encoding="utf-8", newline="\n")


def find_commands(heading: str) -> list[str]:
    """The commands under a heading of the page."""
    page = (ROOT / "docs/updating.md").read_text(encoding="utf-8")
    return re.findall(r"(?m)^\$ (.+)$", page.partition(f"## {heading}")[2].partition("\n## ")[0])


def run_line(project: Path, line: str) -> str:
    """What a line of the page printed in a shell, as in an activated .venv."""
    path = f"{project / '.venv' / SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, **AUTHOR)
    ran = subprocess.run(line, shell=True, cwd=project, env=env, capture_output=True, encoding="utf-8")  # noqa: S602
    assert ran.returncode == 0, f"{line}: {ran.stdout[-3000:]}{ran.stderr[-3000:]}"
    return ran.stdout


def make_in(project: Path, *verbs: str, code: int = 0) -> str:
    """What `make` printed, which must end with `code`."""
    env = environment(PYTHON=sys.executable, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    ran = subprocess.run(["make", *verbs], cwd=project, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == code, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout + ran.stderr
