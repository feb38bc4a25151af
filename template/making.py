"""What it takes to make a project and to get to the metrics of one's own table, and how large a project is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from template.bake.answers import stated
from template.bake.files import lay_down, listed
from template.tables import large

ROOT = Path(__file__).parents[1]
ROWS, COLUMNS = 1500, 8


def seconds(command: list[str | Path], folder: Path, **changes: str) -> float:
    """Wall time; of a session as a user has it: no .venv is active."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    start = perf_counter()
    ran = subprocess.run(command, cwd=folder, env=kept | changes, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        sys.exit(f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return perf_counter() - start


def from_nothing(folder: Path, n: int, said: Callable[[str], None]) -> dict[str, float]:
    """Medians in seconds of n runs, each with an empty package cache: making, `make repro`, `make test`.

    again: making with cookiecutter at hand.
    """
    subprocess.run(["git", "clone", "-q", "--bare", ROOT, folder / "repo.git"], check=True)
    large.write(folder / "own.csv", ROWS, COLUMNS)
    taken: dict[str, list[float]] = {"making": [], "again": [], "repro": [], "test": []}
    uv = Path(sys.executable).with_name("uv")
    for _ in range(n):
        cache = {"UV_CACHE_DIR": str(folder / "cache"), "PIP_NO_CACHE_DIR": "1", "PYTHON": "python3"}
        make: list[str | Path] = [
            uv,
            "tool",
            "run",
            "--quiet",
            "cookiecutter",
            "--no-input",
            f"file://{folder}/repo.git",
        ]
        answers = ["data=own.csv", "target=answer"]
        taken["making"].append(seconds([*make, *answers], folder, **cache))
        taken["again"].append(seconds([*make, *answers, "project_name=Again"], folder, **cache))
        for verb in ("repro", "test"):
            taken[verb].append(seconds(["make", verb], folder / "my-project", **cache))
        said(", ".join(f"{name} {values[-1]:.1f} s" for name, values in taken.items()))
        for name in ("cache", "my-project", "again"):
            shutil.rmtree(folder / name)
    return {name: median(values) for name, values in taken.items()}


def size(folder: Path) -> dict[str, int]:
    """Of a project with the sample: tracked files, names at its top, lines of Python; lines of what makes it."""
    answers = stated({"project_name": "x", "description": "d", "license": "MIT", "python_version": "3.13"})
    lay_down(ROOT, folder, answers)
    code = [path.read_text(encoding="utf-8").splitlines() for path in sorted(folder.rglob("*.py"))]
    engine = [*(ROOT / "template/bake").glob("*.py"), *(ROOT / "hooks").glob("*.py")]
    texts = [path.read_text(encoding="utf-8").splitlines() for path in engine]
    blank = sum(not line.strip() or line.strip().startswith("#") for lines in code for line in lines)
    return {
        "files": len(listed(folder)) + 1,  # and .cruft.json
        "names": sum(not path.name.startswith(".") for path in folder.iterdir()) + 3,  # dvc.lock, metrics, dist
        "lines": sum(map(len, code)),
        "code": sum(map(len, code)) - blank,
        "engine": sum(map(len, texts)),
        "engine_code": sum(bool(line.strip()) for lines in texts for line in lines),
    }
