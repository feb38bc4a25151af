"""The package in an empty environment with nothing of this project there: the same predictions, by its own command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from src import names
from tests.conftest import Project, environment, make_table

pytestmark = pytest.mark.slow
BIN = "Scripts" if os.name == "nt" else "bin"


def run(folder: Path, *command: str | Path) -> str:
    clean = {key: value for key, value in environment().items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run(command, cwd=folder, env=clean, capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, f"{command}: {ran.stdout[-1500:]}{ran.stderr[-1500:]}"
    return ran.stdout


def test_the_installed_package_repeats_evaluate_on_every_raw_holdout_row(project: Project, tmp_path: Path) -> None:
    table = make_table()
    project.table(table)
    project.run()
    wheel = next(Path(names.DIST).resolve().glob("*.whl"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(elsewhere, sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, "env")
    python = elsewhere / "env" / BIN / "python"
    run(elsewhere, sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, wheel)
    name = wheel.name.split("-")[0].replace("_", "-")
    command = elsewhere / "env" / BIN / name

    assert "golden rows give their golden answers" in run(elsewhere, command, "check")
    assert json.loads(run(elsewhere, command, "info"))["task"] == "binary"
    expected = pd.read_parquet(names.PREDICTIONS)
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
