"""Slices: parts of the holdout that share a level, or lie in the same quarter, of a source column.

Fairness is what the slices of a protected column get, with intervals, and how far they lie apart. Of a binary task: how
often the model says positive, to whom it says so rightly (the true positive rate) and wrongly (the false positive
rate); of several classes the accuracy; of a regression the mean error, which is its lean, and the mean absolute error.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from plumbline.data.schema import NUMERIC, Schema, to_frame
from plumbline.errors import PlumblineError
from plumbline.metrics import LEVEL, interval
from plumbline.params import suggest

MOST_LEVELS = 12  # a column with more levels shows the most frequent ones
MOST_COLUMNS = 5
QUARTERS = 4
SMALL = 30  # rows; below, numbers are shown and no more can be said
LONG = 80  # characters of a level
MEASURES = {
    "binary": ("selection_rate", "true_positive_rate", "false_positive_rate"),
    "multiclass": ("accuracy",),
    "regression": ("mean_error", "mean_absolute_error"),
}


@dataclass(frozen=True)
class Slice:
    """rows: positions in the holdout."""

    column: str
    level: str
    rows: np.ndarray


def choose(wanted: Any, schema: Schema, table: pa.Table, score: np.ndarray) -> list[str]:
    """auto: words and flags of few levels first, then the numbers that the prediction moves with most."""
    if wanted != "auto":
        absent = [name for name in wanted if name not in table.column_names]
        if absent:
            raise PlumblineError(
                f"params.yaml: evaluate.slices names {absent[0]!r}, expected columns beside target and key",
                hint=suggest(absent[0], table.column_names) or "data/schema.json lists the columns",
            )
        return list(wanted)
    columns = [c for c in schema.columns if c.role in ("feature", "group", "time")]
    levels = [c.name for c in columns if c.type in ("category", "boolean") and 2 <= c.distinct <= MOST_LEVELS]
    numbers = [c.name for c in columns if c.type in NUMERIC and c.distinct > QUARTERS]
    values = to_frame(table, dict.fromkeys(numbers, "number"))
    moves = values.corrwith(pd.Series(score), method="spearman").abs().round(6)
    moves = moves.where(values.count() >= SMALL, 0).fillna(0)
    return [*levels, *sorted(numbers, key=lambda name: -moves[name])][:MOST_COLUMNS]


def cut(names: list[str], schema: Schema, table: pa.Table) -> list[Slice]:
    """The slices of these columns of the holdout's source rows; missing values are a slice of their own."""
    types = {column.name: column.type for column in schema.columns}
    made: list[Slice] = []
    for name, values in to_frame(table, {name: types[name] for name in names}).items():
        ordered = types[str(name)] in (*NUMERIC, "timestamp") and values.nunique() > MOST_LEVELS
        parts = _quarters(values) if ordered else _levels(values)
        for level, belongs in [*parts, ("(missing)", values.isna())]:
            rows = np.flatnonzero(belongs.to_numpy(dtype=bool, na_value=False))
            if len(rows):
                made.append(Slice(str(name), level[:LONG], rows))
    return made


def _levels(values: pd.Series) -> list[tuple[str, pd.Series]]:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [(_text(level, ".15g"), values == level) for level in sorted(counts.index[:MOST_LEVELS])]


def _quarters(values: pd.Series) -> list[tuple[str, pd.Series]]:
    edges = list(values.quantile(np.linspace(0, 1, QUARTERS + 1)).unique())
    made = []
    for low, high in pairwise(edges):
        side, closing = ("both", "]") if high == edges[-1] else ("left", ")")
        label = f"[{_text(low, '.4g')}, {_text(high, '.4g')}{closing}"
        made.append((label, values.between(low, high, inclusive=side)))  # type: ignore[arg-type]
    return made


def _text(value: Any, spec: str) -> str:
    return format(value, spec) if isinstance(value, float) else str(value)


def holm(values: list[float]) -> list[float]:
    """P values of a family, each as large as its own test at the family's level needs it to be (Holm 1979)."""
    adjusted, bound = [1.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        bound = max(bound, min(1.0, values[place] * (len(values) - rank)))
        adjusted[place] = bound
    return adjusted


def fairness(
    groups: dict[Any, Slice], values: dict[Any, dict[str, float]], drawn: dict[Any, dict[str, np.ndarray]]
) -> dict[str, list[dict[str, Any]]]:
    """Each measure of each group as [value, low, high], and the largest gap between groups that can be judged.

    The widest gap of several groups is wide by chance, too: its interval is at the level at which those of all pairs
    hold together (Bonferroni).

    groups: the levels of protected columns in the holdout, by the keys of values and drawn (see `measure`).
    """
    listed = [
        {"column": part.column, "level": part.level, "rows": len(part.rows), "small": len(part.rows) < SMALL}
        | {name: [value, *interval(drawn[key][name])] for name, value in values[key].items()}
        for key, part in groups.items()
    ]
    gaps = []
    for column in dict.fromkeys(part.column for part in groups.values()):
        judged = [key for key, part in groups.items() if part.column == column and len(part.rows) >= SMALL]
        for name in values[judged[0]] if len(judged) > 1 else ():
            known = [key for key in judged if not np.isnan(values[key][name])]
            if len(known) > 1:
                low, high = (pick(known, key=lambda key: values[key][name]) for pick in (min, max))
                pairs = len(known) * (len(known) - 1) / 2
                gap = interval(drawn[high][name] - drawn[low][name], 1 - (1 - LEVEL) / pairs)
                between = [groups[low].level, groups[high].level]
                size = values[high][name] - values[low][name]
                gaps.append({"column": column, "measure": name, "between": between, "gap": [size, *gap]})
    return {"groups": listed, "gaps": gaps}
