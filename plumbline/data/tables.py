"""Tables: sources of batches, conversion of values to the schema's types, and writers."""

import json
import lzma
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ..errors import TableError, UsageError
from ..files import replacing
from .schema import ARROW

READ_ERRORS = (pa.ArrowInvalid, OSError, UnicodeError, EOFError, lzma.LZMAError, zlib.error)
BOOLEAN_PAIRS = (("true", "false"), ("yes", "no"), ("on", "off"), ("ja", "nein"), ("t", "f"), ("y", "n"))
_BOOLEAN_WORDS = [word for pair in (*BOOLEAN_PAIRS, ("1", "0")) for word in pair]  # true and false alternate
_STRING_TYPES = (pa.string(), pa.large_string(), pa.string_view())
Writer = Callable[[pa.Table], None]


@dataclass(frozen=True)
class Source:
    """A table that is read in batches.

    Attributes
    ----------
    names : tuple of str
        The columns.
    description : str
        The file format, in words.
    decimal : str
        The decimal mark of columns that are text.
    batches : callable
        Returns an iterator of tables; it can be called again, except on standard input.
    types : mapping of str to pyarrow.DataType, or None
        None where all columns are text.
    unnamed_columns : tuple of str
        The names that are positions, because the header has none.
    parts : tuple of Source
        The files of a folder.
    progress : callable
        Returns the share of the source that has been read, None where it is unknown.
    """

    names: tuple[str, ...]
    description: str
    decimal: str
    batches: Callable[[], Iterator[pa.Table]]
    types: Mapping[str, pa.DataType] | None = None
    unnamed_columns: tuple[str, ...] = ()
    parts: tuple["Source", ...] = ()
    progress: Callable[[], float | None] = lambda: None


@contextmanager
def translate_read_errors(name: str, description: str) -> Iterator[None]:
    """Raise a TableError for an error of a library, without the values that its message quotes."""
    try:
        yield
    except READ_ERRORS as error:
        reason = re.split(r"[:.\n]", str(error))[0]
        raise TableError(
            f"{name}: cannot be read as {description}: {reason}", hint="Correct the file, or export it again"
        ) from None


def name_columns(name: str, header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all names of columns, and those that are positions because the header has none.

    Raises
    ------
    TableError
        Where a name is repeated, or there is no column.

    Examples
    --------
    >>> name_columns("table.csv", ["a", "", "b"])
    (('a', 'column_2', 'b'), ('column_2',))
    """
    counts = Counter(filter(None, header))
    duplicates = [column for column, count in counts.items() if count > 1]
    if duplicates or not header:
        reason = f"{duplicates[0]!r} twice" if duplicates else "none"
        message = f"{name}: expected a header of distinct column names, found {reason}"
        raise TableError(message, hint="Give each column a name of its own in the file")
    positions = {i: f"column_{i + 1}" for i, column in enumerate(header) if not column}
    for i in positions:
        while positions[i] in counts:
            positions[i] += "_"
    return tuple(column or positions[i] for i, column in enumerate(header)), tuple(positions.values())


def replace_missing_markers(table: pa.Table, markers: Collection[str]) -> pa.Table:
    """Return the table with missing values in place of these words."""
    for i, field in enumerate(table.schema if markers else ()):
        values = table.column(i)
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            is_missing = pc.is_in(values, pa.array([*markers], field.type))
            table = table.set_column(i, field.name, pc.if_else(is_missing, pa.scalar(None, field.type), values))
    return table


def convert(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> pa.ChunkedArray:
    """Return the values as a type of the schema.

    Parameters
    ----------
    values : pyarrow.ChunkedArray
    kind : str
        A type, or "timestamp FORMAT" with a strptime format. Without a format, text is ISO 8601, and timestamps with a
        time zone become UTC.
    decimal : str
        The decimal mark of numbers that are text.

    Raises
    ------
    pyarrow.ArrowInvalid
        Where a value does not fit; `convert_or_null` finds it.
    """
    kind, _, format_ = kind.partition(" ")
    if pa.types.is_nested(values.type) and kind in ("category", "text"):
        texts = [None if value is None else str(value) for value in values.to_pylist()]
        values = pa.chunked_array([texts], pa.string())
    if kind in ("boolean", "category", "text") or values.type in _STRING_TYPES:
        values = values.cast(pa.string())
    if kind in ("category", "text") or not pa.types.is_string(values.type):
        return values.cast(ARROW[kind], safe=kind not in ("number", "timestamp"))
    values = pc.utf8_trim_whitespace(values)
    if kind == "boolean":
        return _to_booleans(values)
    if kind == "timestamp":
        return _to_timestamps(values, format_)
    return _to_numbers(values, kind, decimal)


def _to_numbers(texts: pa.ChunkedArray, kind: str, decimal: str) -> pa.ChunkedArray:
    if decimal != ".":
        texts = pc.replace_substring(texts, decimal, ".")
    if kind == "integer":  # 7.0 is an integer: pandas writes a column with missing values so
        texts = pc.replace_substring_regex(texts, r"^([+-]?\d+)\.0*$", r"\1")
        texts.cast(ARROW["number"])  # refuses 0x1F, which Arrow reads as an integer
    return texts.cast(ARROW[kind])


def _to_booleans(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    index = pc.index_in(pc.utf8_lower(texts), pa.array(_BOOLEAN_WORDS))
    if index.null_count > texts.null_count:
        raise pa.ArrowInvalid("neither true nor false")
    return pc.equal(pc.bit_wise_and(index, 1), 0)


def _to_timestamps(texts: pa.ChunkedArray, format_: str) -> pa.ChunkedArray:
    naive = ARROW["timestamp"]
    if not format_:
        try:
            return texts.cast(naive)
        except pa.ArrowInvalid:
            return texts.cast(pa.timestamp("us", "UTC")).cast(naive)
    try:
        times = pd.to_datetime(texts.to_pandas(), format=format_, utc="%z" in format_)
    except ValueError as error:
        raise pa.ArrowInvalid("no such date or time") from error
    return pa.chunked_array([pa.array(times.dt.tz_localize(None).to_numpy(), naive, from_pandas=True)])


def convert_or_null(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> tuple[pa.ChunkedArray, list[int]]:
    """Return the values as in `convert`, null where one does not fit, and the positions of those.

    They are found by bisection, since a conversion fails as a whole.

    Examples
    --------
    >>> values, positions = convert_or_null(pa.chunked_array([["7", "x"]]), "integer")
    >>> values.to_pylist(), positions
    ([7, None], [1])
    """
    try:
        return convert(values, kind, decimal), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        half = len(values) // 2
        if not half:
            return pa.chunked_array([pa.nulls(len(values), ARROW[kind.partition(" ")[0]])]), list(range(len(values)))
        first, first_positions = convert_or_null(values.slice(0, half), kind, decimal)
        second, second_positions = convert_or_null(values.slice(half), kind, decimal)
        positions = first_positions + [half + i for i in second_positions]
        return pa.chunked_array(first.chunks + second.chunks), positions


@contextmanager
def open_sink(path: str) -> Iterator[Writer]:
    """Yield a function that writes a batch to a file, in the format of its suffix, or as CSV to standard output.

    Parameters
    ----------
    path : str
        A name that ends in .csv, .jsonl or .parquet, or "-". The file is written completely or not at all.

    Raises
    ------
    UsageError
        Where the suffix is another one.
    """
    suffix = Path(path).suffix.lower()
    if path == "-":
        with _open_writer(sys.stdout.buffer, ".csv") as write:
            yield write
    elif suffix in (".csv", ".jsonl", ".parquet"):
        with replacing(path) as temporary, temporary.open("wb") as file, _open_writer(file, suffix) as write:
            yield write
    else:
        raise UsageError(f"{path}: expected a name ending in .csv, .jsonl or .parquet", hint="Rename it")


@contextmanager
def _open_writer(file: Any, suffix: str) -> Iterator[Writer]:
    writer: Any = None

    def write(table: pa.Table) -> None:
        nonlocal writer
        if suffix == ".jsonl":
            for row in table.to_pylist():
                file.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
            return
        if writer is None:
            writer = (pq.ParquetWriter if suffix == ".parquet" else pa_csv.CSVWriter)(file, table.schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
        file.flush()
