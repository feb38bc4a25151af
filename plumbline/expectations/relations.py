"""Expectations of pairs of columns: one is never above the other, one is missing where the other is."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.schema import NUMERIC, Schema
from plumbline.expectations.expectation import Expectation, expect
from plumbline.expectations.intervals import PredictionIntervals, round_down

_SAMPLE = 2000  # rows in which every pair is examined; what is true there is counted on all
_MIN_SUPPORT = 30  # rows of the sample in which a relation must be seen
_MIN_CHANCE = 0.05  # a relation that fewer rows would break if the columns were independent means nothing
_MAX_RELATIONS = 20  # of each sort


class _Pair(NamedTuple):
    """Two columns; they sort by the share of rows that would break the relation if they were independent."""

    negative_chance: float
    first: str
    second: str


def draft_relations(file: pq.ParquetFile, schema: Schema, intervals: PredictionIntervals) -> list[Expectation]:
    """Draft expectations of pairs of columns, of each sort those that independent columns would break most often."""
    rows = pa.array(np.unique(np.linspace(0, schema.rows - 1, _SAMPLE).astype("int64")))
    missing: dict[str, np.ndarray] = {}
    values: dict[str, dict[str, np.ndarray]] = {"number": {}, "timestamp": {}}
    for column in schema.columns:
        part = _read(file, column.name).take(rows)
        missing[column.name] = part.is_null().to_numpy()
        if column.type in (*NUMERIC, "timestamp") and column.role not in ("key", "group"):
            numbers = part.cast(pa.int64()) if column.type == "timestamp" else part
            kind = "timestamp" if column.type == "timestamp" else "number"
            values[kind][column.name] = numbers.cast(pa.float64(), safe=False).to_numpy()
    orders = [pair for columns in values.values() if len(columns) > 1 for pair in _find_orders(columns)]
    gaps = _find_gaps(missing)
    return [
        *(_expect_order(file, intervals, pair) for pair in sorted(orders)[:_MAX_RELATIONS]),
        *(_expect_gap(file, intervals, pair) for pair in sorted(gaps)[:_MAX_RELATIONS]),
    ]


def _read(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    return file.read([name], use_threads=False).column(0)


def _find_orders(columns: dict[str, np.ndarray]) -> Iterator[_Pair]:
    """Yield pairs of which the first is nowhere above the second."""
    names, table = list(columns), np.column_stack(list(columns.values()))
    permutation = np.random.default_rng(0).permutation(table)
    for i, name in enumerate(names):
        values = columns[name][:, None]
        support = (~np.isnan(values) & ~np.isnan(table)).sum(axis=0)
        chance = (values > permutation).sum(axis=0) / np.maximum(support, 1)
        chance[i] = 0
        is_order = ~(values > table).any(axis=0) & (support >= _MIN_SUPPORT) & (chance >= _MIN_CHANCE)
        yield from (_Pair(-float(chance[j]), name, names[j]) for j in np.flatnonzero(is_order))


def _expect_order(file: pq.ParquetFile, intervals: PredictionIntervals, pair: _Pair) -> Expectation:
    is_above = pc.greater(_read(file, pair.first), _read(file, pair.second)).drop_null()
    count = pc.sum(is_above).as_py()
    return expect(
        "expect_column_pair_values_a_to_be_greater_than_b",
        f"{count:,} of {len(is_above):,} rows broke it: more are rows joined wrongly, or columns mixed up",
        column_A=pair.second,
        column_B=pair.first,
        ignore_row_if="either_value_is_missing",
        mostly=round_down(1 - intervals.share(count, len(is_above))[1]),
        or_equal=True,
    )


def _find_gaps(missing: dict[str, np.ndarray]) -> Iterator[_Pair]:
    """Yield pairs of which the second is missing wherever the first is."""
    names, table = list(missing), np.column_stack(list(missing.values()))
    chance = 1 - table.mean(axis=0)
    for name, mask in missing.items():
        if mask.sum() >= _MIN_SUPPORT and not set("`\n") & set(name):  # no condition can name such a column
            is_gap = table[mask].all(axis=0) & (chance >= _MIN_CHANCE)
            yield from (_Pair(-float(chance[i]), name, names[i]) for i in np.flatnonzero(is_gap) if names[i] != name)


def _expect_gap(file: pq.ParquetFile, intervals: PredictionIntervals, pair: _Pair) -> Expectation:
    values = _read(file, pair.second).filter(_read(file, pair.first).is_null())
    count = len(values) - values.null_count
    return expect(
        "expect_column_values_to_be_null",
        f"{count:,} of {len(values):,} rows without {pair.first!r} had a value: more are filled in another way",
        column=pair.second,
        mostly=round_down(1 - intervals.share(count, len(values))[1]),
        row_condition={"column": {"name": pair.first}, "is_null": True, "type": "nullity"},
    )
