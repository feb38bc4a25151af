"""Two clones of a project: the author's, in which pull requests are made, and CI's, in which they are judged."""

import json
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

from plumbline.errors import ProjectError
from plumbline.machinery import has_folder, unpack
from plumbline.metrics import lower_is_better
from template.bake.files import RESULTS, TEMPLATES, list_files
from template.zoo.judgement import Judgement, read_review
from template.zoo.tables import Table

ROOT = Path(__file__).parents[2]
IDENTITY = {f"GIT_{role}_{field}": "zoo@localhost" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
BRANCHES, TAGS = "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"  # both are pruned
OWN_FILES = ("LICENSE", "plumbline/")  # what a project has otherwise: edits.use_wheel makes the wheel
RESULT, PAGES = "result.json", ("review.md", "review.html")
ATTACK = "<img src=x"  # in a column's name; no page may show it as markup


class Clone:
    """A repository in a folder; commands run there as people type them."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.folder, self.table = folder, table

    def clear(self) -> None:
        """Empty the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def link_folder(self, path: str, folder: Path) -> None:
        """Link a folder of the clone to one that stays when the clone is cleared."""
        folder.mkdir(parents=True, exist_ok=True)
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).symlink_to(folder)

    def find_package(self) -> str:
        """Return the folder with the package of the clone, which .venv has not; empty where it is in the clone."""
        try:
            return "" if has_folder(self.folder) else str(unpack(self.folder))
        except ProjectError:
            return ""

    def run_command(self, *command: str, package: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program to its end, whatever its exit code."""
        environment = {**os.environ, **IDENTITY, "PYTHONPATH": package}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, encoding="utf-8", check=False
        )

    def git(self, *arguments: str) -> str:
        """Return what git prints; raise RuntimeError if it fails."""
        ran = self.run_command("git", *arguments)
        if ran.returncode:
            raise RuntimeError(f"git {' '.join(arguments)}: {ran.stderr}")
        return ran.stdout.strip()

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python to its end, whatever its exit code."""
        return self.run_command(sys.executable, "-m", *arguments, package=self.find_package())


def _last_line(ran: subprocess.CompletedProcess[str]) -> str:
    return (ran.stderr.strip().splitlines() or ["?"])[-1]


class Author(Clone):
    """Makes branches, each with the results of a true run wherever it runs at all."""

    def start(self, cache: Path) -> None:
        """Commit the project without a run, then with one: branch base."""
        self.clear()
        for name in list_files(ROOT):
            if any(fnmatchcase(name, pattern) for pattern in (*TEMPLATES, *RESULTS)) and not name.startswith(OWN_FILES):
                continue
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.folder / name)
        self.git("init", "-q", "-b", "base")
        self.link_folder(".dvc/cache", cache)
        if self.table.make:
            self.git("rm", "-rq", "--ignore-unmatch", "data/source")
            for old in [*(self.folder / "data/source").iterdir(), *(self.folder / "expectations").glob("*.json")]:
                old.unlink()
        self.table.write(self.folder)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(self.table.params(), sort_keys=False))
        self.git("add", "-A")
        self.git("commit", "-qm", "The project")
        if error := self.run_pipeline():
            raise RuntimeError(f"base does not run: {error}")
        self.commit("The first run")

    def branch(self, name: str, start: str) -> None:
        """Check out a new branch."""
        self.git("checkout", "-q", "-f", "-B", name, start)
        self.git("clean", "-qfd")

    def run_pipeline(self) -> str | None:
        """Run the pipeline; return its last line where it fails, as an author then pushes what there is."""
        ran = self.python("plumbline", "repro")
        return None if ran.returncode == 0 else _last_line(ran)

    def commit(self, message: str) -> None:
        """Commit everything, even if nothing has changed."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def push(self) -> None:
        """Push the results of the run, where a remote is configured."""
        if "remote" in (self.folder / ".dvc/config").read_text(encoding="utf-8"):
            self.python("dvc", "push", "-q")

    def count_worse_metrics(self, base: str) -> str:
        """Return how many of the model's metrics `dvc metrics diff` shows as worse, or its error."""
        ran = self.python("dvc", "metrics", "diff", "--json", base)
        if ran.returncode:
            return _last_line(ran)
        metrics = json.loads(ran.stdout).get("metrics/metrics.json", {})
        steps = {name: value["new"] - value["old"] for name, value in metrics.items() if _has_numbers(value)}
        worse = sum(step * (-1 if lower_is_better(name) else 1) < 0 for name, step in steps.items())
        return f"{worse} of {len(steps)} worse" if steps else "no change"


def _has_numbers(value: dict[str, Any]) -> bool:
    return all(isinstance(value.get(key), int | float) for key in ("old", "new"))


class CI(Clone):
    """Judges the merge of a branch and base: HEAD is the merge commit, and HEAD^1 base."""

    def start(self, author: Author, cache: Path, cells: Path) -> None:
        """Clone the author's repository and run base, as CI does on main."""
        self.clear()
        self.git("clone", "-q", str(author.folder), ".")
        self.link_folder(".dvc/cache", cache)
        self.link_folder(".review/cells", cells)
        self.python("dvc", "repro", "-q")

    def judge(self, branch: str, base: str) -> Judgement:
        """Review the merge of a branch into base."""
        self.git("fetch", "-q", "--force", "--prune", "origin", BRANCHES, TAGS)
        self.git("checkout", "-q", "-f", "--detach", f"origin/{base}")
        package = self.find_package()
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", f"origin/{branch}")
        for name in (RESULT, *PAGES):
            (self.folder / ".review" / name).unlink(missing_ok=True)
        command = (sys.executable, "-m", "plumbline", "review", "HEAD^1")
        ran = self.run_command(*command, package=package or self.find_package())
        has_attack = _commands(ran.stdout + ran.stderr)
        if ran.returncode == 2 or not (self.folder / ".review" / RESULT).exists():
            return Judgement("refused", _last_line(ran), ran.returncode, has_attack=has_attack)
        has_attack |= any(ATTACK in _render(self.folder / ".review" / name) for name in PAGES)
        return read_review(self.folder, ran.returncode, has_attack)


def _commands(output: str) -> bool:
    """Whether a line of the log would command a terminal or GitHub."""
    return any(line.startswith("::") or "##[" in line or "\x1b" in line for line in output.splitlines())


def _render(page: Path) -> str:
    """The page as HTML: in Markdown the attack may be in a code span, where it is text."""
    text = page.read_text(encoding="utf-8")
    return text if page.suffix == ".html" else MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
