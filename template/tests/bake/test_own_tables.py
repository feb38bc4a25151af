"""Tables of one's own by answers alone: no file is edited, and the pipeline, its tests and its checks are green."""

import functools
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

from plumbline.testing.projects import environment, make_table
from template.bake import table as bake
from template.tests.bake.conftest import SCRIPTS, Tools, git
from template.tests.bake.test_files import MOST_FILES, MOST_NAMES
from template.tests.libraries import create_venv

pytestmark = pytest.mark.slow
ACCENTED = "größe in cm"


def frame(task: str) -> pd.DataFrame:
    return make_table(task, rows=400).rename(columns={"target": ACCENTED})


def write_leak(path: Path) -> None:
    table = frame("binary")
    table.assign(after_the_fact=(table[ACCENTED] == "yes") * 1.5 + 0.1).to_csv(path, index=False)


def write_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(frame("regression").to_csv(index=False).encode()))


# The table's file, and how it is written.
TABLES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "csv": ("plain.csv", lambda path: frame("binary").to_csv(path, index=False)),
    "semicolons": ("comma.csv", lambda path: frame("regression").to_csv(path, index=False, sep=";", decimal=",")),
    "gzip": ("packed.csv.gz", write_gzip),
    "parquet": ("table.parquet", lambda path: frame("multiclass").to_parquet(path)),
    "json lines": ("lines.jsonl", lambda path: frame("binary").to_json(path, orient="records", lines=True)),
    "accents": ("Häuser am See (2).csv", lambda path: frame("multiclass").to_csv(path, index=False)),
    "relative": ("relative.csv", lambda path: frame("regression").to_csv(path, index=False)),
    "file": ("by file.csv", lambda path: frame("binary").to_csv(path, index=False)),
    "http": ("by http.csv", lambda path: frame("binary").to_csv(path, index=False)),
    "index": ("index.csv", lambda path: frame("binary").sample(frac=1, random_state=0).to_csv(path)),
    "leak": ("leak.csv", write_leak),
}
TESTED = ("accents",)  # verified and run twice; test_week.py runs the tests of projects
BY_ARCHIVE = ("parquet", "accents")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("given")


@pytest.fixture(scope="module")
def sources(template: Path, tables: Path) -> dict[str, str]:
    git(template, "clone", "--quiet", "--bare", str(template), str(tables / "repo.git"))
    git(template, "archive", "--format=zip", "--prefix=repo-main/", "-o", str(tables / "main.zip"), "HEAD")
    return {"url": f"file://{tables / 'repo.git'}", "archive": str(tables / "main.zip")}


@pytest.fixture(scope="module")
def address(tables: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tables))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def make(project: Path, *verbs: str, code: int = 0) -> str:
    """What a command printed, with the .venv of the project."""
    programs = project / ".venv" / SCRIPTS
    path = f"{programs if programs.exists() else create_venv(project)}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, PYTHON=sys.executable)
    ran = subprocess.run(
        verbs,
        cwd=project,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert ran.returncode == code, f"{verbs}: {ran.stdout[-3000:]}"
    return ran.stdout


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_ones_own_runs_by_answers_alone(tools: Tools, sources, address, tables, tmp_path, kind) -> None:
    name, write = TABLES[kind]
    write(tables / name)
    shutil.copy(tables / name, tmp_path / name)
    answers = {"relative": name, "file": (tables / name).as_uri(), "http": f"{address}/{name.replace(' ', '%20')}"}
    source = sources["archive" if kind in BY_ARCHIVE else "url"]
    tools.bake(source, tmp_path, data=answers.get(kind, str(tables / name)), target=ACCENTED)
    project = tmp_path / "my-project"
    if kind == "leak":
        assert "after_the_fact" in make(project, "make", "repro", code=2)
        assert git(project, "diff", "--stat") == ""  # no file of the project is changed; what ingest found is there
        return
    if kind in TESTED:  # nothing has run yet
        assert "no run is committed yet" in make(project, "python", "-m", "plumbline", "verify")
        assert "same" in make(project, "python", "-m", "plumbline", "review", "HEAD")
    output = make(project, "make", "repro")
    assert ("has no name and counts the rows: dropped" in output) == (kind == "index")
    assert "python -m plumbline draft" in output
    assert "15 questions open" in output
    assert json.loads((project / "data/schema.json").read_text(encoding="utf-8"))["columns"]
    changed_files = {line[3:] for line in git(project, "status", "--porcelain").splitlines()}
    assert changed_files == {"dvc.lock", "metrics/", "data/schema.json"}
    if kind in TESTED:
        assert "Running stage" not in make(project, "make", "repro")
        git(project, "add", "-A")
        names = git(project, "ls-files", "-z").strip("\0").split("\0")
        assert len(names) <= MOST_FILES
        assert len({name.partition("/")[0] for name in names if not name.startswith(".")}) <= MOST_NAMES


def test_a_large_table_goes_to_the_remote_and_comes_back_in_a_clone(tools, template, tmp_path) -> None:
    table = pd.concat([frame("binary")] * 600).reset_index(drop=True)
    table["row_id"] = range(len(table))
    table.iloc[:, :6].to_csv(tmp_path / "large one.csv", index=False)
    assert (tmp_path / "large one.csv").stat().st_size > bake.MOST_IN_GIT
    remote = tmp_path / "remote"
    tools.bake(template, tmp_path, data="large one.csv", target=ACCENTED, dvc_remote=str(remote))
    project = tmp_path / "my-project"
    assert "data/source/large one.csv\n" not in git(project, "ls-files", "data")
    make(project, "python", "-m", "src.stages.ingest")
    make(project, "dvc", "repro", "ingest")
    make(project, "dvc", "push")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "The first run")
    git(tmp_path, "clone", "--quiet", str(project), "clone")
    make(tmp_path / "clone", "dvc", "pull", "data/source/large one.csv.dvc", "ingest")
    for name in ("data/source/large one.csv", "data/table.parquet"):
        digests = {sha256((tmp_path / folder / name).read_bytes()).hexdigest() for folder in ("my-project", "clone")}
        assert len(digests) == 1
