"""Tables: what a source of one is, how values get their types, and how they are written, whole or not at all."""

import json
import lzma
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ..errors import PlumblineError
from ..files import replacing
from .schema import ARROW

WORDS = (pa.string(), pa.large_string(), pa.string_view())
BROKEN = (pa.ArrowInvalid, OSError, UnicodeError, EOFError, lzma.LZMAError, zlib.error)
PAIRS = (("true", "false"), ("yes", "no"), ("on", "off"), ("ja", "nein"), ("t", "f"), ("y", "n"))
FLAGS = [word for pair in (*PAIRS, ("1", "0")) for word in pair]  # true and false in turn


@dataclass(frozen=True)
class Source:
    """A table that is read in batches; `batches` may be called again unless it comes from a stream."""

    names: tuple[str, ...]
    form: str
    decimal: str
    batches: Callable[[], Iterator[pa.Table]]
    types: dict[str, pa.DataType] | None = None  # None where every column comes as text
    unnamed: tuple[str, ...] = ()  # of the names, those that were given by position
    parts: tuple["Source", ...] = ()  # of a folder
    share: Callable[[], float | None] = lambda: None  # how much of it has been read; None where that is not known


@contextmanager
def reading(name: str, form: str) -> Iterator[None]:
    """The library's errors as a line, without the row that they quote."""
    try:
        yield
    except BROKEN as error:
        what = re.split(r"[:.\n]", str(error))[0]
        raise PlumblineError(f"{name}: cannot be read as {form}: {what}. Fix the file") from None


def name_columns(name: str, given: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All names, and those that were made up: a column without a name is named by its position, column_3."""
    counts = Counter(filter(None, given))
    twice = [column for column, count in counts.items() if count > 1]
    if twice or not given:
        found = f"{twice[0]!r} twice" if twice else "none"
        raise PlumblineError(f"{name}: expected a header of distinct column names, found {found}. Fix it in the file")
    made_up = {i: f"column_{i + 1}" for i, column in enumerate(given) if not column}
    for i in made_up:
        while made_up[i] in counts:
            made_up[i] += "_"
    return tuple(column or made_up[i] for i, column in enumerate(given)), tuple(made_up.values())


def convert(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> pa.ChunkedArray:
    """The values as a type of the schema; raises pa.ArrowInvalid when one does not fit (see `fitted`).

    kind: a type, or "timestamp FORMAT" with the codes of strptime; without a format words are ISO 8601, and what
    has a zone becomes UTC.
    """
    kind, _, form = kind.partition(" ")
    if pa.types.is_nested(values.type) and kind in ("category", "text"):
        values = pa.chunked_array(
            [[None if value is None else str(value) for value in values.to_pylist()]], pa.string()
        )
    if kind in ("boolean", "category", "text") or values.type in WORDS:
        values = values.cast(pa.string())
    if kind in ("category", "text") or not pa.types.is_string(values.type):
        return values.cast(ARROW[kind], safe=kind not in ("number", "timestamp"))
    values = pc.utf8_trim_whitespace(values)
    if kind == "boolean":
        return _flags(values)
    if kind == "timestamp":
        return _times(values, form)
    if decimal != ".":
        values = pc.replace_substring(values, decimal, ".")
    if kind == "integer":  # 7.0 is whole: a column with gaps is often written so
        values = pc.replace_substring_regex(values, r"^([+-]?\d+)\.0*$", r"\1")
        values.cast(ARROW["number"])  # refuses 0x1F, which Arrow takes for a whole number
    return values.cast(ARROW[kind])


def _flags(words: pa.ChunkedArray) -> pa.ChunkedArray:
    found = pc.index_in(pc.utf8_lower(words), pa.array(FLAGS))
    if found.null_count > words.null_count:
        raise pa.ArrowInvalid("neither true nor false")
    return pc.equal(pc.bit_wise_and(found, 1), 0)


def _times(words: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    naive = ARROW["timestamp"]
    if not form:
        try:
            return words.cast(naive)
        except pa.ArrowInvalid:
            return words.cast(pa.timestamp("us", "UTC")).cast(naive)
    try:
        made = pd.to_datetime(words.to_pandas(), format=form, utc="%z" in form)
    except ValueError as error:
        raise pa.ArrowInvalid("no such date or time") from error
    return pa.chunked_array([pa.array(made.dt.tz_localize(None).to_numpy(), naive, from_pandas=True)])


def fitted(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> tuple[pa.ChunkedArray, list[int]]:
    """The values as `kind`, missing where they are none, and the positions of those, found by halving."""
    try:
        return convert(values, kind, decimal), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        half = len(values) // 2
        if not half:
            return pa.chunked_array([pa.nulls(len(values), ARROW[kind.partition(" ")[0]])]), list(range(len(values)))
        left, positions = fitted(values.slice(0, half), kind, decimal)
        right, others = fitted(values.slice(half), kind, decimal)
        return pa.chunked_array(left.chunks + right.chunks), positions + [half + i for i in others]


@contextmanager
def open_sink(path: str) -> Iterator[Callable[[pa.Table], None]]:
    """A function that writes batches to a file by its suffix (.csv, .jsonl, .parquet), or as CSV to "-"."""
    suffix = Path(path).suffix.lower()
    if path == "-":
        with _writer(sys.stdout.buffer, ".csv") as write:
            yield write
    elif suffix in (".csv", ".jsonl", ".parquet"):
        with replacing(path) as temporary, temporary.open("wb") as file, _writer(file, suffix) as write:
            yield write
    else:
        raise PlumblineError(f"{path}: expected a name ending in .csv, .jsonl or .parquet")


@contextmanager
def _writer(file: Any, suffix: str) -> Iterator[Callable[[pa.Table], None]]:
    opened: list[Any] = []

    def write(table: pa.Table) -> None:
        if suffix == ".jsonl":
            for row in table.to_pylist():
                file.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
            return
        if not opened:
            make = pq.ParquetWriter if suffix == ".parquet" else pa_csv.CSVWriter
            opened.append(make(file, table.schema))
        opened[0].write_table(table)

    try:
        yield write
    finally:
        if opened:
            opened[0].close()
        file.flush()
