"""A tiny DVC project whose stages copy files, run once, and the sample's pipeline on a small table.

Each test breaks a copy of the first by real commands.
"""

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline import params
from plumbline.reproducibility.dvc_files import read_stages
from plumbline.reproducibility.hashes import hash_path
from plumbline.testing.projects import ROOT, STAGES, environment, make_table

SUITE = '{"name": "table", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "x1"}}]}'
BEHAVIOUR = "- {name: more, why: so, raise: {x1: 1}, then: never lower, allowed: 0.9}\n"
COPIED = ("plumbline", "src", "LICENSE", "requirements.lock", "pyproject.toml", "dvc.yaml", ".dvcignore", ".gitignore")
FIRST = "versions"  # the stage that writes the digests

FILES = {
    "Makefile": "repro:\n\t@dvc repro\n",
    ".gitattributes": "dvc.lock -merge\n",
    ".dvcignore": "*.pyc\n",
    "pyproject.toml": '[project]\nname = "tiny"\nversion = "1"\n',
    # Values that YAML 1.1 and 1.2 read in two ways: DVC reads 1.2.
    "params.yaml": "data: {source: data/source/t.csv}\na: {x: 1, rate: 1e-3, word: 'yes', unread: 5}\n"
    "b: {y: [1, 2], z: null}\n",
    "data/source/t.csv": "row\n",
    "code/ingest.txt": "ingest\n",
    "code/train.txt": "train\n",
    "code/parts.txt": "parts\n",
    "code/lib/a.txt": "a\n",
    "code/lib/sub/b.txt": "b\n",
    "dvc.yaml": """\
stages:
  ingest:
    cmd: cat ${data.source} code/ingest.txt > data/table.txt && cat code/lib/a.txt > data/schema.json
    deps: ["${data.source}", code/ingest.txt, code/lib]
    params: [data.source, a.x, a.rate, a.word]
    outs:
      - data/table.txt
      - data/schema.json: {cache: false, persist: true}
  parts:
    cmd: mkdir -p parts && cp data/source/big.csv parts/one.txt && cp code/parts.txt parts/two.txt
    deps: [data/source/big.csv, code/parts.txt]
    outs: [parts]
  train:
    cmd: cat data/table.txt code/train.txt > data/model.txt && echo note > data/note.txt
    deps: [data/table.txt, data/schema.json, code/train.txt]
    params: [b, {pyproject.toml: [project.name]}]
    outs: [data/model.txt, data/note.txt]
  score:
    cmd: cat data/model.txt parts/*.txt > metrics/score.json
    deps: [data/model.txt, parts]
    outs:
      - metrics/score.json: {cache: false, persist: true}
""",
}


class Tiny:
    """A copy of the project, and a shell in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sh(self, command: str, code: int = 0) -> str:
        who = {f"GIT_{role}_{part}": "a@b" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = environment(PATH=path, DVC_NO_ANALYTICS="1", GIT_EDITOR="true", PYTHONPATH=str(ROOT), **who)
        ran = subprocess.run(command, shell=True, cwd=self.folder, env=env, capture_output=True, encoding="utf-8")  # noqa: S602
        assert ran.returncode == code, f"{command}: {ran.returncode} {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        return ran.stdout + ran.stderr

    def clone(self) -> "Tiny":
        """What someone else gets from git: no data, no cache, no local settings."""
        self.sh(f"git clone -q . '{self.folder}-clone'")
        return Tiny(self.folder.with_name(f"{self.folder.name}-clone"))


COMMIT = " && git add -A && git commit -qm change"
BASES = {
    "project": "true",
    "pushed": "mkdir ../store && dvc remote add -q -d store ../store && dvc push -q" + COMMIT,
    # Two branches that changed different stages, each with its own run; main is checked out.
    "branches": f"git checkout -qb other && echo 2 >> code/train.txt && dvc repro -q {COMMIT} && git checkout -q main"
    f"&& dvc checkout -q && echo 2 >> code/parts.txt && dvc repro -q {COMMIT}",
    # A stage that depends on a file in the folder that another makes.
    "inside": "sed -i 's|deps: .data/model.txt, parts.|deps: [data/model.txt, parts/one.txt]|' dvc.yaml && dvc repro -q"
    + COMMIT,
}


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder that holds the project, made when it is first asked for."""
    folders: dict[str, Path] = {}

    def base(name: str) -> Path:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            tiny = Tiny(folders[name] / "project")
            if name == "project":
                first_run(tiny)
            else:
                shutil.copytree(base("project"), folders[name], symlinks=True, dirs_exist_ok=True)
                tiny.sh(BASES[name])
        return folders[name]

    return base


def first_run(tiny: Tiny) -> None:
    for name, text in FILES.items():
        (tiny.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (tiny.folder / name).write_text(text, encoding="utf-8")
    (tiny.folder / "metrics").mkdir()
    tiny.sh("git init -q -b main && dvc init -q && dvc config core.check_update false")
    tiny.sh("echo big > data/source/big.csv && dvc add -q data/source/big.csv && make repro" + COMMIT)


@pytest.fixture
def copy(bases: Callable[[str], Path], tmp_path: Path) -> Callable[..., Tiny]:
    """A copy of a base, and of what lies beside it."""

    def copy_base(name: str = "project") -> Tiny:
        shutil.copytree(bases(name), tmp_path, symlinks=True, dirs_exist_ok=True)
        return Tiny(tmp_path / "project")

    return copy_base


@pytest.fixture
def server() -> Iterator[Callable[[int], str]]:
    """An HTTP remote that answers everything with one code, by its url."""
    servers = []

    def start(code: int) -> str:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for instance in servers:
        instance.shutdown()


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The repository on a small table, its stages run and locked as far as the one that is asked for."""
    folder = tmp_path_factory.mktemp("hermetic")
    git_files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in COPIED:
        for file in (file for file in git_files.split("\0") if file == name or file.startswith(f"{name}/")):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, folder / file)
    texts = {
        "docs/project.yaml": "problem: {question: null}\n",
        "expectations/table.json": SUITE,
        "expectations/behaviour.yaml": BEHAVIOUR,
        "params.yaml": "evaluate: {bootstrap: 100}\ndata: {source: data/source/table.csv, target: target}\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "data/source").mkdir(parents=True)
    make_table(rows=240).to_csv(folder / "data/source/table.csv", index=False)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    lock: dict[str, Any] = {}

    def until(last: str) -> Path:
        os.chdir(folder)
        params.add_defaults()
        stages = (FIRST, *STAGES)
        for name in stages[: stages.index(last) + 1]:
            if name not in lock:
                command = ["plumbline", FIRST] if name == FIRST else [f"src.stages.{name}"]
                subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
                lock[name] = {"outs": [{"path": out, "md5": hash_path(out)} for out in read_stages()[name].outputs]}
        (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": lock}), encoding="utf-8")
        return folder

    return until


@pytest.fixture
def at(pipeline: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    here = Path.cwd()
    yield pipeline
    os.chdir(here)
