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

from plumbline.metrics import lower_is_better
from plumbline.review.result import Review, loads
from template.bake.files import RESULTS, TEMPLATES, listed
from template.zoo.tables import Table

ROOT = Path(__file__).parents[2]
WHO = {f"GIT_{one}_{two}": "zoo@localhost" for one in ("AUTHOR", "COMMITTER") for two in ("NAME", "EMAIL")}
BRANCHES = "+refs/heads/*:refs/remotes/origin/*"
PAGES = ("review.md", "review.html")
ATTACK = "<img src=x"  # in a column's name; must stand nowhere as it is
NUMBERS = ("difference", "low", "high", "margin")
Found = dict[str, Any]


class Clone:
    """A repository in a folder; commands run there as people type them."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.folder, self.table = folder, table

    def empty(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def keeps(self, path: str, folder: Path) -> None:
        """A folder of the clone that outlives it."""
        folder.mkdir(parents=True, exist_ok=True)
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).symlink_to(folder)

    def ran(self, *command: str) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, **WHO, "PYTHONPATH": ""}
        return subprocess.run(command, cwd=self.folder, env=given, capture_output=True, encoding="utf-8", check=False)

    def git(self, *arguments: str) -> str:
        ran = self.ran("git", *arguments)
        if ran.returncode:
            raise RuntimeError(f"git {' '.join(arguments)}: {ran.stderr}")
        return ran.stdout.strip()

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.ran(sys.executable, "-m", *arguments)


class Author(Clone):
    """Makes branches, with a true run in each where it runs at all."""

    def start(self, cache: Path) -> None:
        """The project without a run, then with one: branch base."""
        self.empty()
        for name in listed(ROOT):
            if any(fnmatchcase(name, pattern) for pattern in (*TEMPLATES, *RESULTS)) and name != "LICENSE":
                continue
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.folder / name)
        self.git("init", "-q", "-b", "base")
        self.keeps(".dvc/cache", cache)
        if self.table.make:
            self.git("rm", "-rq", "--ignore-unmatch", "data/source")
            for old in [*(self.folder / "data/source").iterdir(), *(self.folder / "expectations").glob("*.json")]:
                old.unlink()
        self.table.write(self.folder)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(self.table.params(), sort_keys=False))
        self.git("add", "-A")
        self.git("commit", "-qm", "The project")
        if failed := self.run():
            raise RuntimeError(f"base does not run: {failed}")
        self.commit("The first run")

    def branch(self, name: str, start: str) -> None:
        self.git("checkout", "-q", "-f", "-B", name, start)
        self.git("clean", "-qfd")

    def run(self) -> str | None:
        """make repro; its last line where it fails, as an author then pushes what there is."""
        ran = self.python("plumbline", "repro")
        return None if ran.returncode == 0 else (ran.stderr.strip().splitlines() or ["?"])[-1]

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def push(self) -> None:
        """What the run made, where a remote is configured."""
        if "remote" in (self.folder / ".dvc/config").read_text(encoding="utf-8"):
            self.python("dvc", "push", "-q")

    def metrics_diff(self, base: str) -> str:
        """What `dvc metrics diff` says of the model's metrics: how many fell."""
        ran = self.python("dvc", "metrics", "diff", "--json", base)
        if ran.returncode:
            return (ran.stderr.strip().splitlines() or ["?"])[-1]
        found = json.loads(ran.stdout).get("metrics/metrics.json", {})
        moved = {name: value["new"] - value["old"] for name, value in found.items() if _numbers(value)}
        worse = sum(step * (-1 if lower_is_better(name) else 1) < 0 for name, step in moved.items())
        return f"{worse} of {len(moved)} worse" if moved else "no change"


def _numbers(value: dict[str, Any]) -> bool:
    return all(isinstance(value.get(key), int | float) for key in ("old", "new"))


class CI(Clone):
    """Judges what a branch and base become together: HEAD is the merge commit, and HEAD^1 base."""

    def start(self, author: Author, cache: Path, cells: Path) -> None:
        """A clone in which base has run, as it does on main."""
        self.empty()
        self.git("clone", "-q", str(author.folder), ".")
        self.keeps(".dvc/cache", cache)
        self.keeps(".review/cells", cells)
        self.python("dvc", "repro", "-q")

    def judge(self, branch: str, base: str) -> Found:
        self.git("fetch", "-q", "--force", "--tags", "--prune", "--prune-tags", "origin", BRANCHES)
        self.git("checkout", "-q", "-f", "--detach", f"origin/{base}")
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", f"origin/{branch}")
        for name in ("result.json", *PAGES):
            (self.folder / ".review" / name).unlink(missing_ok=True)
        ran = self.python("plumbline", "review", "HEAD^1")
        path = self.folder / ".review/result.json"
        if ran.returncode == 2 or not path.exists():
            last = (ran.stderr.strip().splitlines() or ["?"])[-1]
            return {"word": "refused", "red": [], "accepted": [], "code": ran.returncode, "said": last}
        review = loads(path.read_bytes())
        accepted = sorted({reason.name for reason in review.reasons if reason.acceptance})
        about: Found = {}
        if review.comparison:
            about |= {name: getattr(review.comparison.verdict, name) for name in NUMBERS}
        about |= {"word": review.word, "said": review.why, "beside": _beside(review)}
        about["attacked"] = any(ATTACK in _rendered(self.folder / ".review" / name) for name in PAGES)
        return about | {
            "red": sorted({reason.name for reason in review.open_reasons}),
            "accepted": accepted,
            "code": ran.returncode,
        }


def _rendered(page: Path) -> str:
    """As HTML: in Markdown the attack may stand in a code span, where it is text."""
    text = page.read_text(encoding="utf-8")
    return text if page.suffix == ".html" else MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def _beside(review: Review) -> Found:
    """What else a case may expect: is the package the recipe, what head's own review says."""
    remarks: Found = {"package": review.package_check.is_consistent if review.package_check else None}
    if review.second_opinion:
        remarks["evaluator"] = review.second_opinion.word
    return remarks
