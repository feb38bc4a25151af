"""Tables in and out, in batches: CSV, JSON lines and Parquet, told apart by content; a stream is read as it comes.

CSV and JSON lines come as text and are given their types by `convert`, so that a value that does not fit is found
with its row. Delimiter, encoding and decimal mark of a CSV are found out, not asked for.
"""

import codecs
import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from .refusal import Refusal
from .schema import ARROW

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>", "#N/A"]
HEAD = 1 << 20  # bytes looked at to tell a format; a CSV's header ends in them
SAMPLE = 200  # rows of a CSV that settle its delimiter
BLOCK = 4 << 20  # bytes of a CSV read at once; a row is shorter
BATCH = 65536  # rows
WORDS = (pa.string(), pa.large_string(), pa.string_view())

csv.field_size_limit(HEAD)


@dataclass(frozen=True)
class Source:
    """A table that is read in batches; `batches` may be called again unless it comes from a stream."""

    names: tuple[str, ...]
    form: str
    decimal: str
    batches: Callable[[], Iterator[pa.Table]]
    types: dict[str, pa.DataType] | None = None  # None where every column comes as text


class _Stream(io.RawIOBase):
    """Standard input whose reads are never short, so that nothing depends on how a pipe delivers."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = sys.stdin.buffer.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def open_source(path: str) -> Source:
    """The table in a file, or on standard input for "-"."""
    name, file = ("standard input", None) if path == "-" else (path, Path(path))
    if file and not file.is_file():
        raise Refusal(f"{name}: expected a file, found {'a folder' if file.is_dir() else 'nothing'} there")
    stream: Any = file.open("rb", HEAD) if file else io.BufferedReader(_Stream(), HEAD)
    head = stream.peek()[:HEAD]
    if head.startswith(b"PAR1"):
        return _parquet(name, file or pa.BufferReader(stream.read()))
    encoding = _encoding(head, iter(lambda: stream.read(HEAD), b"") if file else [head])
    if b"\0" in head and encoding != "utf-16":
        raise Refusal(f"{name}: is binary, expected Parquet, CSV or JSON lines (UTF-16 only with its mark)")
    text = head.decode(encoding, "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise Refusal(f"{name}: is empty, expected a table with a header and rows")
    again = partial(file.open, "rb") if file else lambda: stream
    read = _json_lines if text.lstrip().startswith("{") else _csv
    return read(name, text, len(head) == HEAD, encoding, again)


def _encoding(head: bytes, chunks: Iterable[bytes]) -> str:
    """Settled on the whole file where there is one: its head may hold nothing but ASCII."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@contextmanager
def _reading(name: str, form: str) -> Iterator[None]:
    """The library's errors as a line, without the row that they quote."""
    try:
        yield
    except (pa.ArrowInvalid, OSError, UnicodeError) as error:
        ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
        what = re.split(r"[:.\n]", str(error))[0]
        if ragged:
            row, expected, found = map(int, ragged.groups())
            what = f"row {row - 1} has {found} fields, expected {expected}"
        raise Refusal(f"{name}: cannot be read as {form}: {what}. Mend the file") from None


def _parquet(name: str, file: Any) -> Source:
    with _reading(name, "Parquet"):
        parquet = pq.ParquetFile(file)
    schema = parquet.schema_arrow

    def batches() -> Iterator[pa.Table]:
        with _reading(name, "Parquet"):
            for batch in parquet.iter_batches(BATCH, use_threads=False):
                yield pa.Table.from_batches([batch])

    return Source(_unique(name, schema.names), "Parquet", ".", batches, {f.name: f.type for f in schema})


def _json_lines(name: str, text: str, cut: bool, encoding: str, again: Callable[[], Any]) -> Source:
    lines = text.split("\n")
    rows = [_json_row(name, i, line) for i, line in enumerate(lines[:-1] if cut else lines, 1) if line.strip()]
    names = _unique(name, tuple(dict.fromkeys(key for row in rows for key in row)))

    def batches() -> Iterator[pa.Table]:
        rows = (_json_row(name, i, line) for i, line in enumerate(again(), 1) if line.strip())
        with _reading(name, "JSON lines"):
            while part := list(islice(rows, BATCH)):
                yield _text_table(names, part)

    return Source(names, "JSON lines", ".", batches)


def _json_row(name: str, number: int, line: str | bytes) -> dict:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise Refusal(f"{name}, line {number}: expected one JSON object a line, in UTF-8")
    return row


def _text_table(names: tuple[str, ...], rows: list[dict]) -> pa.Table:
    def text(value: Any) -> str | None:
        if value is None or value != value:  # NaN
            return None
        return value if isinstance(value, str) else json.dumps(value)

    return pa.table({name: pa.array([text(row.get(name)) for row in rows], pa.string()) for name in names})


def _csv(name: str, text: str, cut: bool, encoding: str, again: Callable[[], Any]) -> Source:
    tried = {mark: list(islice(_rows(text, mark), SAMPLE)) for mark in ",;\t|"}
    delimiter = max(tried, key=lambda mark: _agreement(tried[mark]))
    rows = tried[delimiter]
    if len(rows) < 2:
        raise Refusal(f"{name}: has a header and no rows{' in its first MiB' if cut else ''}")
    names, decimal = _unique(name, rows[0]), _decimal(_rows(text, delimiter)) if delimiter != "," else "."
    form = f"CSV, delimiter {delimiter!r}, encoding {encoding}, decimal mark {decimal!r}"

    def batches() -> Iterator[pa.Table]:
        with _reading(name, form):
            for batch in pa_csv.open_csv(
                again(),
                pa_csv.ReadOptions(use_threads=False, encoding=encoding, block_size=BLOCK),
                pa_csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(names) > 1,  # in a single column one is a missing value
                ),
                pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), null_values=MISSING, strings_can_be_null=True
                ),
            ):
                yield pa.Table.from_batches([batch])

    return Source(names, form, decimal, batches)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _agreement(rows: list[list[str]]) -> tuple[float, int]:
    """The share of rows that are as wide as the header, and its width."""
    width = len(rows[0])
    return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0, width)


def _decimal(rows: Iterable[list[str]]) -> str:
    number = re.compile(r"\s*[+-]?\d+([.,])\d+([eE][+-]?\d+)?\s*")
    marks = Counter(found[1] for row in rows for cell in row if (found := number.fullmatch(cell)))
    return "," if marks[","] > marks["."] else "."


def _unique(name: str, columns: Iterable[str]) -> tuple[str, ...]:
    counts = Counter(columns)
    twice = [column for column, count in counts.items() if count > 1]
    if twice or not counts or "" in counts:
        found = f"{twice[0]!r} twice" if twice else "a column without a name" if counts else "none"
        raise Refusal(f"{name}: expected a header of distinct column names, found {found}. Mend it in the file")
    return tuple(counts)


def convert(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> pa.ChunkedArray:
    """The values as one of the schema's types; raises pa.ArrowInvalid when one does not fit (see `fitted`)."""
    if kind in ("boolean", "category", "text") or values.type in WORDS:
        values = values.cast(pa.string())
    if pa.types.is_string(values.type) and kind not in ("category", "text"):
        values = pc.utf8_trim_whitespace(values)
        if kind == "number" and decimal != ".":
            values = pc.replace_substring(values, decimal, ".")
    return values.cast(ARROW[kind], safe=kind not in ("number", "timestamp"))


def fitted(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> tuple[pa.ChunkedArray, list[int]]:
    """The values as `kind`, missing where they are none, and the positions of those, found by halving."""
    try:
        return convert(values, kind, decimal), []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        half = len(values) // 2
        if not half:
            return pa.chunked_array([pa.nulls(len(values), ARROW[kind])]), list(range(len(values)))
        left, positions = fitted(values.slice(0, half), kind, decimal)
        right, others = fitted(values.slice(half), kind, decimal)
        return pa.chunked_array(left.chunks + right.chunks), positions + [half + i for i in others]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path`; renamed to it when all went well, removed when not: never half a file."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


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
        raise Refusal(f"{path}: expected a name ending in .csv, .jsonl or .parquet")


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
