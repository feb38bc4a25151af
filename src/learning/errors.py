"""Where a decision costs what: thresholds and confusion of classes, residuals of numbers."""

from typing import Any

import numpy as np

from src.learning.metrics import Outcome

STEPS = 20
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
SIZES = 5  # parts of the holdout by the size of what was predicted


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
