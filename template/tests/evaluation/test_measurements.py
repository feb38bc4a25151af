"""The files in metrics/ have these keys, what is written is read back, and DVC plots the curves."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline import paths
from plumbline.bootstrap import Bootstrap, Estimate
from plumbline.evaluation.curves import calibration_curve, ranking_curve
from plumbline.evaluation.error_analysis import analyse_errors
from plumbline.evaluation.fairness import Fairness, measure_fairness
from plumbline.evaluation.importance import Explanations, FeatureImportance
from plumbline.evaluation.measurements import Measurements
from plumbline.evaluation.performance import Facts, Performance
from plumbline.evaluation.slices import SMALL, Slice, SliceMetrics, read_slices
from plumbline.evaluation.weak_slices import WeakSlice
from plumbline.outcome import Outcome
from plumbline.testing.projects import ROOT

THIRD = Estimate(1 / 3, float("nan"), 2 / 3)
BINARY = Outcome("binary", np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 1]), 1, ("no", "yes"))
MULTICLASS = Outcome(
    "multiclass", np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]]), np.array([0, 2]), 1, ("a", "b", "c")
)
VALUES = np.array([1.0, 2.0])
REGRESSION = Outcome("regression", VALUES, VALUES + 0.1, VALUES + 0.1)
SLICE = {"column", "level", "rows", "small", "log_loss"}
KEYS = {
    paths.METRICS: {"task", "estimator", "rows_train", "rows_holdout", "positive", "threshold", "log_loss"},
    paths.LINEAR: {"log_loss"},
    paths.TRIVIAL: {"log_loss"},
    paths.INTERVALS: {"log_loss", "log_loss.model", "log_loss.linear", "log_loss.trivial"},
    paths.SLICES: {"slices", "weak_slices", "fairness", "fairness.groups", "fairness.gaps"}
    | {f"slices.{name}" for name in SLICE}
    | {f"weak_slices.{name}" for name in ("conditions", "rows", "loss", "loss_elsewhere", "p_value")}
    | {f"fairness.groups.{name}" for name in SLICE}
    | {f"fairness.gaps.{name}" for name in ("column", "measure", "levels", "gap")},
    paths.CURVES: {"ranking", "ranking.tolerated_error", "ranking.hit_rate"}
    | {"calibration", "calibration.mean_prediction", "calibration.mean_observation"},
    paths.DIAGNOSTICS: {"errors", "errors.confusion", "errors.confusion.classes", "errors.confusion.cells"}
    | {"errors.thresholds"}
    | {
        f"errors.thresholds.{name}"
        for name in ("threshold", "selection_rate", "precision", "recall", "false_positive_rate", "cost")
    }
    | {"explanations", "explanations.partial_dependence", "explanations.partial_dependence.x"}
    | {f"explanations.{name}" for name in ("features", "random_column", "output")}
    | {f"explanations.features.{name}" for name in ("features", "loss_increase")},
}


def make_measurements(outcome: Outcome) -> Measurements:
    is_binary = outcome.task == "binary"
    facts = Facts(outcome.task, "Estimator", 3, 2, positive="yes" if is_binary else None, threshold=0.5)
    groups = [
        (Slice("origin", level, np.arange(SMALL)), Bootstrap({"log_loss": value}, {"log_loss": np.full(4, value)}))
        for level, value in (("a", 0.1), ("b", 0.2))
    ]
    weight = np.ones(2)
    return Measurements(
        Performance(facts, {name: {"log_loss": THIRD} for name in ("model", "linear", "trivial")}),
        [SliceMetrics("colour", "red", 9, True, {"log_loss": THIRD})],
        [WeakSlice("x < 1", 20, THIRD, 0.25, 0.01)],
        measure_fairness(groups),
        ranking_curve(outcome, weight),
        calibration_curve(outcome, weight),
        analyse_errors(outcome, weight, {"false_positive": 1.0, "false_negative": 2.0}),
        Explanations([FeatureImportance(["x"], THIRD)], 0.1, "probability of yes", {"x": [(0.0, 1.0)]}),
    )


def list_keys(content: Any, prefix: str = "") -> Iterator[str]:
    """Every key of maps in a file, with the keys above it."""
    if isinstance(content, list):
        for entry in content:
            yield from list_keys(entry, prefix)
    elif isinstance(content, dict):
        for key, entry in content.items():
            yield prefix + key
            yield from list_keys(entry, f"{prefix}{key}.")


def test_each_file_has_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_measurements(BINARY).write()
    files = {path.as_posix(): json.loads(path.read_text()) for path in Path("metrics").iterdir()}
    assert {name: set(list_keys(content)) for name, content in files.items()} == KEYS
    assert '  {"tolerated_error": 0.0, "hit_rate": 0.0},' in Path(paths.CURVES).read_text().splitlines()
    errors = make_measurements(REGRESSION).files()[paths.DIAGNOSTICS]["errors"]
    assert set(errors) == {"residuals", "by_prediction"}
    assert set(errors["by_prediction"][0]) == {"prediction_range", "rows", "mean_absolute_error"}


def test_what_is_written_is_read_back_with_six_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    measurements = make_measurements(BINARY)
    measurements.write()
    short = measurements.round()
    assert short.slices[0].metrics["log_loss"].value == 0.333333
    for copy, value in (
        (Performance.read(), short.performance),
        (read_slices(), short.slices),
        (Fairness.read(), short.fairness),
    ):
        assert repr(copy) == repr(value)  # NaN is not equal to itself


@pytest.mark.parametrize("outcome", [BINARY, MULTICLASS, REGRESSION], ids=lambda outcome: outcome.task)
def test_dvc_plots_show_has_every_point_of_both_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    monkeypatch.chdir(tmp_path)
    measurements = make_measurements(outcome)
    measurements.write()
    shutil.copyfile(ROOT / "dvc.yaml", "dvc.yaml")
    shutil.copyfile(ROOT / paths.PARAMS, paths.PARAMS)
    subprocess.run(["git", "init", "-q"], check=True)
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q"], check=True)
    process = subprocess.run([*dvc, "plots", "show", "--json"], capture_output=True, encoding="utf-8", check=True)
    plots = json.loads(process.stdout)["data"]
    assert set(plots) == {"ranking", "calibration"}
    short = measurements.round()
    for name, points in (("ranking", short.ranking), ("calibration", short.calibration)):
        (plot,) = plots[name]
        x, y = (plot["content"]["encoding"][axis]["field"] for axis in "xy")
        # A row of a shorter curve than its file's longest has none of its fields, and Vega draws nothing for it
        rows = [row for row in plot["content"]["data"]["values"] if x in row]
        assert [(row[x], row[y]) for row in rows] == [(point["x"], point["y"]) for point in points]
