"""How long it takes to create a project and get the metrics of one's own table, and how large a project is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import yaml

from plumbline import paths
from template.bake.answers import clean_answers
from template.bake.checkout import list_files
from template.bake.files import write_project
from template.bench.workspace import ROOT
from template.tables import large

ROWS, COLUMNS = 1500, 8


@dataclass(frozen=True)
class Size:
    """Of a project with a table of one's own, after its first committed run.

    `code` and `engine_code` are lines without blank lines (and comments), `wheel` is in MB.
    """

    files: int
    names: int
    lines: int
    code: int
    wheel: float
    engine_lines: int
    engine_code: int


def _seconds(command: list[str | Path], folder: Path, **variables: str) -> float:
    """Wall time of a command in a session as a user has it: no .venv is active."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment, start = inherited | variables, perf_counter()
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        sys.exit(f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return perf_counter() - start


def time_creation(folder: Path, n: int, log: Callable[[str], None]) -> dict[str, float]:
    """Time the way from nothing to a project that has run, n times, each with an empty package cache.

    Parameters
    ----------
    folder : Path
        Where the projects are created.
    n : int
        How often.
    log : callable
        Called with a line after each run.

    Returns
    -------
    dict of float
        Medians in seconds: `create`, `create again` (cookiecutter is in the cache), `repro`, `test`.
    """
    subprocess.run(["git", "clone", "-q", "--bare", ROOT, folder / "repo.git"], check=True)
    large.write_table(folder / "own.csv", ROWS, COLUMNS)
    seconds: dict[str, list[float]] = {"create": [], "create again": [], "repro": [], "test": []}
    uv, repository = Path(sys.executable).with_name("uv"), f"file://{folder}/repo.git"
    create: list[str | Path] = [uv, "tool", "run", "--quiet", "cookiecutter", "--no-input", repository]
    create += ["data=own.csv", "target=answer"]
    variables = {"UV_CACHE_DIR": str(folder / "cache"), "PIP_NO_CACHE_DIR": "1", "PYTHON": "python3"}
    for _ in range(n):
        seconds["create"].append(_seconds(create, folder, **variables))
        seconds["create again"].append(_seconds([*create, "project_name=Again"], folder, **variables))
        for target in ("repro", "test"):
            seconds[target].append(_seconds(["make", target], folder / "my-project", **variables))
        log(", ".join(f"{name} {values[-1]:.1f} s" for name, values in seconds.items()))
        for name in ("cache", "my-project", "again"):
            shutil.rmtree(folder / name)
    return {name: median(values) for name, values in seconds.items()}


def count_size(folder: Path) -> Size:
    """Create a project in an empty folder and count its files and lines."""
    answers = clean_answers({"project_name": "x", "description": "d", "license": "MIT", "python_version": "3.13"})
    write_project(ROOT, folder, answers | {"data": "own.csv", "target": "answer"})
    stages = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    outs = [out for stage in stages for out in stage["outs"] if isinstance(out, dict)]  # those in git
    results = {path for out in outs for path in out if path != paths.VERSIONS} | {"dvc.lock"}
    code = [path.read_text(encoding="utf-8").splitlines() for path in sorted(folder.rglob("*.py"))]
    engine_files = [*(ROOT / "template/bake").glob("*.py"), *(ROOT / "hooks").glob("*.py")]
    engine = [path.read_text(encoding="utf-8").splitlines() for path in engine_files]
    blank = sum(not line.strip() or line.strip().startswith("#") for lines in code for line in lines)
    (wheel,) = (folder / "vendor").iterdir()
    return Size(
        files=len({*list_files(folder), *results, ".cruft.json", "data/source/own.csv"}),
        names=len({name.split("/")[0] for name in [*list_files(folder), *results] if not name.startswith(".")}),
        lines=sum(map(len, code)),
        code=sum(map(len, code)) - blank,
        wheel=wheel.stat().st_size / 10**6,
        engine_lines=sum(map(len, engine)),
        engine_code=sum(bool(line.strip()) for lines in engine for line in lines),
    )
