"""Metrics of weighted rows, in scikit-learn's names, over many bootstrap draws at once, and the intervals they give.

A draw is a row of weights, so one bootstrap is shared by all metrics and all models: differences between models are
paired. A metric is a formula of a basis (losses, ranks, cells of the confusion matrix), which prepares once what does
not depend on the weights and is then evaluated on a matrix of weights, shape (draws, rows). Values equal
scikit-learn's with sample_weight; where a class that a metric needs has no weight, and scikit-learn warns and says 0,
the value is NaN.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import ndtri, stdtrit

from plumbline.errors import PlumblineError

Weighted = Callable[[np.ndarray], tuple]  # weights (draws, rows) -> what formulas take, draws first
Measure = Callable[[np.ndarray], dict[str, np.ndarray]]  # weights -> each metric's values (draws,)
AUTO = {
    "binary": ("log_loss", "roc_auc", "average_precision", "brier_score", "accuracy", "balanced_accuracy", "precision",
               "recall", "f1"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("mean_absolute_error", "root_mean_squared_error", "r2"),
}  # fmt: skip
CELLS_IN_CHUNK = 1_000_000  # draws at a time: what is looked at again and again should stay near the processor
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


Basis = Callable[[Outcome], Weighted]  # what does not depend on weights is prepared once


def lower_is_better(name: str) -> bool:
    """By the name, as scikit-learn's are; one's own metric of another name is better when it is greater."""
    return name.endswith(("loss", "error", "deviance", "brier_score"))


def main_metric(wanted: str, task: str) -> str:
    """What a model is fitted for and judged by: review.metric, of `auto` (or what another task has) the first."""
    return wanted if wanted in AUTO[task] else AUTO[task][0]


def resolve(wanted: Any, task: str) -> tuple[str, ...]:
    """The metrics' names for a task; an error for one that it does not have. The first decides comparisons."""
    names = AUTO[task] if wanted == "auto" else tuple(wanted)
    for name in names:
        if "." not in name and name not in AUTO[task]:
            raise PlumblineError(
                f"params.yaml: evaluate.metrics has {name!r}, expected of a {task} task: "
                f"{', '.join(AUTO[task])}, or a dotted name"
            )
    return names


def prepare(names: Iterable[str], outcome: Outcome) -> Measure:
    """These metrics of these rows, as a function of weights; what several of them need is made once for each chunk."""
    plan = {name: _own(name) if "." in name else _METRICS[name] for name in names}
    prepared = {basis: basis(outcome) for basis, _ in plan.values()}

    def values(weights: np.ndarray) -> dict[str, np.ndarray]:
        made = {basis: weighted(weights) for basis, weighted in prepared.items()}
        return {name: formula(*made[basis]) for name, (basis, formula) in plan.items()}

    return values


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _mean(losses: Callable[[Outcome], np.ndarray]) -> Basis:
    """The weighted mean of a loss of each row."""

    def basis(outcome: Outcome) -> Weighted:
        each = losses(outcome)
        return lambda weights: (_ratio(weights @ each, weights.sum(axis=1)),)

    return basis


def losses(task: str, truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The loss of each row: log loss of classes, absolute error of a regression, shape (rows,)."""
    if task == "regression":
        return np.abs(truth - scores)
    return -np.log(np.clip(scores[np.arange(len(truth)), truth], np.finfo(float).eps, 1.0))


def _loss(outcome: Outcome) -> np.ndarray:
    return losses(outcome.task, outcome.truth, outcome.scores)


def _ranks(outcome: Outcome) -> Weighted:
    """The weight of positives and of negatives down to each distinct score, the highest first, after a column of 0."""
    score = outcome.scores[:, outcome.positive]
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))
    truth = (outcome.truth == outcome.positive)[order]
    sides = [(order[side], np.r_[0, np.cumsum(side)[ends]]) for side in (truth, ~truth)]

    def cumulated(weights: np.ndarray) -> tuple[np.ndarray, ...]:
        sums = (np.cumsum(np.take(weights, rows, axis=1), axis=1) for rows, _ in sides)
        padded = (np.pad(each, ((0, 0), (1, 0))) for each in sums)
        return tuple(np.take(each, upto, axis=1) for each, (_, upto) in zip(padded, sides, strict=True))

    return cumulated


def _roc_auc(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    return _ratio(np.trapezoid(hits, misses, axis=1), hits[:, -1] * misses[:, -1])


def _average_precision(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    precision = hits / np.maximum(hits + misses, np.finfo(float).tiny)
    return _ratio(np.einsum("ij,ij->i", np.diff(hits, axis=1), precision[:, 1:]), hits[:, -1])


def _cells(outcome: Outcome) -> Weighted:
    """The confusion matrix, shape (draws, truth, decided), and the positive class."""
    size, rows = len(outcome.classes), len(outcome.truth)
    cell = outcome.truth * size + outcome.decided
    which = sparse.csr_array((np.ones(rows), (cell, np.arange(rows))), shape=(size * size, rows))
    return lambda weights: ((which @ weights.T).T.reshape(-1, size, size), outcome.positive)


def _hits(cells: np.ndarray) -> np.ndarray:
    return np.diagonal(cells, axis1=1, axis2=2)


def _f1s(cells: np.ndarray) -> np.ndarray:
    return _ratio(2 * _hits(cells), cells.sum(axis=1) + cells.sum(axis=2))


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    return _ratio(np.nansum(values, axis=1), np.sum(~np.isnan(values), axis=1))


def _spread(outcome: Outcome) -> Weighted:
    """Squares of what is left and of what there was, around the mean."""
    residual = outcome.truth - outcome.scores
    truth = outcome.truth - np.median(outcome.truth)  # centred: squares of large values would lose the small ones

    def sums(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        squares = weights @ truth**2
        spread = squares - _ratio((weights @ truth) ** 2, weights.sum(axis=1))
        return weights @ residual**2, np.where(spread > 1e-12 * squares, spread, 0)

    return sums


def _as_it_is(value: np.ndarray) -> np.ndarray:
    return value


def _recall(cells: np.ndarray, p: int) -> np.ndarray:
    return _ratio(cells[:, p, p], cells[:, p].sum(axis=1))


_METRICS: dict[str, tuple[Basis, Callable[..., np.ndarray]]] = {
    "log_loss": (_mean(_loss), _as_it_is),
    "brier_score": (_mean(lambda o: (o.scores[:, o.positive] - (o.truth == o.positive)) ** 2), _as_it_is),
    "roc_auc": (_ranks, _roc_auc),
    "average_precision": (_ranks, _average_precision),
    "accuracy": (_cells, lambda cells, _: _ratio(_hits(cells).sum(axis=1), cells.sum(axis=(1, 2)))),
    "balanced_accuracy": (_cells, lambda cells, _: _mean_of_known(_ratio(_hits(cells), cells.sum(axis=2)))),
    "precision": (_cells, lambda cells, p: np.nan_to_num(_ratio(cells[:, p, p], cells[:, :, p].sum(axis=1)))),
    "recall": (_cells, _recall),
    "f1": (_cells, lambda cells, p: _f1s(cells)[:, p]),
    "f1_macro": (_cells, lambda cells, _: _mean_of_known(_f1s(cells))),
    "selection_rate": (_cells, lambda cells, p: _ratio(cells[:, :, p].sum(axis=1), cells.sum(axis=(1, 2)))),
    "true_positive_rate": (_cells, _recall),
    "false_positive_rate": (_cells, lambda cells, p: _ratio(cells[:, 1 - p, p], cells[:, 1 - p].sum(axis=1))),
    "mean_error": (_mean(lambda o: o.scores - o.truth), _as_it_is),
    "mean_absolute_error": (_mean(_loss), _as_it_is),
    "root_mean_squared_error": (_mean(lambda o: (o.truth - o.scores) ** 2), np.sqrt),
    "r2": (_spread, lambda left, spread: 1 - _ratio(left, spread)),
}


def _own(name: str) -> tuple[Basis, Callable[..., np.ndarray]]:
    """A function of one's own or of scikit-learn: f(y_true, y_pred or y_score or y_prob..., sample_weight=...).

    Of a binary task it gets 1 for the positive class and 0 for the other, of several classes the classes' values.
    """
    function, second = _imported(name)

    def basis(outcome: Outcome) -> Weighted:
        truth, other = _as_scikit_learn_has_it(outcome, second.startswith(("y_score", "y_prob")))

        def value(weights: np.ndarray) -> float:
            if not weights.any():  # a draw without a row of this slice
                return float("nan")
            try:
                return float(function(truth, other, sample_weight=weights))
            except ValueError as error:
                if len(np.unique(outcome.truth)) < len(outcome.classes):  # a slice: many metrics need every class
                    return float("nan")
                raise PlumblineError(f"params.yaml: evaluate.metrics has {name!r}, which raised: {error}") from error

        return lambda weights: (np.array([value(row) for row in weights]),)

    return basis, _as_it_is


def _as_scikit_learn_has_it(outcome: Outcome, scores: bool) -> tuple[np.ndarray, np.ndarray]:
    truth, other = outcome.truth, outcome.decided
    if outcome.task == "binary":
        truth, other = (truth == outcome.positive).astype(int), (other == outcome.positive).astype(int)
    elif outcome.task == "multiclass":
        truth, other = (np.array(outcome.classes)[codes] for codes in (truth, other))
    if scores and outcome.task != "regression":
        other = outcome.scores[:, outcome.positive] if outcome.task == "binary" else outcome.scores
    return truth, other


def _imported(name: str) -> tuple[Callable[..., Any], str]:
    """The function, and the name of its second argument, which says what it wants."""
    module, _, attribute = name.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), attribute)
        arguments = list(inspect.signature(function).parameters)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise PlumblineError(
            f"params.yaml: evaluate.metrics has {name!r}, which cannot be imported ({error})"
        ) from None
    if "sample_weight" not in arguments[2:]:
        raise PlumblineError(
            f"params.yaml: evaluate.metrics has {name!r}, which takes no sample_weight; "
            "expected (y_true, y_pred, sample_weight)"
        )
    return function, arguments[1]


def draws(rows: int, count: int, weight: np.ndarray | None, group: np.ndarray | None) -> Iterator[np.ndarray]:
    """Weights of `count` bootstrap draws (of rows, or of whole groups) in chunks, shape (draws, rows).

    A draw takes fewer units than there are (`drawn_of`), since percentiles of full draws of few lie too close together.
    """
    random = np.random.default_rng(0)
    codes = np.arange(rows) if group is None else np.unique(group, return_inverse=True)[1]
    units, step = int(codes.max()) + 1, max(1, CELLS_IN_CHUNK // rows)
    size = drawn_of(units)
    for start in range(0, count, step):
        chunk = min(step, count - start)
        drawn = [np.bincount(random.integers(units, size=size), minlength=units) for _ in range(chunk)]
        yield np.stack(drawn)[:, codes] * (1.0 if weight is None else weight)


def drawn_of(units: int) -> int:
    """How many units a draw takes: so many fewer that the spread of a mean grows by sqrt(n / (n - 1)) t / z.

    The factor that a small sample needs is Hesterberg's (2015, The American Statistician 69, 371-386), to reach it by
    smaller draws Rao and Wu's (1988, JASA 83, 231-241): 17 of 20 units, 111 of 114, 497 of 500.
    """
    if units == 1:
        return 1
    wider = stdtrit(units - 1, (1 + LEVEL) / 2) / ndtri((1 + LEVEL) / 2)
    return max(1, round((units - 1) / wider**2))


def measure(
    parts: dict[Any, tuple[np.ndarray | None, Measure]], chunks: Iterable[np.ndarray]
) -> dict[Any, dict[str, np.ndarray]]:
    """Values of prepared metrics over all draws: {part: {name: values (draws,)}}; a part is (rows or None, metrics)."""
    found: dict[Any, list[dict[str, np.ndarray]]] = {part: [] for part in parts}
    for chunk in chunks:
        for part, (rows, values) in parts.items():
            found[part].append(values(chunk if rows is None else np.take(chunk, rows, axis=1)))
    return {part: {name: np.concatenate([v[name] for v in each]) for name in each[0]} for part, each in found.items()}


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval; NaN where fewer than half of the draws have a value (a class missing in them)."""
    known = values[~np.isnan(values)]
    if len(known) * 2 < len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
