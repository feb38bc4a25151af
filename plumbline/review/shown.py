"""What stands beside the word: every metric with its interval, floors, curves. Of these, floors alone can block.

Base says which metrics there are, and its code measures both sides: what head calls a metric never runs here.
"""

from typing import Any

import numpy as np

from plumbline.bootstrap import draw_weights, interval, measure
from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError
from plumbline.evaluation.curves import calibration_curve, ranking_curve
from plumbline.metrics import AUTO, lower_is_better, prepare
from plumbline.outcome import Outcome
from plumbline.review.cells import Cells, Rows

DRAWS = 500
AXES = ("false positive rate", "true positive rate")
Result = dict[str, Any]
Side = tuple[Cells, Rows]


def metrics(
    base: Side, head: Side, schema: Schema, floors: dict[str, float], wanted: list[str]
) -> tuple[list[Result], dict[str, str]]:
    """Each metric of the task, of floors and of evaluate.metrics (wanted): means over the replicas, intervals at 95 %.

    The difference has an interval where both sides are measured on the same rows, and so in the same draws. Beside
    them, why a metric of one's own could not be measured; one that has a floor raises, since a floor must be judged.
    """
    names = tuple(dict.fromkeys([*AUTO[schema.task], *(name for name in floors if "." in name)]))
    found, left_out = _compared(base, head, schema, names), {}
    for name in dict.fromkeys(name for name in wanted if "." in name and name not in names):
        try:
            found += _compared(base, head, schema, (name,))
        except PlumblineError as error:
            left_out[name] = str(error)
        except Exception as error:  # a user's code, of which nothing depends; its words may hold values of rows
            left_out[name] = f"it raised {type(error).__name__}"
    return found, left_out


def _compared(base: Side, head: Side, schema: Schema, names: tuple[str, ...]) -> list[Result]:
    paired = base[1] is head[1]
    theirs, ours = (_measured(*side, schema, names) for side in (base, head))
    return [_one(name, theirs[name], ours[name], paired) for name in names]


def _measured(cells: Cells, rows: Rows, schema: Schema, names: tuple[str, ...]) -> dict[str, tuple[float, np.ndarray]]:
    """Of each metric its value and its values in the draws, which are the same for the same rows."""
    parts: dict[Any, Any] = {number: (None, prepare(names, outcome(scores, rows.truth, schema)))
             for number, scores in enumerate(cells.scores[:, rows.at])}  # fmt: skip
    share = np.ones(len(rows.at)) if rows.weight is None else rows.weight.astype(float)
    once, drawn = measure(parts, [share[None]]), measure(parts, draw_weights(len(rows.at), DRAWS, share, rows.group))
    return {name: (float(np.mean([once[k][name][0] for k in parts])), np.mean([drawn[k][name] for k in parts], axis=0))
            for name in names}  # fmt: skip


def _one(name: str, theirs: tuple[float, np.ndarray], ours: tuple[float, np.ndarray], paired: bool) -> Result:
    low, high = interval(ours[1] - theirs[1]) if paired else (None, None)
    ends = interval(ours[1])
    return {
        "metric": name, "base": theirs[0], "head": ours[0], "difference": ours[0] - theirs[0], "low": low, "high": high,
        "head_low": ends[0], "head_high": ends[1],
    }  # fmt: skip


def floors(found: list[Result], asked: dict[str, float]) -> list[Result]:
    """Each floor, broken when the whole interval of head's value lies on its wrong side."""
    by_name = {each["metric"]: each for each in found}
    return [
        {"metric": name, "floor": floor, "head": by_name[name]["head"],
         "broken": _is_broken(by_name[name], floor)}
        for name, floor in asked.items() if name in by_name
    ]  # fmt: skip


def _is_broken(found: Result, floor: float) -> bool:
    """By the value where there is no interval, as in few groups: most draws lack a class there."""
    lower = lower_is_better(found["metric"])
    end = found["head_low" if lower else "head_high"]
    end = found["head"] if end is None or np.isnan(end) else end
    return bool(end > floor if lower else end < floor)


def curves(base: Side, head: Side, schema: Schema) -> Result:
    """The two curves of each side's first replica."""
    told = ("share of the range allowed", "rows within it") if schema.task == "regression" else AXES
    made: Result = {}
    for name, curve, labels in (
        ("ranking", ranking_curve, told),
        ("calibration", calibration_curve, ("predicted", "observed")),
    ):
        made[name] = dict(zip(("x_label", "y_label"), labels, strict=True))
        for side, (cells, rows) in (("base", base), ("head", head)):
            share = np.ones(len(rows.at)) if rows.weight is None else rows.weight.astype(float)
            points = curve(outcome(cells.scores[0, rows.at], rows.truth, schema), share)
            made[name][side] = {axis: [point[axis] for point in points] for axis in ("x", "y")}
    return made


def outcome(scores: np.ndarray, truth: np.ndarray, schema: Schema) -> Outcome:
    if schema.task == "regression":
        return Outcome("regression", truth, scores, scores)
    positive = list(schema.classes).index(schema.positive) if schema.task == "binary" else 1
    return Outcome(schema.task, truth, scores, scores.argmax(axis=1), positive, tuple(schema.classes))
