"""Raw rows as rows with the types of the schema, and the values that do not fit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa

from ..data import tables
from ..data.schema import Schema
from ..errors import TableError, nearest_name
from .unusual import find_unusual

EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a date or time as 2024-12-31 or 2024-12-31 23:59:59",
    "category": "text",
    "text": "text",
}
RawRows: TypeAlias = pd.DataFrame | pa.Table | list[dict[str, Any]]


@dataclass(frozen=True)
class BadValue:
    """A value that does not fit its column.

    Attributes
    ----------
    row : int
        Counted from 1.
    column : str
    expected : str
        What fits, for people.
    value : str
    """

    row: int
    column: str
    expected: str
    value: str


@dataclass(frozen=True)
class TypedRows:
    """The inputs of the rows that fit, with their types, and the values of the rows that do not."""

    table: pa.Table
    bad_values: tuple[BadValue, ...]

    def require_all(self, where: str, *, hint: str) -> pa.Table:
        """Return the table.

        Raises
        ------
        TableError
            For the first bad value, which is not shown; `where` names the table.
        """
        if self.bad_values:
            bad = self.bad_values[0]
            raise TableError(f"{where}row {bad.row}, column {bad.column!r}: expected {bad.expected}", hint=hint)
        return self.table


def type_rows(table: pa.Table, schema: Schema, *, decimal: str = ".", strict: bool = False) -> TypedRows:
    """Give raw rows the types of the schema.

    Parameters
    ----------
    table : Table
        With the inputs of the schema; other columns are ignored.
    schema : Schema
    decimal : str
        The decimal mark of numbers in text.
    strict : bool
        Whether an unusual value is one that does not fit (see `find_unusual`).

    Returns
    -------
    TypedRows

    Raises
    ------
    TableError
        Where a column is missing.
    """
    check_columns(table.column_names, schema)
    columns: dict[str, pa.ChunkedArray] = {}
    bad: list[BadValue] = []
    for column in schema.inputs:
        name, values = column.name, table.column(column.name)
        expected = f"a date or time as {column.format}" if column.format else EXPECTED[column.type]
        columns[name], positions = tables.convert_or_null(
            values, f"{column.type} {column.format or ''}".strip(), decimal
        )
        bad += [BadValue(i + 1, name, expected, str(values[i].as_py())) for i in positions]
    typed = pa.table(columns)
    if strict:
        places = {(value.row, value.column) for value in bad}
        bad += [
            BadValue(i + 1, part.column, part.expected, str(table[part.column][i].as_py()))
            for part in find_unusual(typed, schema.inputs)
            for i in part.rows.tolist()
            if (i + 1, part.column) not in places
        ]
    bad.sort(key=lambda value: value.row)
    return TypedRows(typed.filter(_without(bad, table.num_rows)) if bad else typed, tuple(bad))


def _without(bad: list[BadValue], rows: int) -> pa.Array:
    bad_rows = {value.row for value in bad}
    return pa.array([row not in bad_rows for row in range(1, rows + 1)], pa.bool_())


def check_columns(names: Iterable[str], schema: Schema) -> None:
    """Raise a TableError where an input of the schema is not among the names."""
    names, inputs = list(names), [column.name for column in schema.inputs]
    missing = [name for name in inputs if name not in names]
    if missing:
        nearest = nearest_name(missing[0], [name for name in names if name not in inputs])
        message = f"input: column {missing[0]!r} is missing ({len(missing)} of {len(inputs)} are)"
        raise TableError(
            f"{message}; found {len(names)} columns{f', the nearest is {nearest!r}' if nearest else ''}",
            hint="Rename it" if nearest else "Add it",
        )


def to_table(rows: RawRows, schema: Schema) -> pa.Table:
    """Return raw rows, in whatever form, as a table with the inputs of the schema."""
    if isinstance(rows, pa.Table):
        return rows
    inputs = [column.name for column in schema.inputs]
    if isinstance(rows, pd.DataFrame):
        check_columns([str(name) for name in rows.columns], schema)
        return pa.table({name: _to_array(rows[name]) for name in inputs})
    check_columns(dict.fromkeys(key for row in rows for key in row) if rows else inputs, schema)
    return pa.table({name: _to_array([row.get(name) for row in rows]) for name in inputs})


def _to_array(values: Any) -> pa.ChunkedArray:
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError):
        texts = [str(value).encode(errors="replace").decode() for value in values]  # `type_rows` then finds the misfit
        array = pa.array(texts, mask=pd.Series(list(values), dtype=object).isna().to_numpy())
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
