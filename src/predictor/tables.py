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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from .refusal import Refusal
from .schema import ARROW

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>", "#N/A"]
HEAD = 1 << 20  # bytes looked at to tell a format
BATCH = 65536  # rows


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    quotes: bool = True  # a quoted field may hold a line break

    def __str__(self) -> str:
        return f"CSV, delimiter {self.delimiter!r}, encoding {self.encoding}, decimal mark {self.decimal!r}"


@dataclass(frozen=True)
class Source:
    """A table that is read in batches; `batches` may be called again unless it comes from a stream."""

    names: tuple[str, ...]
    form: str
    decimal: str
    batches: Callable[[], Iterator[pa.Table]]
    types: dict[str, pa.DataType] | None = None  # None where every column comes as text


def open_source(path: str) -> Source:
    """The table in a file, or on standard input for "-"."""
    name = "standard input" if path == "-" else path
    if path != "-" and not Path(path).is_file():
        raise Refusal(f"{name}: expected a file, found {'a folder' if Path(path).is_dir() else 'nothing'} there")
    stdin: Any = sys.stdin.buffer
    raw: Any = stdin.raw if path == "-" else Path(path).open("rb", 0)  # noqa: SIM115
    stream = io.BufferedReader(raw, HEAD)
    head = stream.peek(HEAD)[:HEAD]
    if not head.strip():
        raise Refusal(f"{name}: is empty, expected a table with a header and rows")
    if head.startswith(b"PAR1"):
        return _parquet(name, pa.BufferReader(stream.read()) if path == "-" else path)
    again = (lambda: stream) if path == "-" else (lambda: Path(path).open("rb"))  # noqa: SIM115
    if head.lstrip().startswith(b"{"):
        return _json_lines(name, head, again)
    return _csv(name, _sniff(head, None if path == "-" else Path(path)), again)


def _parquet(name: str, file: Any) -> Source:
    try:
        parquet = pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise Refusal(f"{name}: starts as Parquet and cannot be read as one ({_brief(error)})") from None
    schema = parquet.schema_arrow

    def batches() -> Iterator[pa.Table]:
        for batch in parquet.iter_batches(BATCH, use_threads=False):
            yield pa.Table.from_batches([batch])

    return Source(_unique(name, schema.names), "Parquet", ".", batches, {f.name: f.type for f in schema})


def _json_lines(name: str, head: bytes, again: Callable[[], BinaryIO]) -> Source:
    names = tuple(_json_row(name, 1, head.splitlines()[0]))

    def batches() -> Iterator[pa.Table]:
        rows: list[dict] = []
        for number, line in enumerate(again(), 1):
            if line.strip():
                rows.append(_json_row(name, number, line))
            if len(rows) == BATCH:
                yield _text_table(names, rows)
                rows = []
        if rows:
            yield _text_table(names, rows)

    return Source(names, "JSON lines", ".", batches)


def _json_row(name: str, number: int, line: bytes) -> dict:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise Refusal(f"{name}, line {number}: expected one JSON object a line")
    return row


def _text_table(names: tuple[str, ...], rows: list[dict]) -> pa.Table:
    def text(value: Any) -> str | None:
        return value if value is None or isinstance(value, str) else json.dumps(value)

    return pa.table({name: pa.array([text(row.get(name)) for row in rows], pa.string()) for name in names})


def _csv(name: str, dialect: Dialect, again: Callable[[], BinaryIO]) -> Source:
    first = again()
    head = first.peek(HEAD)[:HEAD] if hasattr(first, "peek") else b""
    header = next(csv.reader(io.StringIO(_decode(head, dialect.encoding)), delimiter=dialect.delimiter), [])
    names = _unique(name, header)

    def batches() -> Iterator[pa.Table]:
        ragged: list[Any] = []

        def aside(row: Any) -> str:
            ragged.append(row)
            return "skip"

        try:
            yield from _csv_batches(again(), dialect, names, aside)
        except pa.ArrowInvalid as error:
            raise Refusal(f"{name}: cannot be read as {dialect} ({_brief(error)})") from None
        if ragged:
            raise Refusal(
                f"{name}, row {ragged[0].number - 1}: {ragged[0].actual_columns} fields, expected {len(names)}; "
                f"{len(ragged)} such row(s), read as {dialect}. Mend them in the file"
            )

    return Source(names, str(dialect), dialect.decimal, batches)


def _csv_batches(stream: Any, dialect: Dialect, names: tuple[str, ...], aside: Callable) -> Iterator[pa.Table]:
    reader = pa_csv.open_csv(
        stream,
        pa_csv.ReadOptions(use_threads=False, encoding=dialect.encoding, block_size=4 << 20),
        pa_csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=dialect.quotes, invalid_row_handler=aside),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=MISSING, strings_can_be_null=True
        ),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


def _unique(name: str, columns: Any) -> tuple[str, ...]:
    twice = sorted({column for column in columns if list(columns).count(column) > 1})
    if twice or not columns or "" in columns:
        found = f"{twice[0]!r} twice" if twice else "a column without a name"
        raise Refusal(f"{name}: expected a header of distinct column names, found {found}. Rename it in the file")
    return tuple(columns)


def _brief(error: Exception) -> str:
    """The library's message without the row that it quotes."""
    return re.split(r"[:\n]", str(error))[0][:120]


def _sniff(head: bytes, path: Path | None) -> Dialect:
    encoding, quotes = _encoding(head, path)
    lines = _decode(head, encoding).splitlines()[:200]
    lines = lines if len(head) < HEAD else lines[:-1]
    tried = {mark: [row for row in csv.reader(lines, delimiter=mark) if row] for mark in ",;\t|"}

    def agreement(mark: str) -> tuple[float, int]:
        width = len(tried[mark][0]) if tried[mark] else 1
        return (sum(len(row) == width for row in tried[mark]) / max(len(tried[mark]), 1) if width > 1 else 0, width)

    delimiter = max(tried, key=agreement)
    cells = [cell.strip() for row in tried[delimiter][1:] for cell in row]
    commas = sum(bool(re.fullmatch(r"[+-]?\d+,\d+", cell)) for cell in cells)
    points = sum(bool(re.fullmatch(r"[+-]?\d+\.\d+", cell)) for cell in cells)
    return Dialect(delimiter, encoding, "," if delimiter != "," and commas > points else ".", quotes)


def _encoding(head: bytes, path: Path | None) -> tuple[str, bool]:
    """The encoding, settled on the whole file where there is one, and whether a quote stands anywhere."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", True
    decoder, quotes = codecs.getincrementaldecoder("utf-8")(), path is None
    try:
        for chunk in _chunks(path) if path else [head]:
            quotes = quotes or b'"' in chunk
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return "cp1252", True
    return "utf-8", quotes


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(HEAD):
            yield chunk


def _decode(head: bytes, encoding: str) -> str:
    return head.decode(encoding, "ignore").removeprefix("\ufeff")


def convert(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> pa.ChunkedArray:
    """The values as one of the schema's types; raises pa.ArrowInvalid when one does not fit (see `misfits`)."""
    if pa.types.is_dictionary(values.type) or pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type) and kind not in ("category", "text"):
        values = pc.utf8_trim_whitespace(values)
        if kind == "number" and decimal != ".":
            values = pc.replace_substring(values, decimal, ".")
    return values.cast(ARROW[kind], safe=kind != "timestamp")


def misfits(values: pa.ChunkedArray, kind: str, decimal: str = ".") -> list[int]:
    """Positions of the values that are no `kind`, found one by one after `convert` failed on the whole."""
    found = []
    for i in range(len(values)):
        try:
            convert(values.slice(i, 1), kind, decimal)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            found.append(i)
    return found


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
    if path == "-":
        with _writer(sys.stdout.buffer, ".csv") as write:
            yield write
        return
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".jsonl", ".parquet"):
        raise Refusal(f"{path}: expected a name ending in .csv, .jsonl or .parquet")
    with replacing(path) as temporary, temporary.open("wb") as file, _writer(file, suffix) as write:
        yield write


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
