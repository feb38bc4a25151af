"""From the cells of two sides to the verdict: one metric decides, everything else is shown."""

from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from src.learning.metrics import AUTO, Outcome, draws, interval, lower_is_better, measure, prepare
from src.learning.requirements import columns
from src.learning.slices import SMALL, Slice, choose, cut, holm
from src.predictor.schema import Schema
from src.review.cells import Cells
from src.review.verdict import (
    GROUPS,
    LOG_LOSS,
    MAE,
    Measured,
    clipped_at,
    compare,
    compare_apart,
    margin,
    measured,
    too_small,
)

DRAWS = 500
Result = dict[str, Any]
NOTHING_ELSE: Result = {"slices": [], "metrics": [], "floors": []}


def gate_metric(wanted: str, task: str) -> str:
    return wanted if wanted != "auto" else MAE if task == "regression" else LOG_LOSS


def trivial(metric: str, truth: np.ndarray, weight: np.ndarray | None) -> Measured:
    """What class shares, the median or the mean of these rows themselves would reach."""
    share = np.ones(len(truth)) if weight is None else weight
    if metric == LOG_LOSS:
        shares = np.bincount(truth, share) / share.sum()
        scores: Any = np.broadcast_to(shares, (1, len(truth), len(shares)))
    else:
        middle = np.quantile(truth, 0.5, weights=share, method="inverted_cdf") if metric == MAE else None
        scores = np.full((1, len(truth)), np.average(truth, weights=share) if middle is None else middle)
    return measured(metric, truth, scores, weight)


@dataclass(frozen=True)
class Rows:
    """What is compared: positions in a side's table, and of each row its truth, weight and group."""

    at: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None
    group: np.ndarray | None

    def part(self, places: np.ndarray) -> "Rows":
        weight, group = (None if each is None else each[places] for each in (self.weight, self.group))
        return Rows(self.at[places], self.truth[places], weight, group)


def _rows(cells: Cells, kept: np.ndarray) -> Rows:
    beside = cells.beside
    everywhere = Rows(np.arange(len(kept)), beside["target"], beside.get("weight"), beside.get("group"))
    return everywhere.part(np.flatnonzero(kept))


def _predicted(cells: Cells) -> np.ndarray:
    """True for rows that every replica predicts."""
    return ~np.isnan(cells.scores.reshape(*cells.scores.shape[:2], -1)).any(axis=(0, 2))


def alone(head: Cells, schema: Schema, settings: SimpleNamespace, why: str) -> Result:
    """Where there is nothing to compare with: head against the trivial model, which can be no verdict."""
    metric, rows = gate_metric(settings.metric, schema.task), _rows(head, _predicted(head))
    least = trivial(metric, rows.truth, rows.weight)
    ours = measured(metric, rows.truth, head.scores[:, rows.at], rows.weight)
    repeated = Measured(least.values.repeat(len(ours.values)), least.influence.repeat(len(ours.values), axis=0))
    word = compare(repeated, ours, 0.0, settings.alpha, rows.group).word
    clearly = f"clearly {word}" if word in ("better", "worse") else "not clearly better"
    return NOTHING_ELSE | {
        "word": "cannot tell", "why": f"{why}; head is {clearly} than the trivial model", "metric": metric,
        "head": -float(ours.values.mean()), "trivial": -float(least.values.mean()),
    }  # fmt: skip


def decide(
    base: Cells, head: Cells, schema: Schema, settings: SimpleNamespace, table: str, unpaired: str | None
) -> Result:
    """The whole result; head's labels count, on rows that both sides predict (unpaired: why that cannot be)."""
    metric = gate_metric(settings.metric, schema.task)
    rows = _rows(head, _predicted(head) if unpaired else _predicted(head) & _predicted(base))
    others = _rows(base, _predicted(base)) if unpaired else rows
    ours = measured(metric, rows.truth, head.scores[:, rows.at], rows.weight)
    theirs = measured(metric, others.truth, base.scores[:, others.at], others.weight)
    least = float(trivial(metric, rows.truth, rows.weight).values[0])
    matters = settings.margin
    if matters == "auto":
        matters = margin(float(theirs.values.mean()), least, settings.gap, settings.loss)
    if unpaired:
        found = compare_apart(theirs, ours, matters, settings.alpha, (others.group, rows.group))
    else:
        found = compare(theirs, ours, matters, settings.alpha, rows.group)
    result: Result = NOTHING_ELSE | asdict(found) | {
        "metric": metric, "base": -float(theirs.values.mean()), "head": -float(ours.values.mean()), "trivial": -least,
        "rows_compared": len(rows.at), "replicas": len(ours.values), "unpaired": unpaired,
    }  # fmt: skip
    if small := too_small(rows.truth, rows.group, schema.task != "regression"):
        result |= {"word": "cannot tell", "why": f"too small: {small}"}
    if not unpaired:
        result["slices"] = _slices(base, head, rows, metric, schema, settings, matters, table)
        result["metrics"] = _others(base, head, rows, schema)
        result["floors"] = _floors(result["metrics"], settings.floors)
    return result


def _floors(metrics: list[Result], floors: dict[str, float]) -> list[Result]:
    """Each floor, broken when the whole interval of head's value lies on its wrong side."""
    found = {each["metric"]: each for each in metrics}
    return [
        {"metric": name, "floor": floor, "head": found[name]["head"],
         "broken": found[name]["head_low"] > floor if lower_is_better(name) else found[name]["head_high"] < floor}
        for name, floor in floors.items() if name in found
    ]  # fmt: skip


def _slices(base: Cells, head: Cells, rows: Rows, metric: str, schema: Schema, settings: SimpleNamespace,
            matters: float, table: str) -> list[Result]:  # fmt: skip
    """Each slice of head's table as a comparison of its own; their p values are one family (Holm)."""
    kept = [column.name for column in schema.columns if column.role not in ("target", "key")]
    source = pq.read_table(table, columns=kept).take(rows.at)
    mean = head.scores[:, rows.at].mean(axis=0)
    score = mean if mean.ndim == 1 else mean.max(axis=1)
    wanted = columns(settings.must_work, kept)
    clip = clipped_at(rows.truth) if metric == LOG_LOSS else None
    judged = []
    for part in cut([*dict.fromkeys([*choose("auto", schema, source, score), *wanted])], schema, source):
        inside = rows.part(part.rows)
        if len(part.rows) >= SMALL and (inside.group is None or len(np.unique(inside.group)) >= GROUPS):
            theirs, ours = (measured(metric, inside.truth, cells.scores[:, inside.at], inside.weight, clip)
                            for cells in (base, head))  # fmt: skip
            judged.append((part, asdict(compare(theirs, ours, matters, settings.alpha, inside.group))))
    adjusted = holm([1.0 if found["worse"] is None else found["worse"] for _, found in judged])
    return [_told(part, found, p, settings, matters) for (part, found), p in zip(judged, adjusted, strict=True)]


def _told(part: Slice, found: Result, p: float, settings: SimpleNamespace, matters: float) -> Result:
    named = f"{part.column} = {part.level}" in settings.must_work
    blocks = named and p < settings.alpha and found["difference"] < -matters / 2
    about = {"column": part.column, "level": part.level, "rows_compared": len(part.rows)}
    return found | about | {"worse": p, "blocks": blocks}


def _others(base: Cells, head: Cells, rows: Rows, schema: Schema) -> list[Result]:
    """Every metric of the task with the interval of its difference; they block nothing. Means over the replicas."""
    parts: dict[Any, Any] = {}
    for name, cells in (("base", base), ("head", head)):
        for number, scores in enumerate(cells.scores[:, rows.at]):
            parts[name, number] = (None, prepare(AUTO[schema.task], _outcome(scores, rows.truth, schema)))
    share = np.ones(len(rows.at)) if rows.weight is None else rows.weight.astype(float)
    once = measure(parts, [share[None]])
    drawn = measure(parts, draws(len(rows.at), DRAWS, share, rows.group))
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
