"""What is shown next to the verdict: all metrics with intervals, floors and curves. Of these only floors can block.

Base says which metrics there are and its code evaluates both sides: what head calls a metric never runs here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.bootstrap import draw_weights, interval, measure
from plumbline.data.schema import Schema
from plumbline.data.split import position
from plumbline.errors import PlumblineError
from plumbline.evaluation.curves import calibration_curve, ranking_curve
from plumbline.metrics import AUTO, lower_is_better, prepare
from plumbline.outcome import Outcome
from plumbline.review.predictions import Predictions, Rows
from plumbline.review.result.comparison import FloorCheck, MetricComparison
from plumbline.review.result.figures import Curve, Curves, Points
from plumbline.training.folds import best_threshold

DRAWS = 500
HALF = 0.5
AXES = ("false positive rate", "true positive rate")
REGRESSION_AXES = ("share of the range allowed", "rows within it")


@dataclass(frozen=True)
class EvaluatedSide:
    """The predictions of a side and the rows that it is evaluated on.

    Attributes
    ----------
    predictions : Predictions
    rows : Rows
    has_auto_threshold : bool
        Whether model.threshold is auto: the fitted models do not have it yet.
    """

    predictions: Predictions
    rows: Rows
    has_auto_threshold: bool = False

    @property
    def weight(self) -> np.ndarray:
        """The weight of each row, 1 where there is none."""
        weight = self.rows.weight
        return np.ones(len(self.rows)) if weight is None else weight.astype(float)

    def outcome(self, replica: int, schema: Schema) -> Outcome:
        """Truth and prediction of one replica; of two classes the threshold of the side decides."""
        scores, truth = self.predictions.scores[replica, self.rows.positions], self.rows.truth
        if schema.task == "regression":
            return Outcome("regression", truth, scores, scores)
        if schema.task == "multiclass":
            return Outcome(schema.task, truth, scores, scores.argmax(axis=1), classes=tuple(schema.classes))
        positive = list(schema.classes).index(schema.positive)
        is_positive = scores[:, positive] >= self._thresholds(replica, scores[:, positive], truth == positive)
        predictions = np.where(is_positive, positive, 1 - positive)
        return Outcome(schema.task, truth, scores, predictions, positive, tuple(schema.classes))

    def _thresholds(self, replica: int, scores: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
        """Return the threshold of each row; auto is chosen on that half of the rows that the row is not in."""
        thresholds = self.predictions.thresholds
        threshold = np.nan if thresholds is None else thresholds[replica]
        result = np.full(len(scores), 0.5 if np.isnan(threshold) else threshold)
        if self.has_auto_threshold:
            halves = position(self.predictions.units[self.rows.positions], 0) < HALF
            for half in (halves, ~halves):
                truth = is_positive[~half].astype(int)
                if truth.any() and not truth.all():
                    result[half] = best_threshold(truth, scores[~half], self.weight[~half])
        return result


@dataclass(frozen=True)
class _Estimate:
    """A metric of one side and its values in the bootstrap draws, shape (draws,)."""

    value: float
    draws: np.ndarray


def compare_metrics(
    base: EvaluatedSide, head: EvaluatedSide, schema: Schema, floors: Mapping[str, float], names: Sequence[str]
) -> tuple[list[MetricComparison], dict[str, str]]:
    """Compare the metrics of the task, of floors and of evaluate.metrics: means over the replicas, intervals at 95 %.

    Parameters
    ----------
    base, head : EvaluatedSide
        With the same rows, the difference has an interval: the bootstrap draws are the same, too.
    schema : Schema
        Head's.
    floors : mapping of str to float
        requirements.floors.
    names : sequence of str
        evaluate.metrics.

    Returns
    -------
    list of MetricComparison
    dict of str to str
        Why a metric of the project's own could not be evaluated, by name.

    Raises
    ------
    PlumblineError
        Where a metric with a floor cannot be evaluated, since a floor must be checked.
    """
    required = _required_names(schema, floors)
    comparisons, problems = _compare(base, head, schema, required), dict[str, str]()
    for name in dict.fromkeys(name for name in names if "." in name and name not in required):
        try:
            comparisons += _compare(base, head, schema, (name,))
        except PlumblineError as error:
            problems[name] = str(error)
        except Exception as error:  # the project's own function, for information; its message may hold values of rows
            problems[name] = f"it raised {type(error).__name__}"
    return comparisons, problems


def measure_head(head: EvaluatedSide, schema: Schema, floors: Mapping[str, float]) -> list[MetricComparison]:
    """Return the metrics of the task and of floors where there is no base to compare head with."""
    names = _required_names(schema, floors)
    estimates = _estimate(head, schema, names)
    ends = {name: interval(estimate.draws) for name, estimate in estimates.items()}
    return [
        MetricComparison(
            name=name,
            base=None,
            head=estimates[name].value,
            difference=None,
            head_low=ends[name][0],
            head_high=ends[name][1],
        )
        for name in names
    ]


def _required_names(schema: Schema, floors: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*AUTO[schema.task], *(name for name in floors if "." in name)]))


def _compare(
    base: EvaluatedSide, head: EvaluatedSide, schema: Schema, names: tuple[str, ...]
) -> list[MetricComparison]:
    is_paired = base.rows is head.rows
    base_estimates, head_estimates = (_estimate(side, schema, names) for side in (base, head))
    return [_compare_estimates(name, base_estimates[name], head_estimates[name], is_paired) for name in names]


def _estimate(side: EvaluatedSide, schema: Schema, names: tuple[str, ...]) -> dict[str, _Estimate]:
    """Estimate the metrics of a side; the draws are the same for the same rows."""
    replicas = range(len(side.predictions.scores))
    parts: dict[Any, Any] = {number: (None, prepare(names, side.outcome(number, schema))) for number in replicas}
    weight = side.weight
    values = measure(parts, [weight[None]])
    drawn_values = measure(parts, draw_weights(len(side.rows), DRAWS, weight, side.rows.group))
    return {
        name: _Estimate(
            float(np.mean([values[number][name][0] for number in replicas])),
            np.mean([drawn_values[number][name] for number in replicas], axis=0),
        )
        for name in names
    }


def _compare_estimates(name: str, base: _Estimate, head: _Estimate, is_paired: bool) -> MetricComparison:
    low, high = interval(head.draws - base.draws) if is_paired else (None, None)
    head_low, head_high = interval(head.draws)
    return MetricComparison(
        name=name,
        base=base.value,
        head=head.value,
        difference=head.value - base.value,
        low=low,
        high=high,
        head_low=head_low,
        head_high=head_high,
    )


def check_floors(metrics: Sequence[MetricComparison], floors: Mapping[str, float]) -> tuple[FloorCheck, ...]:
    """Check each floor: it is broken where the whole interval of head's value is on its wrong side."""
    by_name = {metric.name: metric for metric in metrics}
    return tuple(
        FloorCheck(metric=name, floor=floor, head=by_name[name].head, is_broken=_breaks_floor(by_name[name], floor))
        for name, floor in floors.items()
        if name in by_name
    )


def _breaks_floor(metric: MetricComparison, floor: float) -> bool:
    """Judge by the value where there is no interval, as with few groups: most draws lack a class there."""
    is_loss = lower_is_better(metric.name)
    bound = metric.head_low if is_loss else metric.head_high
    bound = metric.head if bound is None or np.isnan(bound) else bound
    assert bound is not None  # `compare_metrics` gives each metric a value
    return bool(bound > floor if is_loss else bound < floor)


def draw_curves(base: EvaluatedSide, head: EvaluatedSide, schema: Schema) -> Curves:
    """Return the two curves of each side's first replica."""
    axes = REGRESSION_AXES if schema.task == "regression" else AXES

    def draw(curve: Any, labels: tuple[str, str]) -> Curve:
        points = [curve(side.outcome(0, schema), side.weight) for side in (base, head)]
        lines = [Points(*(tuple(point[axis] for point in line) for axis in ("x", "y"))) for line in points]
        return Curve(x_label=labels[0], y_label=labels[1], base=lines[0], head=lines[1])

    return Curves(ranking=draw(ranking_curve, axes), calibration=draw(calibration_curve, ("predicted", "observed")))
