"""Relations between two columns that a table shows: one never above another, one missing when another is."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src.expectations.room import Room, at_least
from src.expectations.suite import expect
from src.predictor.schema import NUMERIC, Schema

SAMPLE = 2000  # rows that every pair is looked at in; what holds there is counted on all
SUPPORT = 30  # rows of the sample that a relation must be seen in
CHANCE = 0.05  # a relation that fewer rows would break if the columns were unrelated says nothing
MOST = 20  # relations of each sort


def relations(file: pq.ParquetFile, schema: Schema, room: Room) -> list[dict[str, Any]]:
    """Expectations of pairs of columns, of each sort those that unrelated columns would break most."""
    rows = pa.array(np.unique(np.linspace(0, schema.rows - 1, SAMPLE).astype("int64")))
    gaps: dict[str, np.ndarray] = {}
    ordered: dict[str, dict[str, np.ndarray]] = {"number": {}, "timestamp": {}}
    for column in schema.columns:
        part = _read(file, column.name).take(rows)
        gaps[column.name] = part.is_null().to_numpy()
        if column.type in (*NUMERIC, "timestamp") and column.role not in ("key", "group"):
            whole = part.cast(pa.int64()) if column.type == "timestamp" else part
            kind = "timestamp" if column.type == "timestamp" else "number"
            ordered[kind][column.name] = whole.cast(pa.float64(), safe=False).to_numpy()
    orders = [pair for columns in ordered.values() if len(columns) > 1 for pair in _never_above(columns)]
    found = [_order(file, room, *pair) for pair in sorted(orders)[:MOST]]
    return found + [_gap(file, room, *pair) for pair in sorted(_missing_together(gaps))[:MOST]]


def _read(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    return file.read([name], use_threads=False).column(0)


def _never_above(columns: dict[str, np.ndarray]) -> list[tuple[float, str, str]]:
    """Pairs of which the first is nowhere above the second, with the share of chance (negative, to sort by)."""
    names, table = list(columns), np.column_stack(list(columns.values()))
    mixed = np.random.default_rng(0).permutation(table)
    found = []
    for number, name in enumerate(names):
        values = columns[name][:, None]
        both = (~np.isnan(values) & ~np.isnan(table)).sum(axis=0)
        chance = (values > mixed).sum(axis=0) / np.maximum(both, 1)
        chance[number] = 0
        never = ~(values > table).any(axis=0) & (both >= SUPPORT) & (chance >= CHANCE)
        found += [(-float(chance[other]), name, names[other]) for other in np.flatnonzero(never)]
    return found


def _order(file: pq.ParquetFile, room: Room, _: float, less: str, more: str) -> dict[str, Any]:
    above = pc.greater(_read(file, less), _read(file, more)).drop_null()
    broken = pc.sum(above).as_py()
    return expect(
        "expect_column_pair_values_a_to_be_greater_than_b",
        f"broken by {broken:,} of {len(above):,} rows: rows joined wrongly, columns mixed up",
        column_A=more,
        column_B=less,
        ignore_row_if="either_value_is_missing",
        mostly=at_least(1 - room.share(broken, len(above))[1]),
        or_equal=True,
    )


def _missing_together(gaps: dict[str, np.ndarray]) -> list[tuple[float, str, str]]:
    """Pairs of which the second is missing wherever the first is, as in `_never_above`."""
    names, table = list(gaps), np.column_stack(list(gaps.values()))
    chance = 1 - table.mean(axis=0)
    found = []
    for name, missing in gaps.items():
        if missing.sum() >= SUPPORT and not set("`\n") & set(name):  # no condition can name such a column
            always = table[missing].all(axis=0) & (chance >= CHANCE)
            found += [(-float(chance[i]), name, names[i]) for i in np.flatnonzero(always) if names[i] != name]
    return found


def _gap(file: pq.ParquetFile, room: Room, _: float, first: str, second: str) -> dict[str, Any]:
    missing = _read(file, second).filter(_read(file, first).is_null())
    broken = len(missing) - missing.null_count
    return expect(
        "expect_column_values_to_be_null",
        f"missing where {first!r} is, but for {broken:,} of {len(missing):,} rows",
        column=second,
        mostly=at_least(1 - room.share(broken, len(missing))[1]),
        row_condition={"column": {"name": first}, "is_null": True, "type": "nullity"},
    )
