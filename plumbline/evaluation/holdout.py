"""The metrics of the model and its baselines on the holdout, on its slices and on protected groups, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.bootstrap import Bootstrap, draw_weights, measure
from plumbline.evaluation.fairness import MEASURES
from plumbline.evaluation.slices import Slice
from plumbline.metrics import Measure, prepare
from plumbline.outcome import Outcome


@dataclass(frozen=True)
class HoldoutMetrics:
    """Metrics on the holdout, all on the same bootstrap draws.

    Attributes
    ----------
    models : mapping of str to Bootstrap
        On the whole holdout: "model" and the baselines.
    slices, groups : sequence of (Slice, Bootstrap)
        The model's metrics on each slice, and its fairness measures on each protected group.
    """

    models: Mapping[str, Bootstrap]
    slices: Sequence[tuple[Slice, Bootstrap]]
    groups: Sequence[tuple[Slice, Bootstrap]]


def measure_outcomes(
    outcomes: Mapping[str, Outcome],
    names: Sequence[str],
    slices: Sequence[Slice],
    groups: Sequence[Slice],
    *,
    weight: np.ndarray,
    group: np.ndarray | None,
    draws: int,
) -> HoldoutMetrics:
    """Measure the outcomes of "model" and of the baselines.

    Parameters
    ----------
    outcomes : mapping of str to Outcome
    names : sequence of str
        The metrics.
    slices, groups : sequence of Slice
        Slices of the holdout, and levels of protected columns.
    weight : array, shape (rows,)
    group : array, shape (rows,), or None
        Groups that are drawn as a whole.
    draws : int
        The number of bootstrap draws.
    """
    model = outcomes["model"]
    parts: list[tuple[np.ndarray | None, Measure]] = [
        *((None, prepare(names, outcome)) for outcome in outcomes.values()),
        *((slice_.rows, prepare(names, model.take(slice_.rows))) for slice_ in slices),
        *((slice_.rows, prepare(MEASURES[model.task], model.take(slice_.rows))) for slice_ in groups),
    ]
    by_number = dict(enumerate(parts))
    values = measure(by_number, [weight[None]])
    drawn_values = measure(by_number, draw_weights(len(weight), draws, weight, group))
    results = [
        Bootstrap({name: float(value[0]) for name, value in values[number].items()}, drawn_values[number])
        for number in by_number
    ]
    first_slice, first_group = len(outcomes), len(outcomes) + len(slices)
    return HoldoutMetrics(
        dict(zip(outcomes, results[:first_slice], strict=True)),
        list(zip(slices, results[first_slice:first_group], strict=True)),
        list(zip(groups, results[first_group:], strict=True)),
    )
