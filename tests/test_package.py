"""The package: it behaves as expectations/behaviour.yaml states, and predicts the same in an empty environment."""

import importlib
import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from plumbline import params, paths
from plumbline.data.schema import HOLDOUT, SIDE, Schema
from plumbline.evaluation.behaviour import broken, load
from plumbline.prediction.golden import check
from tests.conftest import ROOT, Project, environment, make_table

BIN = "Scripts" if os.name == "nt" else "bin"


def test_the_packaged_model_gives_its_golden_answers_and_behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    wheel = next(Path(paths.DIST).glob("*.whl"), None)
    if wheel is None or not all(Path(name).exists() for name in (paths.TABLE, paths.FEATURES, paths.SCHEMA)):
        pytest.skip("no package is there: make repro")
    package = wheel.name.split("-")[0]
    monkeypatch.syspath_prepend(str(wheel.resolve()))
    predictor = importlib.import_module(f"{package}.predictor.predictor").Predictor.load()
    golden = (resources.files(f"{package}.predictor") / "golden.jsonl").read_text(encoding="utf-8")
    assert check(predictor, golden) > 1
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        del sys.modules[module]  # monkeypatch would bring it back, and other tests make a package of this name
    schema = Schema.loads(Path(paths.SCHEMA).read_text(encoding="utf-8"))
    held = pc.equal(pq.read_table(paths.FEATURES, columns=[SIDE]).column(0), HOLDOUT)
    rows = pq.read_table(paths.TABLE, columns=[column.name for column in schema.inputs]).filter(held)
    for test in load(Path(paths.BEHAVIOUR), schema, params.read("data.source").source):
        bad, count = broken(test, predictor, rows)
        assert bad <= test.allowed * count, f"{test.name}: {bad} of {count} rows break it"


def run(folder: Path, *command: str | Path) -> str:
    clean = {key: value for key, value in environment().items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run(command, cwd=folder, env=clean, capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, f"{command}: {ran.stdout[-1500:]}{ran.stderr[-1500:]}"
    return ran.stdout


@pytest.mark.slow
def test_the_installed_package_repeats_evaluate_on_every_raw_holdout_row(project: Project, tmp_path: Path) -> None:
    table = make_table()
    project.table(table)
    project.run()
    wheel = next(Path(paths.DIST).resolve().glob("*.whl"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(elsewhere, sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, "env")
    python = elsewhere / "env" / BIN / "python"
    run(elsewhere, sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, wheel)
    name = wheel.name.split("-")[0].replace("_", "-")
    command = elsewhere / "env" / BIN / name

    assert "golden rows give their golden answers" in run(elsewhere, command, "check")
    assert json.loads(run(elsewhere, command, "info"))["task"] == "binary"
    expected = pd.read_parquet(paths.PREDICTIONS)
    raw = table[table.row_id.isin(expected.key)].drop(columns="target")
    raw.to_csv(elsewhere / "raw.csv", index=False)
    run(elsewhere, command, "predict", "raw.csv", "-o", "found.parquet")
    found = pd.read_parquet(elsewhere / "found.parquet").astype({"row_id": int}).set_index("row_id")
    pd.testing.assert_frame_equal(
        found.loc[expected.key, ["prediction", "probability_no", "probability_yes"]].reset_index(drop=True),
        expected[["prediction", "probability_no", "probability_yes"]],
        check_dtype=False,
        rtol=1e-9,
    )
