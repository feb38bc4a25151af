"""Slices: parts of the holdout that share a level, or lie in the same quarter, of a source column."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from src.predictor.refusal import Refusal
from src.predictor.schema import NUMERIC, Schema

MOST_LEVELS = 12  # a column with more levels shows the most frequent ones
MOST_COLUMNS = 5
QUARTERS = 4
SMALL = 30  # rows; below, numbers are shown and no more can be said


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
            raise Refusal(f"params.yaml: evaluate.slices names {absent[0]!r}, expected columns of the table")
        return list(wanted)
    columns = [c for c in schema.columns if c.role in ("feature", "group", "time")]
    levels = [c.name for c in columns if c.type in ("category", "boolean") and 2 <= c.distinct <= MOST_LEVELS]
    numbers = [c.name for c in columns if c.type in NUMERIC and c.distinct > QUARTERS]
    numbers.sort(key=lambda name: -_rank_correlation(table.column(name), score))
    return (levels + numbers)[:MOST_COLUMNS]


def _rank_correlation(values: pa.ChunkedArray, score: np.ndarray) -> float:
    numbers = values.cast(pa.float64()).to_numpy()
    known = ~np.isnan(numbers)
    if known.sum() < SMALL:
        return 0.0
    ranks = [np.argsort(np.argsort(v[known], kind="stable"), kind="stable") for v in (numbers, score)]
    return round(abs(float(np.corrcoef(ranks[0], ranks[1])[0, 1])), 6)


def cut(names: list[str], schema: Schema, table: pa.Table) -> list[Slice]:
    """The slices of these columns of the holdout's source rows; missing values are a slice of their own."""
    types = {column.name: column.type for column in schema.columns}
    made: list[Slice] = []
    for name in names:
        values = table.column(name)
        missing = values.is_null().to_numpy()
        number = types[name] in (*NUMERIC, "timestamp") and pc.count_distinct(values).as_py() > MOST_LEVELS
        made += _quarters(name, values, missing) if number else _levels(name, values)
        if missing.any():
            made.append(Slice(name, "(missing)", np.flatnonzero(missing)))
    return made


def _levels(name: str, values: pa.ChunkedArray) -> list[Slice]:
    counts = sorted(
        pc.value_counts(values.drop_null()).to_pylist(), key=lambda item: (-item["counts"], str(item["values"]))
    )
    shown = sorted((item["values"] for item in counts[:MOST_LEVELS]), key=lambda v: (isinstance(v, str), v))
    return [Slice(name, str(v), np.flatnonzero(pc.fill_null(pc.equal(values, v), False).to_numpy())) for v in shown]


def _quarters(name: str, values: pa.ChunkedArray, missing: np.ndarray) -> list[Slice]:
    numbers = (
        pc.fill_null(values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values, 0)
        .to_numpy()
        .astype(float)
    )
    edges = np.unique(np.quantile(numbers[~missing], np.linspace(0, 1, QUARTERS + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    made = []
    for i in range(len(edges) - 1):
        low, high = (
            pa.scalar(int(e), pa.timestamp("us")).as_py() if pa.types.is_timestamp(values.type) else f"{e:.4g}"
            for e in edges[i : i + 2]
        )
        closing = "]" if i == len(edges) - 2 else ")"
        made.append(Slice(name, f"[{low}, {high}{closing}", np.flatnonzero((place == i) & ~missing)))
    return made
