"""Raw rows to predictions: types, then features, then the model. This is what a package is for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module, resources
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..data import tables
from ..data.schema import ARROW, Column, Schema, frame
from ..errors import PlumblineError, nearest_name
from . import modelfile
from .featurizing import Features, make_features
from .fitted_model import FittedModel
from .scores import predict

EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a date or time as 2024-12-31 or 2024-12-31 23:59:59",
    "category": "text",
    "text": "text",
}
FAR = 0.5  # of a range's width: a value beyond either end by more is unusual
FIRST, LINES = 3, 10  # row numbers in a line about unusual values, and lines


@dataclass(frozen=True)
class Unusual:
    """The rows (positions from 0) of one column with such values, and what was expected there, in words."""

    column: str
    expected: str
    rows: np.ndarray


class Predictor:
    """A fitted model with its schema.

    model: see scores.py; schema: the source's columns as ingest settled them; features: of src/features.py.
    """

    def __init__(self, model: FittedModel, schema: Schema, features: Features) -> None:
        self.model, self.schema, self.features = model, schema, features
        self.types = {column.name: column.type for column in schema.inputs}

    @classmethod
    def load(cls) -> "Predictor":
        """The model that lies in this package."""
        here = resources.files(__package__)
        schema = Schema.loads(here.joinpath("schema.json").read_text(encoding="utf-8"))
        root = __package__.partition(".")[0]
        features, user = (import_module(f"{root}.{name}") for name in ("features", "model"))
        content = here.joinpath("model.skops").read_bytes()
        return cls(modelfile.loads(content, "model.skops", [features, user]), schema, features.features)

    def typed(
        self, table: pa.Table, decimal: str = ".", *, strict: bool = False
    ) -> tuple[pa.Table, list[dict[str, Any]]]:
        """The inputs of the rows that fit, with their types, and the values that do not fit.

        Of each such value: row (counted from 1), column, expected, found. strict: an unusual value does not fit.
        """
        self._check_names(table.column_names)
        made: dict[str, pa.ChunkedArray] = {}
        bad: list[dict[str, Any]] = []
        for column in self.schema.inputs:
            name, values = column.name, table.column(column.name)
            expected = f"a date or time as {column.format}" if column.format else EXPECTED[column.type]
            made[name], positions = tables.fitted(values, f"{column.type} {column.format or ''}".strip(), decimal)
            bad += [
                {"row": i + 1, "column": name, "expected": expected, "found": str(values[i].as_py())} for i in positions
            ]
        if strict:
            known = {(value["row"], value["column"]) for value in bad}
            bad += [
                {"row": i + 1, "column": u.column, "expected": u.expected, "found": str(table[u.column][i].as_py())}
                for u in self.unusual(pa.table(made))
                for i in u.rows.tolist()
                if (i + 1, u.column) not in known
            ]
        bad.sort(key=lambda value: value["row"])
        return pa.table(made).filter(fitting(table, bad)) if bad else pa.table(made), bad

    def _check_names(self, names: list[str]) -> None:
        absent = [name for name in self.types if name not in names]
        if absent:
            near = nearest_name(absent[0], [name for name in names if name not in self.types])
            what = f"; the nearest is {near!r}. Rename it" if near else ""
            raise PlumblineError(
                f"input: column {absent[0]!r} is missing ({len(absent)} of {len(self.types)} are); "
                f"found {len(names)} columns{what}"
            )

    def unusual(self, table: pa.Table) -> list[Unusual]:
        """Values of typed rows that are far outside the range of the table that the model comes from, or missing where
        none was."""
        return find_unusual(table, self.schema.inputs)

    def predict(
        self, rows: pd.DataFrame | pa.Table | list[dict[str, Any]], *, flag: bool = False, strict: bool = False
    ) -> pd.DataFrame:
        """Predictions for raw rows: `prediction`, and `probability_CLASS` for each class of a classification.

        A value is unusual when it lies beyond the range of the table that the model comes from by more than half of
        the range's width, or when it is missing in a column where that table missed none.

        Parameters
        ----------
        rows : a frame, an Arrow table or a list of dicts
            With the source's columns; others are passed over.
        flag : bool
            Add a column `unusual`: the names of the columns with unusual values, joined by "; ", or "".
        strict : bool
            Refuse unusual values.

        Raises
        ------
        PlumblineError
            When a column is missing, or a value does not fit its type.
        """
        if isinstance(rows, pa.Table):
            table = rows
        elif isinstance(rows, pd.DataFrame):
            self._check_names([str(name) for name in rows.columns])
            table = pa.table({name: _array(rows[name]) for name in self.types})
        else:
            self._check_names([*dict.fromkeys(key for row in rows for key in row)] if rows else [*self.types])
            table = pa.table({name: _array([row.get(name) for row in rows]) for name in self.types})
        typed, bad = self.typed(table, strict=strict)
        if bad:
            raise PlumblineError(
                f"input, row {bad[0]['row']}, column {bad[0]['column']!r}: expected {bad[0]['expected']}"
            )
        found = self.predict_typed(typed)
        if flag:
            found["unusual"] = flags(self.unusual(typed), len(found))
        return found.set_index(rows.index) if isinstance(rows, pd.DataFrame) else found

    def predict_typed(self, table: pa.Table) -> pd.DataFrame:
        """Predictions for rows that have their types already, as data/table.parquet holds them."""
        return predict(self.model, make_features(self.features, frame(table, self.types)))


def fitting(table: pa.Table, bad: list[dict[str, Any]]) -> pa.Array:
    """True for each row of the table without a bad value."""
    rows = {value["row"] for value in bad}
    return pa.array([row not in rows for row in range(1, table.num_rows + 1)], pa.bool_())


def _array(values: Any) -> pa.ChunkedArray:
    try:
        made = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError):
        texts = [str(value).encode(errors="replace").decode() for value in values]  # so that `typed` finds the misfit
        made = pa.array(texts, mask=pd.Series(list(values), dtype=object).isna().to_numpy())
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


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
            first += numbers[each.rows[: FIRST - len(first)]].tolist()

    def lines(self) -> list[str]:
        """A line for each column, the commonest first."""
        ordered = sorted(self.counts.items(), key=lambda item: -item[1])
        lines = [
            f"unusual: column {column!r}: {count:,} value{'s' * (count > 1)}, expected {expected} "
            f"(row{'s' * (count > 1)} {', '.join(map(str, self.first[column, expected]))}{', ...' * (count > FIRST)})"
            for (column, expected), count in ordered[:LINES]
        ]
        more = len(ordered) - len(lines)
        return [*lines, f"unusual: and {more} more columns"] if more > 0 else lines
