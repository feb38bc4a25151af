"""A project with a committed run, its stages as processes, and what a stage that fails leaves behind."""

import contextlib
import io
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline import versions
from plumbline.__main__ import main
from plumbline.machinery import running_source
from plumbline.pipeline.stage import REVIEWED
from plumbline.testing.projects import PRISTINE, ROOT, STAGES, Project
from template.tests.damage import TABLE

PAGE = (running_source() / "plumbline/docs/errors.md").read_text(encoding="utf-8")
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
OUTS = {
    name: [next(iter(out)) if isinstance(out, dict) else out for out in stage["outs"]]
    for name, stage in PIPELINE.items()
}


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after a run that is committed, with empty files in the cache of DVC."""
    folder = tmp_path_factory.mktemp("finished")
    with contextlib.chdir(folder):
        project = Project(folder)
        project.table(TABLE)
        project.run()
        lock = {"stages": {name: {"outs": [{"path": out, "md5": f"aa{out}"} for out in OUTS[name]]} for name in STAGES}}
        Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
        Path(".dvc").mkdir()
        Path(".dvc/config").touch()
        for out in (out for name in STAGES for out in OUTS[name] if not out.startswith(REVIEWED)):
            path = Path(".dvc/cache/files/md5/aa", out)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for command in ("init -q", f"add {' '.join(REVIEWED)}", "-c user.name=x -c user.email=x@y.z commit -qm run"):
            subprocess.run(["git", *command.split()], check=True)
    return folder


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of `finished_run`, which a test may change; it is the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(finished_run, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return Project(folder, new=False)


def has_lost_outputs(committed: Path) -> bool:
    """Return whether an output is missing, or one in git differs from that in the folder `committed`."""
    outs = [Path(out) for name in STAGES for out in OUTS[name]]
    if not all(out.exists() for out in outs):
        return True
    return any(str(out).startswith(REVIEWED) and out.read_bytes() != (committed / out).read_bytes() for out in outs)


def read_outputs(*stages: str) -> dict[str, bytes]:
    """Return the content of the outputs of stages, and under "*" the names of all files."""
    outs = [Path(out) for stage in stages for out in OUTS[stage]]
    files = [out for out in outs if out.is_file()]  # not dist/: a failed run may have removed the wheel
    return {str(file): file.read_bytes() for file in files} | {"*": repr(sorted(Path().glob("[!ds]*/*"))).encode()}


def run_stage(stage: str, **limits: Any) -> tuple[int, str]:
    """Return exit code and standard error of a stage, in a new process where its code is changed or has limits."""
    if stage == "params":
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            return main(["params"]), stderr.getvalue()
    versions.write()  # as the first stage does
    name = f"src.stages.{stage}"
    if limits or any(Path("src", file).read_text() != content for file, content in PRISTINE.items()):
        ran = subprocess.run([sys.executable, "-m", name], capture_output=True, text=True, **limits)
        return ran.returncode, ran.stderr
    sys.modules.pop(name, None)
    with contextlib.redirect_stderr(io.StringIO()) as stderr, pytest.raises(SystemExit) as exit_:
        runpy.run_module(name, run_name="__main__")
    return int(str(exit_.value.code)), stderr.getvalue()


def is_documented(line: str) -> bool:
    """Return whether plumbline/docs/errors.md has this message; ... stands for any words there."""
    messages = re.findall(r"(?m)^\| `(.+?)` \|", PAGE)
    return any(re.search(re.escape(message).replace(r"\.\.\.", ".*"), line) for message in messages)
