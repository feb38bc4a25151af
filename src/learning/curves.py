"""Curves of the holdout as points for DVC's plots, at most POINTS of them, one meaning of the axes for every task."""

from collections.abc import Iterable

import numpy as np
from sklearn.metrics import roc_curve

from src.learning.metrics import Outcome

POINTS = 200
BINS = 10


def ranking(outcome: Outcome, weight: np.ndarray) -> list[dict]:
    """How well rows are told apart: the ROC curve, or the share of rows within each error (regression).

    x: false positive rate, or the absolute error allowed as a share of the target's range; y: true positive rate, or
    the share of rows within it. Of several classes each pair of a row and a class counts (the micro-average).
    """
    if outcome.task == "regression":
        spread = float(np.ptp(outcome.truth)) or 1.0
        allowed = np.linspace(0, 1, POINTS // 2)
        errors = np.abs(outcome.truth - outcome.scores) / spread
        return _points(allowed, [np.average(errors <= most, weights=weight) for most in allowed])
    truth, score = outcome.truth == outcome.positive, outcome.scores[:, outcome.positive]
    if outcome.task == "multiclass":
        classes = np.arange(len(outcome.classes))
        truth, score = (outcome.truth[:, None] == classes).ravel(), outcome.scores.ravel()
        weight = weight.repeat(len(classes))
    false_rate, true_rate, _ = roc_curve(truth, score, sample_weight=weight)
    keep = np.unique(np.linspace(0, len(false_rate) - 1, POINTS).astype(int))
    return _points(false_rate[keep], true_rate[keep])


def calibration(outcome: Outcome, weight: np.ndarray) -> list[dict]:
    """x: what was predicted, y: what was observed, in up to BINS bins of equally many rows.

    Binary: probability and share of the positive class; several classes: probability of the likeliest class and share
    of right answers; regression: mean prediction and mean truth.
    """
    predicted, observed = outcome.scores, outcome.truth
    if outcome.task == "binary":
        predicted, observed = outcome.scores[:, outcome.positive], outcome.truth == outcome.positive
    elif outcome.task == "multiclass":
        predicted, observed = outcome.scores.max(axis=1), outcome.truth == outcome.decided
    order = np.argsort(predicted, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if weight[part].sum() > 0]
    x, y = ([np.average(values[part], weights=weight[part]) for part in bins] for values in (predicted, observed))
    return _points(x, y)


def _points(x: Iterable, y: Iterable) -> list[dict]:
    return [{"x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)]
