"""What the holdout looks like: curves, and where a decision costs what.

Curves are points for DVC's plots, at most POINTS of them, one meaning of the axes for every task; beside them
thresholds and confusion of classes, residuals of numbers.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.metrics import roc_curve

from plumbline.metrics import Outcome

POINTS = 200
BINS = 10
STEPS = 20
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
SIZES = 5  # parts of the holdout by the size of what was predicted


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


def errors(outcome: Outcome, weight: np.ndarray, costs: dict[str, float] | None) -> dict[str, Any]:
    """Of classes the confusion, rows of truth and columns of decisions, by weight; of two classes the thresholds too.

    thresholds: for each the share said positive, precision, recall, false positive rate and, where costs are stated,
    the mean cost of a row. Of a regression: quantiles of truth - prediction, and the mean absolute error by size.
    """
    if outcome.task == "regression":
        return _residuals(outcome, weight)
    size = len(outcome.classes)
    cells = np.bincount(outcome.truth * size + outcome.decided, weights=weight, minlength=size * size)
    confusion = {"classes": [str(name) for name in outcome.classes], "cells": cells.reshape(size, size).tolist()}
    if outcome.task != "binary":
        return {"confusion": confusion}
    return {"confusion": confusion, "thresholds": [_at(t / STEPS, outcome, weight, costs) for t in range(1, STEPS)]}


def _at(threshold: float, outcome: Outcome, weight: np.ndarray, costs: dict[str, float] | None) -> dict[str, Any]:
    said = outcome.scores[:, outcome.positive] >= threshold
    true = outcome.truth == outcome.positive
    hits, misses = weight[said & true].sum(), weight[~said & true].sum()
    false, right = weight[said & ~true].sum(), weight[~said & ~true].sum()
    row = {
        "threshold": threshold,
        "said": (hits + false) / weight.sum(),
        "precision": _share(hits, hits + false),
        "recall": _share(hits, hits + misses),
        "false_positive_rate": _share(false, false + right),
    }
    if costs:
        row["cost"] = float((false * costs["false_positive"] + misses * costs["false_negative"]) / weight.sum())
    return row


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _residuals(outcome: Outcome, weight: np.ndarray) -> dict[str, Any]:
    residual = outcome.truth - outcome.scores
    quantiles = np.quantile(residual, QUANTILES, weights=weight, method="inverted_cdf")
    edges = np.unique(np.quantile(outcome.scores, np.linspace(0, 1, SIZES + 1)))
    part = np.clip(np.searchsorted(edges, outcome.scores, side="right") - 1, 0, max(len(edges) - 2, 0))
    by_size = [
        {
            "predicted": [float(edges[i]), float(edges[min(i + 1, len(edges) - 1)])],
            "rows": int((part == i).sum()),
            "mean_absolute_error": float(np.average(np.abs(residual[part == i]), weights=weight[part == i])),
        }
        for i in np.unique(part)
        if weight[part == i].sum() > 0
    ]
    return {"residuals": dict(zip(map(str, QUANTILES), map(float, quantiles), strict=True)), "by_size": by_size}
