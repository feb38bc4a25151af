"""A small project in git with a DVC remote, of which each drill takes a copy, and what a drill must not change."""

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
REPRO = ("plumbline", "repro")
IDENTITY = {f"GIT_{role}_{field}": "x@y.z" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
FILES = (
    *("dvc.yaml", "pyproject.toml", "requirements.lock", "LICENSE", ".gitignore", ".gitattributes"),
    *(".dvcignore", ".dvc/config", ".dvc/.gitignore"),
)


def digest(path: Path) -> str:
    """Return the MD5 of a file, as DVC names it."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Sandbox:
    """A folder with a project in git, its remote (a folder, too) and DVC's site cache."""

    home: Path

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.home / "project"

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the environment of its commands."""
        paths = {"PYTHONPATH": str(self.project), "DVC_SITE_CACHE_DIR": str(self.home / "site")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, **IDENTITY, **paths, "OMP_NUM_THREADS": "1", "PATH": path, **variables}

    def start(
        self, module: tuple[str, ...], variables: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start `python -m MODULE ...` as a process group of its own; options are those of Popen."""
        return subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=self.project,
            env=self.environment(**(variables or {})),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            **options,
        )

    def run(self, *module: str, code: int | None = 0, **options: Any) -> str:
        """Return what the command prints; it must end with this exit code, unless it is None."""
        process = self.start(module, **options)
        output = process.communicate()[0]
        assert code is None or process.returncode == code, f"{' '.join(module)}: {process.returncode}\n{output[-3000:]}"
        return output

    def git(self, *arguments: str) -> str:
        """Return what git prints; it must succeed."""
        command = ["git", *arguments]
        environment = self.environment()
        return subprocess.run(
            command, cwd=self.project, env=environment, check=True, capture_output=True, encoding="utf-8"
        ).stdout

    def copy(self, home: Path) -> "Sandbox":
        """Return a copy in another folder."""
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home, symlinks=True)
        return Sandbox(home)

    def change_params(self, **groups: Any) -> None:
        """Change these keys of params.yaml."""
        path = self.project / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        params = {group: content.get(group, {}) | groups.get(group, {}) for group in {*content, *groups}}
        path.write_text(yaml.safe_dump(params), encoding="utf-8")

    def write_table(self, frame: pd.DataFrame) -> None:
        """Write the source table."""
        frame.to_csv(self.project / "data/source/table.csv", index=False)

    def outputs(self) -> dict[str, str]:
        """Return the digest of each output of a stage that exists."""
        stages = yaml.safe_load((self.project / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
        outs = [self.project / (out if isinstance(out, str) else next(iter(out))) for s in stages for out in s["outs"]]
        files = [file for out in outs for file in ([out] if out.is_file() else out.glob("*.whl"))]
        return {file.relative_to(self.project).as_posix(): digest(file) for file in files}

    def objects(self, folder: str) -> list[str]:
        """Return the names of the objects in the cache or the remote; each must have the digest that it is named by."""
        names = []
        for path in sorted((self.home / folder).glob("files/md5/??/*")):
            name = path.parent.name + path.name
            if len(name.removesuffix(".dir")) == 32:
                assert digest(path) == name.removesuffix(".dir"), f"half an object has its final name: {path}"
                names.append(name)
        return names

    def state(self) -> dict[str, Any]:
        """Return what must be the same as without a fault: outputs, lock, git's status, objects in the remote."""
        lock = (self.project / "dvc.lock").read_bytes()
        status = self.git("status", "--porcelain")
        return {"outputs": self.outputs(), "dvc.lock": lock, "git": status, "remote": self.objects("remote")}

    def check_lock(self) -> None:
        """Check that the lock agrees with DVC's status and with the cache."""
        status = self.run("dvc", "status", "--json")
        assert json.loads(status) == {}, status
        lock = yaml.safe_load((self.project / "dvc.lock").read_text(encoding="utf-8"))["stages"]
        outs = {out["path"]: out["md5"] for stage in lock.values() for out in stage["outs"]}
        cached = {path for path in outs if path.startswith(("data/", "dist")) and path != "data/schema.json"}
        objects = set(self.objects("project/.dvc/cache"))
        assert {outs[path] for path in cached} <= objects, "an output is not in the cache"


@cache
def committed_sandbox(folder: Path) -> Sandbox:
    """Return a project that was run once, committed and pushed."""
    box = Sandbox(folder / "committed")
    _write_project(box)
    box.git("init", "-q", "-b", "main")
    box.run("dvc", "remote", "add", "-q", "-d", "here", "../remote")
    box.run(*REPRO)
    box.run("dvc", "push", "-q")
    _commit(box, "base")
    return box


def _write_project(box: Sandbox) -> None:
    project = box.project
    for name in ("src", "plumbline"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        if (ROOT / name).exists():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, project / name)
    for name in ("data/source", "expectations", "docs"):
        (project / name).mkdir(parents=True)
    (project / "docs/project.yaml").write_text("problem: {question: null}\n", encoding="utf-8")
    (project / "expectations/behaviour.yaml").write_text("# none\n", encoding="utf-8")
    shutil.copyfile(MOMENT, project / "sitecustomize.py")
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS), encoding="utf-8")
    box.write_table(make_table())


def _commit(box: Sandbox, message: str) -> None:
    box.git("add", "-A")
    box.git("commit", "-qm", message)


@cache
def changed_sandbox(folder: Path) -> Sandbox:
    """Return the project with other rows and another model, committed and not run: every stage must run again."""
    box = committed_sandbox(folder).copy(folder / "changed")
    box.write_table(make_table(seed=1))
    box.change_params(model={"arguments": {"C": 0.5}})
    _commit(box, "change")
    return box


@cache
def finished_sandbox(folder: Path) -> Sandbox:
    """Return the changed project after a run, not yet pushed or committed."""
    box = changed_sandbox(folder).copy(folder / "finished")
    box.run(*REPRO)
    return box
