"""Values unlike those of the table that the model comes from: far outside its range, or missing where none was."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .schema import ARROW, Column

FAR = 0.5  # of the range's width, beyond either end
SHOWN = 3  # row numbers in a line
LINES = 10


@dataclass(frozen=True)
class Unusual:
    """The rows (positions from 0) of one column with such values, and what was expected there, in words."""

    column: str
    expected: str
    rows: np.ndarray


def find_unusual(table: pa.Table, columns: Iterable[Column]) -> list[Unusual]:
    """What is unusual in typed rows, by the ranges and the shares of missing values of the schema."""
    found = []
    for column in columns:
        values = table.column(column.name)
        if not column.missing:
            gaps = pc.is_null(values, nan_is_null=True)
            found.append(Unusual(column.name, "a value, as in every row of the table", _positions(gaps)))
        if column.low is not None:
            low, high = _limits(column)
            numbers = _numbers(values)
            far = pc.or_(pc.less(numbers, low), pc.greater(numbers, high))
            words = f"a value in or near the table's range, {column.low} to {column.high}"
            found.append(Unusual(column.name, words, _positions(far)))
    return [each for each in found if len(each.rows)]


def _limits(column: Column) -> tuple[float, float]:
    """How far values may lie outside the range: FAR of its width on either side."""
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


def flags(found: list[Unusual], rows: int) -> list[str]:
    """Of each row the columns with unusual values, joined by "; "; empty where there is none."""
    names: list[list[str]] = [[] for _ in range(rows)]
    for each in found:
        for row in each.rows:
            names[row].append(each.column)
    return ["; ".join(columns) for columns in names]


class Tally:
    """What was unusual in all batches of a table."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self.first: dict[tuple[str, str], list[int]] = {}

    def add(self, found: list[Unusual], numbers: np.ndarray) -> None:
        """numbers: of the rows in the whole table, by their positions in this batch."""
        for each in found:
            what = (each.column, each.expected)
            self.counts[what] = self.counts.get(what, 0) + len(each.rows)
            first = self.first.setdefault(what, [])
            first += numbers[each.rows[: SHOWN - len(first)]].tolist()

    def lines(self) -> list[str]:
        """A line for each column, the commonest first."""
        ordered = sorted(self.counts.items(), key=lambda item: -item[1])
        lines = [
            f"unusual: column {column!r}: {count:,} values, expected {expected} "
            f"(rows {', '.join(map(str, self.first[column, expected]))}{', ...' * (count > SHOWN)})"
            for (column, expected), count in ordered[:LINES]
        ]
        more = len(ordered) - len(lines)
        return [*lines, f"unusual: and {more} more columns"] if more > 0 else lines
