"""Errors on the holdout: confusion matrix and thresholds of classes, residuals of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.outcome import Outcome

STEPS = 20  # thresholds are multiples of 1 / STEPS
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
BINS = 5  # of the predicted value


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix.

    Attributes
    ----------
    classes : sequence of str
    cells : sequence of sequence of float, shape (classes, classes)
        Sums of weights; rows: the true class, columns: the predicted class.
    """

    classes: Sequence[str]
    cells: Sequence[Sequence[float]]


@dataclass(frozen=True)
class ThresholdMetrics:
    """What a threshold on the positive class's probability gives; NaN where a rate has no rows, cost None if not set.

    Attributes
    ----------
    selection_rate : float
        The share of rows that are predicted positive.
    cost : float or None
        The mean cost of a row by requirements.costs.
    """

    threshold: float
    selection_rate: float
    precision: float
    recall: float
    false_positive_rate: float
    cost: float | None = None


@dataclass(frozen=True)
class ClassErrors:
    """The errors of a classification; thresholds are None for more than two classes."""

    confusion: Confusion
    thresholds: Sequence[ThresholdMetrics] | None = None


@dataclass(frozen=True)
class PredictionBin:
    """The mean absolute error of the rows whose predicted value is in a range."""

    prediction_range: tuple[float, float]
    rows: int
    mean_absolute_error: float


@dataclass(frozen=True)
class RegressionErrors:
    """The errors of a regression.

    Attributes
    ----------
    residuals : mapping of str to float
        Quantiles of truth - prediction, by their level.
    by_prediction : sequence of PredictionBin
    """

    residuals: Mapping[str, float]
    by_prediction: Sequence[PredictionBin]


def analyse_errors(
    outcome: Outcome, weight: np.ndarray, costs: Mapping[str, float] | None = None
) -> ClassErrors | RegressionErrors:
    """Return the confusion matrix and the metrics of thresholds, or of a regression the residuals.

    Parameters
    ----------
    outcome : Outcome
    weight : array, shape (rows,)
    costs : mapping, optional
        The costs of a false_positive and of a false_negative.
    """
    if outcome.task == "regression":
        return _analyse_residuals(outcome, weight)
    size = len(outcome.classes)
    cells = np.bincount(outcome.truth * size + outcome.predictions, weights=weight, minlength=size * size)
    confusion = Confusion([str(name) for name in outcome.classes], cells.reshape(size, size).tolist())
    if outcome.task != "binary":
        return ClassErrors(confusion)
    return ClassErrors(confusion, [_apply_threshold(t / STEPS, outcome, weight, costs) for t in range(1, STEPS)])


def _apply_threshold(
    threshold: float, outcome: Outcome, weight: np.ndarray, costs: Mapping[str, float] | None
) -> ThresholdMetrics:
    is_selected = outcome.scores[:, outcome.positive] >= threshold
    is_positive = outcome.truth == outcome.positive
    true_positive, false_negative = weight[is_selected & is_positive].sum(), weight[~is_selected & is_positive].sum()
    false_positive, true_negative = weight[is_selected & ~is_positive].sum(), weight[~is_selected & ~is_positive].sum()
    cost = None
    if costs:
        sum_of_costs = false_positive * costs["false_positive"] + false_negative * costs["false_negative"]
        cost = float(sum_of_costs / weight.sum())
    return ThresholdMetrics(
        threshold,
        float((true_positive + false_positive) / weight.sum()),
        precision=_share(true_positive, true_positive + false_positive),
        recall=_share(true_positive, true_positive + false_negative),
        false_positive_rate=_share(false_positive, false_positive + true_negative),
        cost=cost,
    )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _analyse_residuals(outcome: Outcome, weight: np.ndarray) -> RegressionErrors:
    residual = outcome.truth - outcome.scores
    quantiles = np.quantile(residual, QUANTILES, weights=weight, method="inverted_cdf")
    edges = np.unique(np.quantile(outcome.scores, np.linspace(0, 1, BINS + 1)))
    bin_of_row = np.clip(np.searchsorted(edges, outcome.scores, side="right") - 1, 0, max(len(edges) - 2, 0))
    bins = [
        PredictionBin(
            (float(edges[i]), float(edges[min(i + 1, len(edges) - 1)])),
            int((bin_of_row == i).sum()),
            float(np.average(np.abs(residual[bin_of_row == i]), weights=weight[bin_of_row == i])),
        )
        for i in np.unique(bin_of_row)
        if weight[bin_of_row == i].sum() > 0
    ]
    return RegressionErrors(dict(zip(map(str, QUANTILES), map(float, quantiles), strict=True)), bins)
