"""CSV and similar text in batches: delimiter and decimal mark follow from the content, errors name the line."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from ..errors import TableError
from .tables import READ_ERRORS, Source, name_columns, translate_read_errors

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>", "#N/A"]
BLOCK = 4 << 20  # bytes that are read at once; a row is shorter
_SAMPLE = 200  # rows that decide the delimiter
_MAX_FIELD = 1 << 20  # characters of a value
_DELIMITERS = ",;\t|"

csv.field_size_limit(_MAX_FIELD)


@dataclass(frozen=True)
class _Format:
    """How a CSV is to be read."""

    name: str
    encoding: str
    delimiter: str
    decimal: str
    header: Sequence[str]
    names: tuple[str, ...]
    markers: Sequence[str]

    @property
    def description(self) -> str:
        return f"CSV, delimiter {self.delimiter!r}, encoding {self.encoding}, decimal mark {self.decimal!r}"

    def open(self, stream: Any) -> Any:
        """Return a reader of batches in which each column is text."""
        return pa_csv.open_csv(
            stream,
            pa_csv.ReadOptions(use_threads=False, encoding=self.encoding, block_size=BLOCK),
            pa_csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(self.names) > 1,  # in a single column one is a missing value
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self.header, pa.string()),
                null_values=[*MISSING, *self.markers],
                strings_can_be_null=True,
            ),
        )


class _Reader:
    """Reads a CSV, from the start each time, and counts how much of the open stream is in its batches.

    Arrow reads far ahead, so that the position in the file says little about the rows.
    """

    def __init__(self, format_: _Format, reopen: Callable[[], Any]) -> None:
        self.format, self.reopen = format_, reopen
        self.block = BLOCK * (2 if format_.encoding.startswith("utf-16") else 1)  # BLOCK is a size in UTF-8
        self.share = 0.0

    def batches(self) -> Iterator[pa.Table]:
        stream, count, blocks = self.reopen(), 0, 0
        try:
            for batch in self.format.open(stream):
                count, blocks = count + batch.num_rows, blocks + 1
                self.share = min(1.0, blocks * self.block / stream.raw.bytes)
                yield pa.Table.from_batches([batch]).rename_columns(self.format.names)
        except pa.ArrowInvalid as error:
            reason = self._find_misfit(strict=False) or _explain_arrow(error)
            with translate_read_errors(self.format.name, self.format.description):
                raise pa.ArrowInvalid(reason) from None
        except READ_ERRORS as error:
            with translate_read_errors(self.format.name, self.format.description):
                raise error
        has_long_values = stream.raw.lines > count + 1  # values over several lines, or a quote that is never closed
        if has_long_values and (reason := self._find_misfit(strict=True)):
            raise TableError(f"{self.format.name}: {reason}", hint="Correct that line, or export the table again")

    def _find_misfit(self, *, strict: bool) -> str:
        if self.format.name == "standard input":  # it cannot be read again
            return ""
        return _find_misfit(self.reopen(), self.format, strict)


def open_csv(
    name: str, text: str, is_cut: bool, encoding: str, reopen: Callable[[], Any], markers: Iterable[str]
) -> tuple[Source, Callable[[], float]]:
    """Open delimited text.

    Parameters
    ----------
    name : str
        The source, for errors.
    text : str
        The start of the content.
    is_cut : bool
        Whether the content goes on after `text`.
    encoding : str
    reopen : callable
        Returns a binary stream from the start.
    markers : iterable of str
        Missing-value markers in addition to `MISSING`.

    Returns
    -------
    source : Source
    share : callable
        Returns the share of the bytes read so far whose rows are in batches.

    Raises
    ------
    TableError
        Where there is no row, or the header does not fit the rows.
    """
    delimiter, rows = _detect_delimiter(text)
    if len(rows) < 2:
        message = f"{name}: has a header and no rows{' in its first MiB' if is_cut else ''}"
        raise TableError(message, hint="Export it again")
    names, unnamed_columns = name_columns(name, rows[0])
    format_ = _Format(name, encoding, delimiter, _decimal_mark(text, delimiter), rows[0], names, [*markers])
    _check_header(f"{name}: cannot be read as {format_.description}", rows, delimiter)
    reader = _Reader(format_, reopen)
    source = Source(names, format_.description, format_.decimal, reader.batches, unnamed_columns=unnamed_columns)
    return source, lambda: reader.share


def _detect_delimiter(text: str) -> tuple[str, list[list[str]]]:
    """Return the delimiter with which most rows are as wide as the header, and the first rows."""
    samples = {delimiter: list(islice(_parse(text, delimiter), _SAMPLE)) for delimiter in _DELIMITERS}
    delimiter = max(samples, key=lambda delimiter: _agreement(samples[delimiter]))
    return delimiter, samples[delimiter]


def _check_header(where: str, rows: list[list[str]], delimiter: str) -> None:
    """Refuse a header that has one field less than every row."""
    width = len(rows[0])
    if width < 2 or any(len(row) != width + 1 for row in rows[1:] if row):
        return
    message = f"{where}: every row has {width + 1} fields, expected {width} as in the header"
    if any(row[-1] for row in rows[1:] if row):
        hint = f"If the first names the row (R's write.table), begin line 1 with {delimiter!r}"
        raise TableError(message, hint=hint)
    raise TableError(f"{message}; the last is empty", hint=f"End line 1 with {delimiter!r}, too")


def _explain_arrow(error: Exception) -> str:
    match = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
    return f"row {int(match[1]) - 1} has {match[3]} fields, expected {match[2]}" if match else str(error)


def _find_misfit(stream: Any, format_: _Format, strict: bool) -> str:
    """Return which lines are not rows of the table and why, or ""; where strict, an open quote at the end is one."""
    text = io.TextIOWrapper(stream, format_.encoding, newline="")
    lines = iter(partial(text.readline, BLOCK), "")  # limited, so that no line is held whole however long it is
    rows = csv.reader(lines, delimiter=format_.delimiter, strict=strict)
    width, start = len(format_.names), 1
    try:
        for row in rows:
            if row and len(row) != width:
                return _explain_width(row, width, (start, rows.line_num), format_.delimiter)
            start = rows.line_num + 1
    except (csv.Error, UnicodeError):
        return f"a quote opened in line {start} is not closed, or a value is longer than 1 MiB"
    return ""


def _explain_width(row: list[str], width: int, lines: tuple[int, int], delimiter: str) -> str:
    start, end = lines
    where = f"line {start} has" if start == end else f"lines {start} to {end} have"
    text = delimiter.join(row)
    candidates = (mark for mark in _DELIMITERS if mark != delimiter and text.count(mark) == width - 1 > 0)
    separator = next(candidates, None)
    reason = f", {separator!r} is between them" if separator else ""
    reason = ", a quote may be open" if end > start else reason
    return f"{where} {len(row)} fields, expected {width}{reason}"


def _parse(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _agreement(rows: list[list[str]]) -> tuple[float, int]:
    """Return the share of rows with as many fields as the header, and that number."""
    width = len(rows[0])
    return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0, width)


def _decimal_mark(text: str, delimiter: str) -> str:
    if delimiter == ",":
        return "."
    number = re.compile(r"\s*[+-]?\d+([.,])\d+([eE][+-]?\d+)?\s*")
    marks = Counter(match[1] for row in _parse(text, delimiter) for field in row if (match := number.fullmatch(field)))
    return "," if marks[","] > marks["."] else "."
