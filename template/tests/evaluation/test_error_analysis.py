"""Thresholds, confusion and residuals are what counting gives, by weight."""

import numpy as np
import pytest

from plumbline.evaluation.curves import errors
from plumbline.metrics import Outcome

SCORE = np.array([0.9, 0.6, 0.4, 0.2])
BINARY = Outcome("binary", np.array([1, 0, 1, 0]), np.c_[1 - SCORE, SCORE], np.array([1, 1, 0, 0]), 1, ("no", "yes"))
WEIGHT = np.array([1.0, 2.0, 1.0, 1.0])


def test_each_threshold_counts_what_it_says_and_what_it_costs() -> None:
    found = errors(BINARY, WEIGHT, {"false_positive": 1, "false_negative": 10})
    assert found["confusion"] == {"classes": ["no", "yes"], "cells": [[1, 2], [1, 1]]}
    at = {row["threshold"]: row for row in found["thresholds"]}
    expected = {
        "threshold": 0.5,
        "said": 0.6,
        "precision": 1 / 3,
        "recall": 0.5,
        "false_positive_rate": 2 / 3,
        "cost": 2.4,
    }
    assert at[0.5] == pytest.approx(expected)
    assert at[0.95]["precision"] is None
    assert "cost" not in errors(BINARY, WEIGHT, None)["thresholds"][0]


def test_residuals_are_quantiles_by_weight_and_errors_by_size() -> None:
    truth = np.arange(10.0)
    outcome = Outcome("regression", truth, truth + np.where(truth < 5, 1.0, -3.0), truth)
    found = errors(outcome, np.ones(10), None)
    assert (found["residuals"]["0.0"], found["residuals"]["0.5"], found["residuals"]["1.0"]) == (-1, -1, 3)
    assert sum(part["rows"] for part in found["by_size"]) == 10
    assert errors(outcome, np.where(truth < 5, 0.0, 1.0), None)["residuals"]["0.0"] == 3
