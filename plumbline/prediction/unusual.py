"""Values unlike the table that the model was fitted on: far outside its range, or missing where none was."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..data.schema import ARROW, Column

FAR = 0.5  # of a range's width: a value beyond either end by more is unusual
FIRST, LINES = 3, 10  # row numbers in a line of a summary, and lines


@dataclass(frozen=True)
class Unusual:
    """The rows in which one column has unusual values.

    Attributes
    ----------
    column : str
    expected : str
        What was expected there, for people.
    rows : array, shape (values,)
        Positions from 0.
    """

    column: str
    expected: str
    rows: np.ndarray


def find_unusual(table: pa.Table, columns: Iterable[Column]) -> list[Unusual]:
    """Return what is unusual in typed rows, by the ranges and the shares of missing values in the schema."""
    unusual = []
    for column in columns:
        values = table.column(column.name)
        if not column.missing:
            gaps = pc.is_null(values, nan_is_null=True)
            unusual.append(Unusual(column.name, "a value, as in every row of the table", _positions(gaps)))
        if column.low is not None:
            low, high = _limits(column)
            numbers = _numbers(values)
            far = pc.or_(pc.less(numbers, low), pc.greater(numbers, high))
            expected = f"a value in or near the table's range, {column.low} to {column.high}"
            unusual.append(Unusual(column.name, expected, _positions(far)))
    return [part for part in unusual if len(part.rows)]


def _limits(column: Column) -> tuple[float, float]:
    """How far values may be outside the range: FAR of its width on either side."""
    low, high = (
        _numbers(pa.array([datetime.fromisoformat(end) if column.type == "timestamp" else end]))[0].as_py()
        for end in (column.low, column.high)
    )
    return low - FAR * (high - low), high + FAR * (high - low)


def _numbers(values: Any) -> Any:
    if pa.types.is_timestamp(values.type):
        values = values.cast(ARROW["timestamp"]).cast(pa.int64())
    return values.cast(pa.float64(), safe=False)


def _positions(mask: pa.ChunkedArray) -> np.ndarray:
    return pc.indices_nonzero(pc.fill_null(mask, False)).to_numpy()


def join_columns(unusual: list[Unusual], rows: int) -> list[str]:
    """Return for each of so many rows the names of its columns with unusual values, joined by "; ".

    Examples
    --------
    >>> join_columns([Unusual("age", "a value", np.array([1]))], rows=2)
    ['', 'age']
    """
    names: list[list[str]] = [[] for _ in range(rows)]
    for part in unusual:
        for row in part.rows:
            names[row].append(part.column)
    return ["; ".join(columns) for columns in names]


@dataclass
class Summary:
    """Counts unusual values over all batches of a table."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    first_rows: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, unusual: list[Unusual], numbers: np.ndarray) -> None:
        """Count a batch; `numbers` are the numbers of its rows in the whole table, shape (rows,)."""
        for part in unusual:
            key = (part.column, part.expected)
            self.counts[key] = self.counts.get(key, 0) + len(part.rows)
            first = self.first_rows.setdefault(key, [])
            first += numbers[part.rows[: FIRST - len(first)]].tolist()

    def lines(self) -> list[str]:
        """Return a line for each column, the most frequent first."""
        by_count = sorted(self.counts.items(), key=lambda item: -item[1])
        lines = [self._line(key, count) for key, count in by_count[:LINES]]
        more = len(by_count) - len(lines)
        return [*lines, f"unusual: and {more} more columns"] if more > 0 else lines

    def _line(self, key: tuple[str, str], count: int) -> str:
        column, expected = key
        plural, more = "s" * (count > 1), ", ..." * (count > FIRST)
        rows = f"row{plural} {', '.join(map(str, self.first_rows[key]))}{more}"
        return f"unusual: column {column!r}: {count:,} value{plural}, expected {expected} ({rows})"
