"""Curves of the holdout, as points for plots; the axes have one meaning for each task."""

from collections.abc import Iterable, Sequence
from typing import TypedDict

import numpy as np
from sklearn.metrics import roc_curve

from plumbline.outcome import Outcome

MAX_POINTS = 200
BINS = 10
# Names of x and y in metrics/curves.json. All differ: DVC joins the curves of a file and finds them by these names.
RANKING_FIELDS = ("tolerated_error", "hit_rate")
CALIBRATION_FIELDS = ("mean_prediction", "mean_observation")


class Point(TypedDict):
    """A point of a curve."""

    x: float
    y: float


def ranking_curve(outcome: Outcome, weight: np.ndarray) -> list[Point]:
    """Return the ROC curve, or of a regression the regression error characteristic curve.

    Parameters
    ----------
    outcome : Outcome
    weight : array, shape (rows,)

    Returns
    -------
    list of Point
        At most `MAX_POINTS`. x: the false positive rate, or the tolerated absolute error as a share of the target's
        range; y: the true positive rate, or the share of rows within the tolerance. Of several classes each pair of a
        row and a class counts (the micro-average).

    References
    ----------
    Bi and Bennett (2003). Regression error characteristic curves. ICML.
    """
    if outcome.task == "regression":
        extent = float(np.ptp(outcome.truth)) or 1.0
        tolerances = np.linspace(0, 1, MAX_POINTS // 2)
        errors = np.abs(outcome.truth - outcome.scores) / extent
        return _points(tolerances, [np.average(errors <= tolerance, weights=weight) for tolerance in tolerances])
    truth, score = outcome.truth == outcome.positive, outcome.scores[:, outcome.positive]
    if outcome.task == "multiclass":
        classes = np.arange(len(outcome.classes))
        truth, score = (outcome.truth[:, None] == classes).ravel(), outcome.scores.ravel()
        weight = weight.repeat(len(classes))
    false_rate, true_rate, _ = roc_curve(truth, score, sample_weight=weight)
    places = np.unique(np.linspace(0, len(false_rate) - 1, MAX_POINTS).astype(int))
    return _points(false_rate[places], true_rate[places])


def calibration_curve(outcome: Outcome, weight: np.ndarray) -> list[Point]:
    """Return mean prediction and mean observation in bins of equally many rows.

    Parameters
    ----------
    outcome : Outcome
    weight : array, shape (rows,)

    Returns
    -------
    list of Point
        At most `BINS`. x and y of a binary task: the probability and the share of the positive class; of several
        classes: the probability of the most likely class and the accuracy; of a regression: prediction and truth.
    """
    prediction, observation = outcome.scores, outcome.truth
    if outcome.task == "binary":
        prediction, observation = outcome.scores[:, outcome.positive], outcome.truth == outcome.positive
    elif outcome.task == "multiclass":
        prediction, observation = outcome.scores.max(axis=1), outcome.truth == outcome.predictions
    order = np.argsort(prediction, kind="stable")
    bins = [rows for rows in np.array_split(order, BINS) if weight[rows].sum() > 0]
    x, y = ([np.average(values[rows], weights=weight[rows]) for rows in bins] for values in (prediction, observation))
    return _points(x, y)


def encode_curve(points: Sequence[Point], fields: tuple[str, str]) -> list[dict[str, float]]:
    """Return the wire form of a curve: x and y under the names that dvc.yaml plots.

    Examples
    --------
    >>> encode_curve([{"x": 0.0, "y": 0.5}], RANKING_FIELDS)
    [{'tolerated_error': 0.0, 'hit_rate': 0.5}]
    """
    x, y = fields
    return [{x: point["x"], y: point["y"]} for point in points]


def _points(x: Iterable[float], y: Iterable[float]) -> list[Point]:
    return [{"x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)]
