"""From the cells of two sides to the verdict: one metric decides, everything else is shown."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from src.learning.metrics import AUTO, Outcome, draws, interval, lower_is_better, measure, prepare
from src.learning.slices import SMALL, Slice, choose, cut
from src.predictor.schema import Schema
from src.review.cells import Cells
from src.review.verdict import LOG_LOSS, MAE, Side, compare, compare_apart, holm, margin, measured, too_small

DRAWS = 500
Result = dict[str, Any]


def gate_metric(wanted: str, task: str) -> str:
    return wanted if wanted != "auto" else MAE if task == "regression" else LOG_LOSS


def trivial(metric: str, truth: np.ndarray, weight: np.ndarray | None) -> Side:
    """What class shares, the median or the mean of these rows themselves would reach."""
    share = np.ones(len(truth)) if weight is None else weight
    if metric == LOG_LOSS:
        shares = np.bincount(truth, share) / share.sum()
        scores: Any = np.broadcast_to(shares, (1, len(truth), len(shares)))
    else:
        middle = np.quantile(truth, 0.5, weights=share, method="inverted_cdf") if metric == MAE else None
        scores = np.full((1, len(truth)), np.average(truth, weights=share) if middle is None else middle)
    return measured(metric, truth, scores, weight)


def alone(head: Cells, schema: Schema, settings: SimpleNamespace, why: str) -> Result:
    """Where there is nothing to compare with: head against the trivial model, which can be no verdict."""
    metric = gate_metric(settings.metric, schema.task)
    rows = np.flatnonzero(_predicted(head))
    truth, weight, group = (_part(head.beside.get(name), rows) for name in ("target", "weight", "group"))
    assert truth is not None
    least, ours = trivial(metric, truth, weight), measured(metric, truth, head.scores[:, rows], weight)
    repeated = Side(least.values.repeat(len(ours.values)), least.influence.repeat(len(ours.values), axis=0))
    found = compare(repeated, ours, 0.0, settings.alpha, group)
    clearly = {"better": "clearly better than", "worse": "clearly worse than"}.get(
        found.word, "not clearly better than"
    )
    return {"word": "cannot tell", "why": f"{why}; head is {clearly} the trivial model", "metric": metric,
            "head": -float(ours.values.mean()), "trivial": -float(least.values.mean()),
            "slices": [], "metrics": [], "floors": []}  # fmt: skip


def _predicted(cells: Cells) -> np.ndarray:
    """True for rows that every replica predicts."""
    return ~np.isnan(cells.scores.reshape(*cells.scores.shape[:2], -1)).any(axis=(0, 2))


def decide(
    base: Cells, head: Cells, schema: Schema, settings: SimpleNamespace, table: str, unpaired: str | None
) -> Result:
    """The whole result; head's labels count, on rows that both sides predict (unpaired: why that cannot be)."""
    metric = gate_metric(settings.metric, schema.task)
    rows = np.flatnonzero(_predicted(head) if unpaired else _predicted(head) & _predicted(base))
    truth, weight, group = (_part(head.beside.get(name), rows) for name in ("target", "weight", "group"))
    assert truth is not None
    ours = measured(metric, truth, head.scores[:, rows], weight)
    if unpaired:
        others = np.flatnonzero(_predicted(base))
        theirs = measured(metric, base.beside["target"][others], base.scores[:, others],
                          _part(base.beside.get("weight"), others))  # fmt: skip
    else:
        theirs = measured(metric, truth, base.scores[:, rows], weight)
    least = float(trivial(metric, truth, weight).values[0])
    matters = settings.margin
    if matters == "auto":
        matters = margin(float(theirs.values.mean()), least, settings.gap, settings.loss)
    small = too_small(truth, group, schema.task != "regression")
    found = compare_apart(theirs, ours, matters, settings.alpha) if unpaired else compare(
        theirs, ours, matters, settings.alpha, group)  # fmt: skip
    result: Result = asdict(found) | {
        "metric": metric, "base": -float(theirs.values.mean()), "head": -float(ours.values.mean()),
        "rows_compared": len(rows), "replicas": len(ours.values), "unpaired": unpaired,
        "trivial": -least,
    }  # fmt: skip
    if small:
        result |= {"word": "cannot tell", "why": f"too small: {small}"}
    if unpaired:
        return result | {"slices": [], "metrics": [], "floors": []}
    result["slices"] = _slices(theirs, ours, head, rows, schema, settings, matters, table)
    result["metrics"] = _others(base, head, rows, truth, weight, group, schema)
    return result | {"floors": _floors(result["metrics"], settings.floors)}


def _floors(metrics: list[Result], floors: dict[str, float]) -> list[Result]:
    """Each floor, broken when the whole interval of head's value lies on its wrong side."""
    found = {each["metric"]: each for each in metrics}
    return [
        {"metric": name, "floor": floor, "head": found[name]["head"],
         "broken": found[name]["head_low"] > floor if lower_is_better(name) else found[name]["head_high"] < floor}
        for name, floor in floors.items() if name in found
    ]  # fmt: skip


def _part(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if values is None else values[rows]


def _slices(theirs: Side, ours: Side, head: Cells, rows: np.ndarray, schema: Schema, settings: SimpleNamespace,
            matters: float, table: str) -> list[Result]:  # fmt: skip
    """Each slice of head's table as a comparison of its own; their p values are one family (Holm)."""
    kept = [column.name for column in schema.columns if column.role not in ("target", "key")]
    source = pq.read_table(table, columns=kept).take(rows)
    mean = head.scores[:, rows].mean(axis=0)
    score = mean if mean.ndim == 1 else mean.max(axis=1)
    wanted = [name for each in settings.must_work if (name := each.rpartition(" = ")[0]) in kept]
    parts = cut([*dict.fromkeys([*choose("auto", schema, source, score), *wanted])], schema, source)
    judged = [(part, _of_slice(theirs, ours, part, settings, matters)) for part in parts if len(part.rows) >= SMALL]
    adjusted = holm([found["worse"] if found["worse"] is not None else 1.0 for _, found in judged])
    return [
        found | {
            "column": part.column, "level": part.level, "rows_compared": len(part.rows), "worse": p,
            "blocks": p < settings.alpha and found["difference"] < -matters / 2
                      and f"{part.column} = {part.level}" in settings.must_work,
        }
        for (part, found), p in zip(judged, adjusted, strict=True)
    ]  # fmt: skip


def _of_slice(theirs: Side, ours: Side, part: Slice, settings: SimpleNamespace, matters: float) -> Result:
    """The rows' own contributions, as if the slice were all there is."""
    base, head = (_inside(side, part) for side in (theirs, ours))
    return asdict(compare(base, head, matters, settings.alpha))


def _inside(side: Side, part: Slice) -> Side:
    inside = side.influence[:, part.rows] + side.values[:, None]
    return Side(inside.mean(axis=1), inside - inside.mean(axis=1, keepdims=True))


def _others(base: Cells, head: Cells, rows: np.ndarray, truth: np.ndarray, weight: np.ndarray | None,
            group: np.ndarray | None, schema: Schema) -> list[Result]:  # fmt: skip
    """Every metric of the task with the interval of its difference; they block nothing. Means over the replicas."""
    parts: dict[Any, Any] = {}
    for name, cells in (("base", base), ("head", head)):
        for number, scores in enumerate(cells.scores[:, rows]):
            parts[name, number] = (None, prepare(AUTO[schema.task], _outcome(scores, truth, schema)))
    share = np.ones(len(rows)) if weight is None else weight.astype(float)
    once = measure(parts, [share[None]])
    drawn = measure(parts, draws(len(rows), DRAWS, share, group))
    made = []
    for name in AUTO[schema.task]:
        value, many = ({side: np.mean([found[side, k][name] for k in range(len(head.scores))], axis=0)
                        for side in ("base", "head")} for found in (once, drawn))  # fmt: skip
        low, high = interval(many["head"] - many["base"])
        ends = interval(many["head"])
        made.append(
            {
                "metric": name,
                "base": float(value["base"][0]),
                "head": float(value["head"][0]),
                "difference": float((value["head"] - value["base"])[0]),
                "low": low,
                "high": high,
                "head_low": ends[0],
                "head_high": ends[1],
            }
        )
    return made


def _outcome(scores: np.ndarray, truth: np.ndarray, schema: Schema) -> Outcome:
    if schema.task == "regression":
        return Outcome("regression", truth, scores, scores)
    positive = list(schema.classes).index(schema.positive) if schema.task == "binary" else 1
    return Outcome(schema.task, truth, scores, scores.argmax(axis=1), positive, tuple(schema.classes))
