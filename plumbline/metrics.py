"""Metrics of weighted rows under scikit-learn's names, each for many weightings of the same rows at once.

A metric is a basis and a formula. The basis (losses, ranks, the confusion matrix) prepares once what does not depend on
the weights; the formula turns it into values for a matrix of weights, shape (draws, rows). Values equal those of
scikit-learn with sample_weight. Where a class that a metric needs has no weight, scikit-learn warns and returns 0; here
the value is NaN.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from scipy import sparse

from plumbline.errors import ParamsError
from plumbline.outcome import Outcome, losses
from plumbline.params import suggest

Weighting = Callable[[np.ndarray], tuple[Any, ...]]  # weights (draws, rows) -> arguments of formulas, draws first
Measure = Callable[[np.ndarray], dict[str, np.ndarray]]  # weights (draws, rows) -> the values (draws,) of each metric
Basis = Callable[[Outcome], Weighting]
Formula = Callable[..., np.ndarray]
AUTO = {
    "binary": (
        "log_loss",
        "roc_auc",
        "average_precision",
        "brier_score",
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
    ),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("mean_absolute_error", "root_mean_squared_error", "r2"),
}


def lower_is_better(name: str) -> bool:
    """Return whether a smaller value of this metric is better; a user's own metric is judged by its name, too.

    Examples
    --------
    >>> lower_is_better("log_loss"), lower_is_better("roc_auc")
    (True, False)
    """
    return name.endswith(("loss", "error", "deviance", "brier_score"))


def main_metric(metric: str, task: str) -> str:
    """Return the metric that a model is fitted for, and that a review decides by.

    Parameters
    ----------
    metric : str
        review.metric; `auto`, or a metric of another task, means the first of the task's metrics.
    task : str

    Examples
    --------
    >>> main_metric("auto", "regression")
    'mean_absolute_error'
    """
    return metric if metric in AUTO[task] else AUTO[task][0]


def resolve_metrics(names: Iterable[str] | Literal["auto"], task: str) -> tuple[str, ...]:
    """Return the names of the metrics for a task; the first of them decides comparisons.

    Parameters
    ----------
    names : list of str, or "auto"
        evaluate.metrics: names of `AUTO`, or dotted names of functions.
    task : str

    Raises
    ------
    ParamsError
        Where the task has no metric of this name.
    """
    if isinstance(names, str):
        return AUTO[task]
    for name in names:
        if "." not in name and name not in AUTO[task]:
            raise ParamsError(
                f"params.yaml: evaluate.metrics has {name!r}, expected of a {task} task: "
                f"{', '.join(AUTO[task])}, or a dotted name",
                hint=suggest(name, AUTO[task]) or "Remove it",
            )
    return tuple(names)


def prepare(names: Iterable[str], outcome: Outcome) -> Measure:
    """Prepare metrics of some rows, so that their values can be computed for many weightings.

    Parameters
    ----------
    names : iterable of str
        Names of metrics, as `resolve_metrics` returns them.
    outcome : Outcome

    Returns
    -------
    callable
        Takes weights, shape (draws, rows), and returns the values of each metric by its name, shape (draws,).

    Raises
    ------
    ParamsError
        Where a function of the user's cannot be imported, does not take sample_weight, or raises an error.

    Examples
    --------
    >>> outcome = Outcome("regression", np.array([1.0, 2.0]), np.array([1.0, 4.0]), np.array([1.0, 4.0]))
    >>> prepare(["mean_absolute_error"], outcome)(np.ones((1, 2)))
    {'mean_absolute_error': array([1.])}
    """
    plan = {name: _user_metric(name) if "." in name else _METRICS[name] for name in names}
    functions = {basis: basis(outcome) for basis, _ in plan.values()}

    def values(weights: np.ndarray) -> dict[str, np.ndarray]:
        arguments = {basis: function(weights) for basis, function in functions.items()}
        return {name: formula(*arguments[basis]) for name, (basis, formula) in plan.items()}

    return values


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return ratio


def _mean(row_values: Callable[[Outcome], np.ndarray]) -> Basis:
    """Return the basis for the weighted mean of a value of each row."""

    def basis(outcome: Outcome) -> Weighting:
        values = row_values(outcome)
        return lambda weights: (_ratio(weights @ values, weights.sum(axis=1)),)

    return basis


def _loss(outcome: Outcome) -> np.ndarray:
    return losses(outcome.task, outcome.truth, outcome.scores)


def _ranks(outcome: Outcome) -> Weighting:
    """Cumulate the weight of positives and of negatives down to each distinct score, after a column of zeros."""
    score = outcome.scores[:, outcome.positive]
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))
    truth = (outcome.truth == outcome.positive)[order]
    sides = [(order[side], np.r_[0, np.cumsum(side)[ends]]) for side in (truth, ~truth)]

    def cumulate(weights: np.ndarray) -> tuple[np.ndarray, ...]:
        sums = (np.cumsum(np.take(weights, rows, axis=1), axis=1) for rows, _ in sides)
        padded_sums = (np.pad(side_sums, ((0, 0), (1, 0))) for side_sums in sums)
        return tuple(
            np.take(side_sums, stops, axis=1) for side_sums, (_, stops) in zip(padded_sums, sides, strict=True)
        )

    return cumulate


def _roc_auc(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    return _ratio(np.trapezoid(true, false, axis=1), true[:, -1] * false[:, -1])


def _average_precision(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    precision = true / np.maximum(true + false, np.finfo(float).tiny)
    return _ratio(np.einsum("ij,ij->i", np.diff(true, axis=1), precision[:, 1:]), true[:, -1])


def _confusion(outcome: Outcome) -> Weighting:
    """Return the confusion matrix, shape (draws, truth, prediction), and the position of the positive class."""
    size, rows = len(outcome.classes), len(outcome.truth)
    cell = outcome.truth * size + outcome.predictions
    cell_of_row = sparse.csr_array((np.ones(rows), (cell, np.arange(rows))), shape=(size * size, rows))
    return lambda weights: ((cell_of_row @ weights.T).T.reshape(-1, size, size), outcome.positive)


def _diagonal(cells: np.ndarray) -> np.ndarray:
    return np.diagonal(cells, axis1=1, axis2=2)


def _f1s(cells: np.ndarray) -> np.ndarray:
    return _ratio(2 * _diagonal(cells), cells.sum(axis=1) + cells.sum(axis=2))


def _nan_mean(values: np.ndarray) -> np.ndarray:
    return _ratio(np.nansum(values, axis=1), np.sum(~np.isnan(values), axis=1))


def _squares(outcome: Outcome) -> Weighting:
    """Return the sums of squares of the residuals and of the truth around its mean."""
    residual = outcome.truth - outcome.scores
    truth = outcome.truth - np.median(outcome.truth)  # centred: squares of large values would lose the small ones

    def sums(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        squares = weights @ truth**2
        total = squares - _ratio((weights @ truth) ** 2, weights.sum(axis=1))
        return weights @ residual**2, np.where(total > 1e-12 * squares, total, 0)

    return sums


def _identity(value: np.ndarray) -> np.ndarray:
    return value


def _recall(cells: np.ndarray, p: int) -> np.ndarray:
    return _ratio(cells[:, p, p], cells[:, p].sum(axis=1))


_METRICS: dict[str, tuple[Basis, Formula]] = {
    "log_loss": (_mean(_loss), _identity),
    "brier_score": (_mean(lambda o: (o.scores[:, o.positive] - (o.truth == o.positive)) ** 2), _identity),
    "roc_auc": (_ranks, _roc_auc),
    "average_precision": (_ranks, _average_precision),
    "accuracy": (_confusion, lambda cells, _: _ratio(_diagonal(cells).sum(axis=1), cells.sum(axis=(1, 2)))),
    "balanced_accuracy": (_confusion, lambda cells, _: _nan_mean(_ratio(_diagonal(cells), cells.sum(axis=2)))),
    "precision": (_confusion, lambda cells, p: np.nan_to_num(_ratio(cells[:, p, p], cells[:, :, p].sum(axis=1)))),
    "recall": (_confusion, _recall),
    "f1": (_confusion, lambda cells, p: _f1s(cells)[:, p]),
    "f1_macro": (_confusion, lambda cells, _: _nan_mean(_f1s(cells))),
    "selection_rate": (_confusion, lambda cells, p: _ratio(cells[:, :, p].sum(axis=1), cells.sum(axis=(1, 2)))),
    "true_positive_rate": (_confusion, _recall),
    "false_positive_rate": (_confusion, lambda cells, p: _ratio(cells[:, 1 - p, p], cells[:, 1 - p].sum(axis=1))),
    "mean_error": (_mean(lambda o: o.scores - o.truth), _identity),
    "mean_absolute_error": (_mean(_loss), _identity),
    "root_mean_squared_error": (_mean(lambda o: (o.truth - o.scores) ** 2), np.sqrt),
    "r2": (_squares, lambda residual, total: 1 - _ratio(residual, total)),
}


def _user_metric(name: str) -> tuple[Basis, Formula]:
    """Wrap f(y_true, y_pred or y_score or y_prob..., sample_weight=...), of the user's or of scikit-learn's.

    Of a binary task it gets 1 for the positive class and 0 for the other, of several classes the classes' values.
    """
    function, second_argument = _import_metric(name)

    def basis(outcome: Outcome) -> Weighting:
        truth, output = _translate_outcome(outcome, second_argument.startswith(("y_score", "y_prob")))

        def value(weights: np.ndarray) -> float:
            if not weights.any():  # a draw without a row of this slice
                return float("nan")
            try:
                return float(function(truth, output, sample_weight=weights))
            except ValueError as error:
                if len(np.unique(outcome.truth)) < len(outcome.classes):  # a slice: many metrics need every class
                    return float("nan")
                message = f"params.yaml: evaluate.metrics has {name!r}, which raised: {error}"
                raise ParamsError(message, hint="Fix the function, or remove the name") from error

        return lambda weights: (np.array([value(row) for row in weights]),)

    return basis, _identity


def _translate_outcome(outcome: Outcome, is_scored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return truth, and predictions or scores, as scikit-learn's metrics take them."""
    truth, output = outcome.truth, outcome.predictions
    if outcome.task == "binary":
        truth, output = (truth == outcome.positive).astype(int), (output == outcome.positive).astype(int)
    elif outcome.task == "multiclass":
        truth, output = (np.array(outcome.classes)[codes] for codes in (truth, output))
    if is_scored and outcome.task != "regression":
        output = outcome.scores[:, outcome.positive] if outcome.task == "binary" else outcome.scores
    return truth, output


def _import_metric(name: str) -> tuple[Callable[..., Any], str]:
    """Return the function and the name of its second argument, which says if it takes predictions or scores."""
    module, _, attribute = name.rpartition(".")
    place = f"params.yaml: evaluate.metrics has {name!r}, which"
    try:
        function = getattr(importlib.import_module(module), attribute)
        arguments = list(inspect.signature(function).parameters)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ParamsError(f"{place} cannot be imported ({error})", hint="Fix the name, or remove it") from None
    if "sample_weight" not in arguments[2:]:
        raise ParamsError(
            f"{place} takes no sample_weight; expected (y_true, y_pred, sample_weight)",
            hint="Add the argument to the function, or remove the name",
        )
    return function, arguments[1]
