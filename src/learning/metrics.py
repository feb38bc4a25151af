"""Metrics of weighted rows, in scikit-learn's names, over many bootstrap draws at once, and the intervals they give.

A draw is a row of weights, so one bootstrap is shared by all metrics and all models: differences between models are
paired. A metric prepares what does not depend on the weights once (losses, orders, cells) and is then evaluated on a
matrix of weights, shape (draws, rows). Values equal scikit-learn's with sample_weight; a test says so.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
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
    return name.endswith(("loss", "error", "brier_score"))


def resolve(wanted: Any, task: str) -> tuple[str, ...]:
    """The metrics' names for a task; raises Refusal for one that it does not have. The first decides comparisons."""
    if wanted == "auto":
        return AUTO[task]
    for name in wanted:
        if "." not in name and name not in AUTO[task]:
            raise Refusal(
                f"params.yaml: evaluate.metrics has {name!r}, expected of a {task} task: "
                f"{', '.join(AUTO[task])}, or a dotted name"
            )
    return tuple(wanted)


def prepare(name: str, outcome: Outcome) -> Weighted:
    """The metric of this name for these rows, as a function of weights."""
    if "." in name:
        return _own(name, outcome)
    return _MAKERS[name](outcome)


def _mean(losses: np.ndarray) -> Weighted:
    return lambda weights: weights @ losses / weights.sum(axis=1)


def _log_loss(outcome: Outcome) -> Weighted:
    probability = outcome.scores[np.arange(len(outcome.truth)), outcome.truth]
    return _mean(-np.log(np.clip(probability, np.finfo(float).eps, 1.0)))


def _positives(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    return (outcome.truth == outcome.positive).astype(float), outcome.scores[:, outcome.positive]


def _brier(outcome: Outcome) -> Weighted:
    truth, score = _positives(outcome)
    return _mean((score - truth) ** 2)


def _ranked(outcome: Outcome) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Weights -> weight of positives and of negatives for each distinct score, the highest first."""
    truth, score = _positives(outcome)
    order = np.argsort(-score, kind="stable")
    ordered, ranked = truth[order], score[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])

    def split(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sorted_weights = weights[:, order]
        positive = np.add.reduceat(sorted_weights * ordered, starts, axis=1)
        return positive, np.add.reduceat(sorted_weights, starts, axis=1) - positive

    return split


def _roc_auc(outcome: Outcome) -> Weighted:
    split = _ranked(outcome)

    def value(weights: np.ndarray) -> np.ndarray:
        positive, negative = split(weights)
        below = negative.sum(axis=1, keepdims=True) - negative.cumsum(axis=1)
        return _ratio((positive * (below + negative / 2)).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))

    return value


def _average_precision(outcome: Outcome) -> Weighted:
    split = _ranked(outcome)

    def value(weights: np.ndarray) -> np.ndarray:
        positive, negative = split(weights)
        hits = positive.cumsum(axis=1)
        precision = _ratio(hits, hits + negative.cumsum(axis=1))
        return _ratio((np.nan_to_num(precision) * positive).sum(axis=1), positive.sum(axis=1))

    return value


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


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


def _recalls(cells: np.ndarray, _: int = 0) -> np.ndarray:
    return np.nanmean(_ratio(_hits(cells), cells.sum(axis=2)), axis=1)


def _f1s(cells: np.ndarray) -> np.ndarray:
    return _ratio(2 * _hits(cells), cells.sum(axis=1) + cells.sum(axis=2))


def _r2(outcome: Outcome) -> Weighted:
    truth, residual = outcome.truth, outcome.truth - outcome.scores

    def value(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(axis=1)
        centre = weights @ truth / total
        return 1 - _ratio(weights @ residual**2, weights @ truth**2 - total * centre**2)

    return value


def _rmse(outcome: Outcome) -> Weighted:
    mean = _mean((outcome.truth - outcome.scores) ** 2)
    return lambda weights: np.sqrt(mean(weights))


_MAKERS: dict[str, Callable[[Outcome], Weighted]] = {
    "log_loss": _log_loss,
    "brier_score": _brier,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "accuracy": _from_cells(lambda cells, _: _ratio(_hits(cells).sum(axis=1), cells.sum(axis=(1, 2)))),
    "balanced_accuracy": _from_cells(_recalls),
    "precision": _from_cells(lambda cells, p: np.nan_to_num(_ratio(cells[:, p, p], cells[:, :, p].sum(axis=1)))),
    "recall": _from_cells(lambda cells, p: _ratio(cells[:, p, p], cells[:, p].sum(axis=1))),
    "f1": _from_cells(lambda cells, p: _f1s(cells)[:, p]),
    "f1_macro": _from_cells(lambda cells, _: np.nanmean(_f1s(cells), axis=1)),
    "mean_absolute_error": lambda o: _mean(np.abs(o.truth - o.scores)),
    "root_mean_squared_error": _rmse,
    "r2": _r2,
}


def _own(name: str, outcome: Outcome) -> Weighted:
    """A function of one's own or of scikit-learn: f(y_true, y_pred or y_score or y_prob..., sample_weight=...).

    Of a binary task it gets 1 for the positive class and 0 for the other, of several classes the classes' values.
    """
    module, _, attribute = name.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), attribute)
        arguments = list(inspect.signature(function).parameters)
    except (ImportError, AttributeError, TypeError) as error:
        raise Refusal(f"params.yaml: evaluate.metrics has {name!r}, which cannot be imported ({error})") from None
    if "sample_weight" not in arguments:
        raise Refusal(
            f"params.yaml: evaluate.metrics has {name!r}, which takes no sample_weight; "
            "expected (y_true, y_pred, sample_weight)"
        )
    truth, other = outcome.truth, outcome.decided
    if outcome.task == "binary":
        truth, other = (truth == outcome.positive).astype(int), (other == outcome.positive).astype(int)
    elif outcome.task == "multiclass":
        labels = np.array(outcome.classes)
        truth, other = labels[truth], labels[other]
    if outcome.task != "regression" and arguments[1].startswith(("y_score", "y_prob")):
        other = outcome.scores[:, outcome.positive] if outcome.task == "binary" else outcome.scores
    return lambda weights: np.array([float(function(truth, other, sample_weight=row)) for row in weights])


def draws(rows: int, count: int, weight: np.ndarray | None, group: np.ndarray | None) -> Iterator[np.ndarray]:
    """Weights of `count` bootstrap draws (of rows, or of whole groups) in chunks, shape (draws, rows)."""
    random = np.random.default_rng(0)
    codes = None if group is None else np.unique(group, return_inverse=True)[1]
    size = rows if codes is None else int(codes.max()) + 1
    step = max(1, CELLS_IN_CHUNK // rows)
    for start in range(0, count, step):
        drawn = [np.bincount(random.integers(size, size=size), minlength=size) for _ in range(min(step, count - start))]
        chunk = np.stack(drawn).astype(float)
        chunk = chunk if codes is None else chunk[:, codes]
        yield chunk if weight is None else chunk * weight


def measure(
    parts: dict[Any, tuple[np.ndarray | None, dict[str, Weighted]]], chunks: Iterator[np.ndarray]
) -> dict[Any, dict[str, np.ndarray]]:
    """Values of prepared metrics over all draws: {part: {name: values (draws,)}}; a part is (rows or None, metrics)."""
    found: dict[Any, dict[str, list[np.ndarray]]] = {
        part: {name: [] for name in metrics} for part, (_, metrics) in parts.items()
    }
    for chunk in chunks:
        for part, (rows, metrics) in parts.items():
            weights = chunk if rows is None else chunk[:, rows]
            for name, value in metrics.items():
                found[part][name].append(_quiet(value, weights))
    return {part: {name: np.concatenate(values) for name, values in metrics.items()} for part, metrics in found.items()}


def _quiet(value: Weighted, weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return value(weights)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval; NaN where fewer than half of the draws have a value (a class missing in them)."""
    known = values[~np.isnan(values)]
    if len(known) * 2 < len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
