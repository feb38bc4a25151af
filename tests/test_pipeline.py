"""The whole pipeline on small tables: of each task in one process, and byte for byte under changed circumstances.

The promise of bytes: the same whatever the directory, hash seed, threads, time zone and locale.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import STAGES, Project, environment, make_table

RUN = "import importlib, sys; [importlib.import_module(f'src.stages.{name}').main() for name in sys.argv[1:]]"
HERE = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
THERE = {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
KINDS: dict[str, tuple[str, dict]] = {
    "words and gaps": ("binary", {}),
    "linear algebra": ("multiclass", {"estimator": "sklearn.linear_model.LogisticRegression"}),
    "many threads": ("regression", {"estimator": "sklearn.ensemble.RandomForestRegressor", "arguments": {"n_jobs": 4}}),
}


def read(path: str):
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_two_keys_give_a_package_that_beats_the_trivial_model(project: Project, task: str) -> None:
    project.table(make_table(task))
    project.run()
    model, trivial = read("metrics/metrics.json"), read("metrics/yardstick-trivial.json")
    first = next(iter(read("metrics/intervals.json")))
    assert model["task"] == task
    assert model[first] < trivial[first]
    assert len(list(Path("dist").glob("*.whl"))) == 1


def generate(folder: Path, task: str, model: dict) -> None:
    """A project in `folder`, on a generated table of this task."""
    folder.mkdir(parents=True)
    project = Project(folder)
    table = make_table(task)
    project.table(table.assign(note="a few words of text, not always the same " + table.colour))
    project.change(model=model, evaluate={"metrics": "auto"})


def run(folder: Path, stages: Sequence[str], changes: dict[str, str]) -> dict[str, str]:
    """The digest of every output of these stages, run in `folder` under a changed environment."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *stages], cwd=folder, env=environment(**changes), capture_output=True
    )
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    outputs = [path for top in ("data", "metrics", "dist") for path in (folder / top).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in outputs}


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_the_same_bytes_in_other_circumstances(tmp_path: Path, kind: str) -> None:
    here, there = tmp_path / "a", tmp_path / "deeper" / "with blanks and ümlauts"
    for folder in (here, there):
        generate(folder, *KINDS[kind])
    digests = run(here, STAGES, HERE)
    assert len(digests) > 15
    assert digests == run(there, STAGES, THERE)


def test_your_features_and_model_give_the_same_bytes_in_other_circumstances(sample: Path, tmp_path: Path) -> None:
    there = tmp_path / "deeper" / "with blanks and ümlauts"
    shutil.copytree(sample, there, symlinks=True)
    digests = run(sample, STAGES[1:], HERE)
    assert "data/model.skops" in digests
    assert digests == run(there, STAGES[1:], THERE)
