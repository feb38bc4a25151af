"""Slices: parts of the holdout that share a level, or lie in the same quarter, of a source column."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from src.predictor.refusal import Refusal
from src.predictor.schema import NUMERIC, Schema, frame

MOST_LEVELS = 12  # a column with more levels shows the most frequent ones
MOST_COLUMNS = 5
QUARTERS = 4
SMALL = 30  # rows; below, numbers are shown and no more can be said
LONG = 80  # characters of a level


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
            raise Refusal(
                f"params.yaml: evaluate.slices names {absent[0]!r}, expected columns of the table beside target and key"
            )
        return list(wanted)
    columns = [c for c in schema.columns if c.role in ("feature", "group", "time")]
    levels = [c.name for c in columns if c.type in ("category", "boolean") and 2 <= c.distinct <= MOST_LEVELS]
    numbers = [c.name for c in columns if c.type in NUMERIC and c.distinct > QUARTERS]
    values = frame(table, dict.fromkeys(numbers, "number"))
    moves = values.corrwith(pd.Series(score), method="spearman").abs().round(6)
    moves = moves.where(values.count() >= SMALL, 0).fillna(0)
    return [*levels, *sorted(numbers, key=lambda name: -moves[name])][:MOST_COLUMNS]


def cut(names: list[str], schema: Schema, table: pa.Table) -> list[Slice]:
    """The slices of these columns of the holdout's source rows; missing values are a slice of their own."""
    types = {column.name: column.type for column in schema.columns}
    made: list[Slice] = []
    for name, values in frame(table, {name: types[name] for name in names}).items():
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
