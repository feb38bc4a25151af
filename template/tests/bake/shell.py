"""What a user does in a terminal of a baked project, and which commands docs/updating.md has for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from plumbline.testing.projects import ROOT, environment
from template.tests.bake.conftest import AUTHOR, SCRIPTS, git


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
