"""A small project in git with a remote, run and pushed, then changed; a copy for each fault; what must be the same."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from plumbline.testing.projects import make_table

ROOT = Path(__file__).parents[2]
MOMENT = Path(__file__).with_name("moment.py")
PARAMS = {
    "data": {"source": "data/source/table.csv", "target": "target"},
    "model": {"estimator": "sklearn.linear_model.LogisticRegression"},
    "evaluate": {"bootstrap": 100},
    "review": {"replicas": 3, "folds": 2},
}
REPRO, DVC = ("plumbline", "repro"), ("dvc",)
WHO = {f"GIT_{one}_{two}": "x@y.z" for one in ("AUTHOR", "COMMITTER") for two in ("NAME", "EMAIL")}


def digest(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Sandbox:
    """A folder with a project in git, its remote (a folder, too) and DVC's own cache of states."""

    home: Path

    @property
    def project(self) -> Path:
        return self.home / "project"

    def environment(self, **more: str) -> dict[str, str]:
        own = {"PYTHONPATH": str(self.project), "DVC_SITE_CACHE_DIR": str(self.home / "site"), "OMP_NUM_THREADS": "1",
               "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}  # fmt: skip
        return {**os.environ, **WHO, **own, **more}

    def start(self, module: tuple[str, ...], environment: dict[str, str] | None = None, **how: Any) -> Any:
        """The command `python -m MODULE ...` as a group of processes of its own."""
        given = self.environment(**(environment or {}))
        return subprocess.Popen([sys.executable, "-m", *module], cwd=self.project, env=given, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", **how)  # fmt: skip

    def run(self, *module: str, code: int | None = 0, **how: Any) -> str:
        """What the command prints; code: that with which it must end."""
        process = self.start(module, **how)
        said = process.communicate()[0]
        assert code is None or process.returncode == code, f"{' '.join(module)}: {process.returncode}\n{said[-3000:]}"
        return said

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.project, env=self.environment(), check=True,
                              capture_output=True, encoding="utf-8").stdout  # fmt: skip

    def copy(self, home: Path) -> "Sandbox":
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home, symlinks=True)
        return Sandbox(home)

    def change(self, **groups: Any) -> None:
        path = self.project / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        made = {group: content.get(group, {}) | groups.get(group, {}) for group in {*content, *groups}}
        path.write_text(yaml.safe_dump(made), encoding="utf-8")

    def table(self, frame: pd.DataFrame) -> None:
        frame.to_csv(self.project / "data/source/table.csv", index=False)

    def outputs(self) -> dict[str, str]:
        """Of each output of a stage that is there, its name and hash."""
        stages = yaml.safe_load((self.project / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
        outs = [self.project / (out if isinstance(out, str) else next(iter(out))) for s in stages for out in s["outs"]]
        files = [file for out in outs for file in ([out] if out.is_file() else out.glob("*.whl"))]
        return {file.relative_to(self.project).as_posix(): digest(file) for file in files}

    def stored(self, folder: str) -> list[str]:
        """The objects in the cache or the remote; each must be what its name says."""
        found = []
        for path in sorted((self.home / folder).glob("files/md5/??/*")):
            name = path.parent.name + path.name
            if len(name.removesuffix(".dir")) == 32:
                assert digest(path) == name.removesuffix(".dir"), f"half an object stands under its name: {path}"
                found.append(name)
        return found

    def same(self) -> dict[str, Any]:
        """What must be the same as where nothing happened: outputs, lock, what git says, objects."""
        lock = (self.project / "dvc.lock").read_bytes()
        said = self.git("status", "--porcelain")
        return {"outputs": self.outputs(), "dvc.lock": lock, "git": said, "remote": self.stored("remote")}

    def agrees(self) -> None:
        """Neither DVC nor the cache has anything to say against the lock."""
        said = self.run("dvc", "status", "--json")
        assert json.loads(said) == {}, said
        held = set(self.stored("project/.dvc/cache"))
        lock = yaml.safe_load((self.project / "dvc.lock").read_text(encoding="utf-8"))["stages"]
        cached = ("data/", "dist")
        named = {out["md5"] for stage in lock.values() for out in stage["outs"] if out["path"].startswith(cached)}
        named -= {out["md5"] for stage in lock.values() for out in stage["outs"] if out["path"] == "data/schema.json"}
        assert named <= held, "an output is not in the cache"


@cache
def ran(folder: Path) -> Sandbox:
    """Run once, committed and pushed."""
    made = Sandbox(folder / "ran")
    project = made.project
    for name in ("src", "plumbline"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "pyproject.toml", "requirements.lock", "LICENSE", ".gitignore", ".gitattributes",
                 ".dvcignore", ".dvc/config", ".dvc/.gitignore", "data/.gitignore"):  # fmt: skip
        if (ROOT / name).exists():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, project / name)
    for name in ("data/source", "expectations", "docs"):
        (project / name).mkdir(parents=True)
    (project / "docs/project.yaml").write_text("problem: {question: null}\n", encoding="utf-8")
    (project / "expectations/behaviour.yaml").write_text("# none\n", encoding="utf-8")
    shutil.copyfile(MOMENT, project / "sitecustomize.py")
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS), encoding="utf-8")
    made.table(make_table())
    made.git("init", "-q", "-b", "main")
    made.run("dvc", "remote", "add", "-q", "-d", "here", "../remote")
    made.run(*REPRO)
    made.run("dvc", "push", "-q")
    made.git("add", "-A")
    made.git("commit", "-qm", "base")
    return made


@cache
def changed(folder: Path) -> Sandbox:
    """The same with other rows and another model, of which nothing has run: every stage must run anew."""
    made = ran(folder).copy(folder / "changed")
    made.table(make_table(seed=1))
    made.change(model={"arguments": {"C": 0.5}})
    made.git("add", "-A")
    made.git("commit", "-qm", "change")
    return made


@cache
def finished(folder: Path) -> Sandbox:
    """That, run and not yet pushed or committed."""
    made = changed(folder).copy(folder / "finished")
    made.run(*REPRO)
    return made
