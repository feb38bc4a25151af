"""The files in metrics/ have these keys, and what is written is read back."""

import json
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

THIRD = Estimate(1 / 3, float("nan"), 2 / 3)
BINARY = Outcome("binary", np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 1]), 1, ("no", "yes"))
VALUES = np.array([1.0, 2.0])
REGRESSION = Outcome("regression", VALUES, VALUES + 0.1, VALUES + 0.1)
SLICE = {"column", "level", "rows", "small", "log_loss"}
KEYS = {
    paths.METRICS: {"task", "estimator", "rows_train", "rows_holdout", "positive", "threshold", "log_loss"},
    paths.LINEAR: {"log_loss"},
    paths.TRIVIAL: {"log_loss"},
    paths.INTERVALS: {"log_loss", "log_loss.model", "log_loss.linear", "log_loss.trivial"},
    paths.SLICES: SLICE,
    paths.WEAK: {"conditions", "rows", "loss", "loss_elsewhere", "p_value"},
    paths.FAIRNESS: {"groups", "gaps"}
    | {f"groups.{name}" for name in SLICE}
    | {f"gaps.{name}" for name in ("column", "measure", "levels", "gap")},
    paths.RANKING: {"x", "y"},
    paths.CALIBRATION: {"x", "y"},
    paths.ERRORS: {"confusion", "confusion.classes", "confusion.cells", "thresholds"}
    | {
        f"thresholds.{name}"
        for name in ("threshold", "selection_rate", "precision", "recall", "false_positive_rate", "cost")
    },
    paths.IMPORTANCE: {"features", "random_column", "output", "partial_dependence", "partial_dependence.x"}
    | {"features.features", "features.loss_increase"},
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
    errors = make_measurements(REGRESSION).files()[paths.ERRORS]
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
