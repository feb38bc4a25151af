"""Metrics of weighted rows, in scikit-learn's names, over many bootstrap draws at once, and the intervals they give.

A draw is a row of weights, so one bootstrap is shared by all metrics and all models: differences between models are
paired. A metric prepares what does not depend on the weights once (losses, orders, cells) and is then evaluated on a
matrix of weights, shape (draws, rows). Values equal scikit-learn's with sample_weight; where a class that a metric
needs has no weight, and scikit-learn warns and says 0, the value is NaN.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from src.predictor.refusal import Refusal

Weighted = Callable[[np.ndarray], np.ndarray]  # weights (draws, rows) -> values (draws,)
AUTO = {
    "binary": ("log_loss", "roc_auc", "average_precision", "brier_score", "accuracy", "balanced_accuracy", "precision",
               "recall", "f1"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("mean_absolute_error", "root_mean_squared_error", "r2"),
}  # fmt: skip
CELLS_IN_CHUNK = 4_000_000
LEVEL = 0.95


@dataclass(frozen=True)
class Outcome:
    """Truth and prediction of the same rows.

    truth, decided: positions in classes, or values, shape (rows,); scores: probabilities, shape (rows, classes), or
    values; positive: the positive class's position in a binary task.
    """

    task: str
    truth: np.ndarray
    scores: np.ndarray
    decided: np.ndarray
    positive: int = 1
    classes: tuple[Any, ...] = ()

    def part(self, rows: np.ndarray) -> "Outcome":
        return Outcome(self.task, self.truth[rows], self.scores[rows], self.decided[rows], self.positive, self.classes)


def lower_is_better(name: str) -> bool:
    """By the name, as scikit-learn's are; one's own metric of another name is better when it is greater."""
    return name.endswith(("loss", "error", "deviance", "brier_score"))


def resolve(wanted: Any, task: str) -> tuple[str, ...]:
    """The metrics' names for a task; raises Refusal for one that it does not have. The first decides comparisons."""
    names = AUTO[task] if wanted == "auto" else tuple(wanted)
    for name in names:
        if "." not in name and name not in AUTO[task]:
            raise Refusal(
                f"params.yaml: evaluate.metrics has {name!r}, expected of a {task} task: "
                f"{', '.join(AUTO[task])}, or a dotted name"
            )
    return names


def prepare(name: str, outcome: Outcome) -> Weighted:
    """The metric of this name for these rows, as a function of weights."""
    return _own(name, outcome) if "." in name else _MAKERS[name](outcome)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _mean(losses: np.ndarray) -> Weighted:
    return lambda weights: _ratio(weights @ losses, weights.sum(axis=1))


def _log_loss(outcome: Outcome) -> Weighted:
    probability = outcome.scores[np.arange(len(outcome.truth)), outcome.truth]
    return _mean(-np.log(np.clip(probability, np.finfo(float).eps, 1.0)))


def _brier(outcome: Outcome) -> Weighted:
    return _mean((outcome.scores[:, outcome.positive] - (outcome.truth == outcome.positive)) ** 2)


def _from_ranks(value: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[Outcome], Weighted]:
    """A metric of the ranking: value(positive, negative), the weight of each for each distinct score, highest first."""

    def maker(outcome: Outcome) -> Weighted:
        score = outcome.scores[:, outcome.positive]
        order = np.argsort(-score, kind="stable")
        starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
        truth = (outcome.truth == outcome.positive)[order]

        def weighted(weights: np.ndarray) -> np.ndarray:
            weights = weights[:, order]
            positive = np.add.reduceat(weights * truth, starts, axis=1)
            return value(positive, np.add.reduceat(weights * ~truth, starts, axis=1))

        return weighted

    return maker


def _roc_auc(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    total = negative.sum(axis=1)
    below = total[:, None] - negative.cumsum(axis=1)
    return _ratio((positive * (below + negative / 2)).sum(axis=1), positive.sum(axis=1) * total)


def _average_precision(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    hits = positive.cumsum(axis=1)
    precision = np.nan_to_num(_ratio(hits, hits + negative.cumsum(axis=1)))
    return _ratio((precision * positive).sum(axis=1), positive.sum(axis=1))


def _from_cells(value: Callable[[np.ndarray, int], np.ndarray]) -> Callable[[Outcome], Weighted]:
    """A metric of the confusion matrix: value(cells, positive), cells (draws, truth, decided)."""

    def maker(outcome: Outcome) -> Weighted:
        size, rows = len(outcome.classes), len(outcome.truth)
        cell = outcome.truth * size + outcome.decided
        which = sparse.csr_array((np.ones(rows), (cell, np.arange(rows))), shape=(size * size, rows))
        return lambda weights: value((which @ weights.T).T.reshape(-1, size, size), outcome.positive)

    return maker


def _hits(cells: np.ndarray) -> np.ndarray:
    return np.diagonal(cells, axis1=1, axis2=2)


def _f1s(cells: np.ndarray) -> np.ndarray:
    return _ratio(2 * _hits(cells), cells.sum(axis=1) + cells.sum(axis=2))


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    return _ratio(np.nansum(values, axis=1), np.sum(~np.isnan(values), axis=1))


def _r2(outcome: Outcome) -> Weighted:
    residual = outcome.truth - outcome.scores
    truth = outcome.truth - np.median(outcome.truth)  # centred: squares of large values would lose the small ones

    def value(weights: np.ndarray) -> np.ndarray:
        squares = weights @ truth**2
        spread = squares - _ratio((weights @ truth) ** 2, weights.sum(axis=1))
        return 1 - _ratio(weights @ residual**2, np.where(spread > 1e-12 * squares, spread, 0))

    return value


def _rmse(outcome: Outcome) -> Weighted:
    mean = _mean((outcome.truth - outcome.scores) ** 2)
    return lambda weights: np.sqrt(mean(weights))


_MAKERS: dict[str, Callable[[Outcome], Weighted]] = {
    "log_loss": _log_loss,
    "brier_score": _brier,
    "roc_auc": _from_ranks(_roc_auc),
    "average_precision": _from_ranks(_average_precision),
    "accuracy": _from_cells(lambda cells, _: _ratio(_hits(cells).sum(axis=1), cells.sum(axis=(1, 2)))),
    "balanced_accuracy": _from_cells(lambda cells, _: _mean_of_known(_ratio(_hits(cells), cells.sum(axis=2)))),
    "precision": _from_cells(lambda cells, p: np.nan_to_num(_ratio(cells[:, p, p], cells[:, :, p].sum(axis=1)))),
    "recall": _from_cells(lambda cells, p: _ratio(cells[:, p, p], cells[:, p].sum(axis=1))),
    "f1": _from_cells(lambda cells, p: _f1s(cells)[:, p]),
    "f1_macro": _from_cells(lambda cells, _: _mean_of_known(_f1s(cells))),
    "mean_absolute_error": lambda o: _mean(np.abs(o.truth - o.scores)),
    "root_mean_squared_error": _rmse,
    "r2": _r2,
}


def _own(name: str, outcome: Outcome) -> Weighted:
    """A function of one's own or of scikit-learn: f(y_true, y_pred or y_score or y_prob..., sample_weight=...).

    Of a binary task it gets 1 for the positive class and 0 for the other, of several classes the classes' values.
    """
    function, second = _imported(name)
    truth, other = outcome.truth, outcome.decided
    if outcome.task == "binary":
        truth, other = (truth == outcome.positive).astype(int), (other == outcome.positive).astype(int)
    elif outcome.task == "multiclass":
        labels = np.array(outcome.classes)
        truth, other = labels[truth], labels[other]
    if outcome.task != "regression" and second.startswith(("y_score", "y_prob")):
        other = outcome.scores[:, outcome.positive] if outcome.task == "binary" else outcome.scores

    def value(weights: np.ndarray) -> float:
        try:
            return float(function(truth, other, sample_weight=weights))
        except ValueError as error:
            if len(np.unique(outcome.truth)) < len(outcome.classes):  # a slice: many metrics need every class
                return float("nan")
            raise Refusal(f"params.yaml: evaluate.metrics has {name!r}, which raised: {error}") from error

    return lambda weights: np.array([value(row) for row in weights])


def _imported(name: str) -> tuple[Callable[..., Any], str]:
    """The function, and the name of its second argument, which says what it wants."""
    module, _, attribute = name.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), attribute)
        arguments = list(inspect.signature(function).parameters)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise Refusal(f"params.yaml: evaluate.metrics has {name!r}, which cannot be imported ({error})") from None
    if "sample_weight" not in arguments[2:]:
        raise Refusal(
            f"params.yaml: evaluate.metrics has {name!r}, which takes no sample_weight; "
            "expected (y_true, y_pred, sample_weight)"
        )
    return function, arguments[1]


def draws(rows: int, count: int, weight: np.ndarray | None, group: np.ndarray | None) -> Iterator[np.ndarray]:
    """Weights of `count` bootstrap draws (of rows, or of whole groups) in chunks, shape (draws, rows)."""
    random = np.random.default_rng(0)
    codes = np.arange(rows) if group is None else np.unique(group, return_inverse=True)[1]
    size = int(codes.max()) + 1
    step = max(1, CELLS_IN_CHUNK // rows)
    for start in range(0, count, step):
        drawn = [np.bincount(random.integers(size, size=size), minlength=size) for _ in range(min(step, count - start))]
        yield np.stack(drawn)[:, codes] * (1.0 if weight is None else weight)


def measure(
    parts: dict[Any, tuple[np.ndarray | None, dict[str, Weighted]]], chunks: Iterable[np.ndarray]
) -> dict[Any, dict[str, np.ndarray]]:
    """Values of prepared metrics over all draws: {part: {name: values (draws,)}}; a part is (rows or None, metrics)."""
    found: dict[Any, dict[str, list[np.ndarray]]] = {
        part: {name: [] for name in metrics} for part, (_, metrics) in parts.items()
    }
    for chunk in chunks:
        for part, (rows, metrics) in parts.items():
            weights = chunk if rows is None else chunk[:, rows]
            for name, value in metrics.items():
                found[part][name].append(value(weights))
    return {part: {name: np.concatenate(values) for name, values in metrics.items()} for part, metrics in found.items()}


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval; NaN where fewer than half of the draws have a value (a class missing in them)."""
    known = values[~np.isnan(values)]
    if len(known) * 2 < len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
