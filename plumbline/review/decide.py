"""From the cells of two sides to the word: one metric decides; slices are asked each for itself."""

from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plumbline.data.schema import Schema
from plumbline.evaluation.requirements import required_columns
from plumbline.evaluation.slices import SMALL, Slice, choose_columns, cut_slices, holm
from plumbline.review.cells import Cells, Rows
from plumbline.review.verdict import (
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

Result = dict[str, Any]


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
class Question:
    """What is asked of two sides: by which metric, on which rows of head's table, and how much matters."""

    metric: str
    rows: Rows
    matters: float
    settings: SimpleNamespace
    clip: float | None

    def measured(self, cells: Cells, rows: Rows) -> Measured:
        return measured(self.metric, rows.truth, cells.scores[:, rows.at], rows.weight, self.clip)

    def ask(self, base: Cells, head: Cells, rows: Rows) -> Result:
        """The answer for some of the rows, which both sides predict."""
        theirs, ours = (self.measured(cells, rows) for cells in (base, head))
        return asdict(compare(theirs, ours, self.matters, self.settings.alpha, rows.group))


def question(base: Cells, head: Cells, schema: Schema, settings: SimpleNamespace, others: Rows | None) -> Question:
    """others: base's own rows, where each side is judged on rows of its own."""
    rows = head.rows(head.predicted if others else head.predicted & base.predicted)
    return _question(rows, others or rows, base, schema, settings)


def _question(rows: Rows, of_base: Rows, base: Cells, schema: Schema, settings: SimpleNamespace) -> Question:
    metric = gate_metric(settings.metric, schema.task)
    clip = clipped_at(rows.truth) if metric == LOG_LOSS else None
    asked = Question(metric, rows, 0.0, settings, clip)
    if settings.margin != "auto":
        return replace(asked, matters=settings.margin)
    least = float(trivial(metric, rows.truth, rows.weight).values[0])
    theirs = asked.measured(base, of_base)
    return replace(asked, matters=margin(float(theirs.values.mean()), least, settings.gap, settings.loss))


def undisputed(asked: Question, base: Cells, schema: Schema, changed: np.ndarray) -> Question:
    """The same question without the rows (positions) whose labels head changed: what is true of them is in dispute.

    The question itself where too few rows, or not every class, would be left.
    """
    rows, classes = asked.rows, schema.task != "regression"
    kept = rows.part(np.flatnonzero(~np.isin(rows.at, changed)))
    is_lost = classes and len(np.unique(kept.truth)) < len(np.unique(rows.truth))
    if len(kept.at) == len(rows.at) or is_lost or too_small(kept.truth, kept.group, classes):
        return asked
    return _question(kept, kept, base, schema, asked.settings)


def alone(head: Cells, schema: Schema, settings: SimpleNamespace, why: str) -> Result:
    """Where there is nothing to compare with: head against the trivial model, which can be no verdict."""
    metric, rows = gate_metric(settings.metric, schema.task), head.rows(head.predicted)
    least = trivial(metric, rows.truth, rows.weight)
    ours = measured(metric, rows.truth, head.scores[:, rows.at], rows.weight)
    repeated = Measured(least.values.repeat(len(ours.values)), least.influence.repeat(len(ours.values), axis=0))
    word = compare(repeated, ours, 0.0, settings.alpha, rows.group).word
    clearly = f"clearly {word}" if word in ("better", "worse") else "not clearly better"
    return {
        "word": "cannot tell", "why": f"{why}; head is {clearly} than the trivial model", "metric": metric,
        "head": -float(ours.values.mean()), "trivial": -float(least.values.mean()),
    }  # fmt: skip


def decide(asked: Question, base: Cells, head: Cells, schema: Schema, others: Rows | None) -> Result:
    """The word and its numbers; head's labels count. others: base's own rows, where the sides are not paired."""
    rows = asked.rows
    theirs, ours = asked.measured(base, others or rows), asked.measured(head, rows)
    if others:
        groups = (others.group, rows.group)
        found = asdict(compare_apart(theirs, ours, asked.matters, asked.settings.alpha, groups))
    else:
        found = asked.ask(base, head, rows)
    if small := too_small(rows.truth, rows.group, schema.task != "regression"):
        found |= {"word": "cannot tell", "why": f"too small: {small}"}
    least = float(trivial(asked.metric, rows.truth, rows.weight).values[0])
    return found | {
        "metric": asked.metric, "alpha": asked.settings.alpha, "base": -float(theirs.values.mean()),
        "head": -float(ours.values.mean()), "trivial": -least, "rows_compared": len(rows.at),
        "replicas": len(ours.values),
    }  # fmt: skip


def relabelled(
    result: Result, asked: Question, base: Cells, head: Cells, schema: Schema, changed: np.ndarray
) -> Result:
    """What the rows with another label do to the result of the others: a harm counts on all rows as well.

    asked: the question of all rows.
    """
    count = int(np.isin(asked.rows.at, changed).sum())
    if not count:
        return {}
    if result["rows_compared"] == len(asked.rows.at):
        why = f"{count} rows have another label, and the others are too few to compare the sides on"
        is_open = result["word"] in ("better", "same")
        return {"relabelled": {"rows": count}} | ({"word": "cannot tell", "why": why} if is_open else {})
    every = decide(asked, base, head, schema, None)
    told = {"relabelled": {"rows": count, "word": every["word"]}}
    if every["word"] == "worse" != result["word"]:
        why = f"{every['why']}, with the {count} rows whose label changed; without them: {result['word']}"
        return every | told | {"why": why}
    return told


def slices(asked: Question, base: Cells, head: Cells, schema: Schema, table: str) -> list[Result]:
    """Each slice of head's table as a question of its own; their p values are corrected as one family (Holm)."""
    rows, settings = asked.rows, asked.settings
    kept = [column.name for column in schema.columns if column.role not in ("target", "key")]
    source = pq.read_table(table, columns=kept).take(rows.at)
    mean = head.scores[:, rows.at].mean(axis=0)
    score = mean if mean.ndim == 1 else mean.max(axis=1)
    wanted = required_columns(settings.must_work, kept)
    judged = []
    asked_for = "auto" if settings.slices == "auto" else present(settings.slices, schema)
    for part in cut_slices(
        [*dict.fromkeys([*choose_columns(asked_for, schema, source, score), *wanted])], schema, source
    ):
        inside = rows.part(part.rows)
        if len(part.rows) >= SMALL and (inside.group is None or len(np.unique(inside.group)) >= GROUPS):
            judged.append((part, asked.ask(base, head, inside)))
    adjusted = holm([1.0 if found["worse"] is None else found["worse"] for _, found in judged])
    return [_told(part, found, p, asked) for (part, found), p in zip(judged, adjusted, strict=True)]


def present(wanted: list[str], schema: Schema) -> list[str]:
    """Those of the columns of evaluate.slices that this table can be cut by."""
    kept = {column.name for column in schema.columns if column.role not in ("target", "key")}
    return [name for name in wanted if name in kept]


def _told(part: Slice, found: Result, p: float, asked: Question) -> Result:
    named = f"{part.column} = {part.level}" in asked.settings.must_work
    blocks = named and p < asked.settings.alpha
    about = {"column": part.column, "level": part.level, "rows_compared": len(part.rows)}
    return found | about | {"worse": p, "blocks": blocks}
