"""Thresholds, confusion and residuals are what counting gives, by weight."""

import numpy as np
import pytest

from plumbline.evaluation.error_analysis import ClassErrors, Confusion, RegressionErrors, analyse_errors
from plumbline.outcome import Outcome

SCORE = np.array([0.9, 0.6, 0.4, 0.2])
BINARY = Outcome("binary", np.array([1, 0, 1, 0]), np.c_[1 - SCORE, SCORE], np.array([1, 1, 0, 0]), 1, ("no", "yes"))
WEIGHT = np.array([1.0, 2.0, 1.0, 1.0])


def test_each_threshold_counts_what_it_says_and_what_it_costs() -> None:
    errors = analyse_errors(BINARY, WEIGHT, {"false_positive": 1, "false_negative": 10})
    assert isinstance(errors, ClassErrors) and errors.thresholds
    assert errors.confusion == Confusion(["no", "yes"], [[1, 2], [1, 1]])
    by_threshold = {row.threshold: row for row in errors.thresholds}
    expected = {
        "threshold": 0.5,
        "selection_rate": 0.6,
        "precision": 1 / 3,
        "recall": 0.5,
        "false_positive_rate": 2 / 3,
        "cost": 2.4,
    }
    assert vars(by_threshold[0.5]) == pytest.approx(expected)
    assert np.isnan(by_threshold[0.95].precision)
    without_costs = analyse_errors(BINARY, WEIGHT)
    assert isinstance(without_costs, ClassErrors) and without_costs.thresholds
    assert without_costs.thresholds[0].cost is None


def test_residuals_are_quantiles_by_weight_and_errors_by_size() -> None:
    truth = np.arange(10.0)
    outcome = Outcome("regression", truth, truth + np.where(truth < 5, 1.0, -3.0), truth)
    errors = analyse_errors(outcome, np.ones(10))
    assert isinstance(errors, RegressionErrors)
    assert [errors.residuals[level] for level in ("0.0", "0.5", "1.0")] == [-1, -1, 3]
    assert sum(part.rows for part in errors.by_prediction) == 10
    upper_half = analyse_errors(outcome, np.where(truth < 5, 0.0, 1.0))
    assert isinstance(upper_half, RegressionErrors)
    assert upper_half.residuals["0.0"] == 3
