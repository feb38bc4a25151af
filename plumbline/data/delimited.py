"""CSV and its kin in batches: delimiter and decimal mark are found out, a row that does not fit is found by line.

And a JSON array of objects, read object by object: what is held is a piece of it, or its longest object.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from ..errors import PlumblineError
from .tables import BROKEN, Source, name_columns, reading

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>", "#N/A"]
SAMPLE = 200  # rows that settle the delimiter
BLOCK = 4 << 20  # bytes read at once; a row is shorter
LONGEST = 1 << 20  # characters of a value
MARKS = ",;\t|"
PIECE = 1 << 20  # characters of a JSON array read at once
OBJECT = 1 << 26  # characters of one of its objects
MARK = re.compile(r"\S")

csv.field_size_limit(LONGEST)


def open_csv(
    name: str, text: str, cut: bool, encoding: str, again: Callable[[], Any], missing: Iterable[str]
) -> tuple[Source, Callable[[], float]]:
    """The table that begins with `text` (cut: and goes on); `again` opens it anew, so that it may be read twice.

    With it what says how much of the bytes that were read has come out in batches: Arrow reads far ahead.
    """
    tried = {mark: list(islice(_rows(text, mark), SAMPLE)) for mark in MARKS}
    delimiter = max(tried, key=lambda mark: _agreement(tried[mark]))
    rows = tried[delimiter]
    if len(rows) < 2:
        raise PlumblineError(f"{name}: has a header and no rows{' in its first MiB' if cut else ''}")
    (names, unnamed), decimal = (
        name_columns(name, rows[0]),
        "." if delimiter == "," else _decimal(_rows(text, delimiter)),
    )
    form = f"CSV, delimiter {delimiter!r}, encoding {encoding}, decimal mark {decimal!r}"
    _check_width(f"{name}: cannot be read as {form}", rows, delimiter)

    taken, block = 0.0, BLOCK * (2 if encoding.startswith("utf-16") else 1)  # BLOCK is of UTF-8

    def batches() -> Iterator[pa.Table]:
        nonlocal taken
        stream, count, blocks = again(), 0, 0
        try:
            for batch in pa_csv.open_csv(
                stream,
                pa_csv.ReadOptions(use_threads=False, encoding=encoding, block_size=BLOCK),
                pa_csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(names) > 1,  # in a single column one is a missing value
                ),
                pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(rows[0], pa.string()),
                    null_values=[*MISSING, *missing],
                    strings_can_be_null=True,
                ),
            ):
                count, blocks = count + batch.num_rows, blocks + 1
                taken = min(1.0, blocks * block / stream.raw.bytes)
                yield pa.Table.from_batches([batch]).rename_columns(names)
        except pa.ArrowInvalid as error:
            where = _misfit(again(), encoding, delimiter, len(names), False) if name != "standard input" else ""
            with reading(name, form):
                raise pa.ArrowInvalid(where or _row_of(error)) from None
        except BROKEN as error:
            with reading(name, form):
                raise error
        if stream.raw.lines > count + 1 and name != "standard input":  # a value that runs over lines: is it one?
            where = _misfit(again(), encoding, delimiter, len(names), True)
            if where:
                raise PlumblineError(f"{name}: {where}. Fix the file")

    return Source(names, form, decimal, batches, unnamed=unnamed), lambda: taken


def _check_width(where: str, rows: list[list[str]], delimiter: str) -> None:
    """Refuses a header with a name too few for every row, with the cure for it."""
    width = len(rows[0])
    if width < 2 or any(len(row) != width + 1 for row in rows[1:] if row):
        return
    what = f"every row has {width + 1} fields, expected {width} as in the header"
    if any(row[-1] for row in rows[1:] if row):
        raise PlumblineError(
            f"{where}: {what}. If the first names the row (R's write.table), begin line 1 with {delimiter!r}"
        )
    raise PlumblineError(f"{where}: {what}; the last is empty. End line 1 with {delimiter!r}, too")


def _row_of(error: Exception) -> str:
    found = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
    return f"row {int(found[1]) - 1} has {found[3]} fields, expected {found[2]}" if found else str(error)


def _misfit(stream: Any, encoding: str, delimiter: str, width: int, strict: bool) -> str:
    """The first lines of a CSV that are no row of this width, and what is wrong; strict: or end in a quote."""
    lines = partial(io.TextIOWrapper(stream, encoding, newline="").readline, BLOCK)  # no line, however long, at once
    rows = csv.reader(iter(lines, ""), delimiter=delimiter, strict=strict)
    start = 1
    try:
        for row in rows:
            if row and len(row) != width:
                where = f"line {start} has" if rows.line_num == start else f"lines {start} to {rows.line_num} have"
                joined = delimiter.join(row)
                other = next(
                    (mark for mark in MARKS if mark != delimiter and joined.count(mark) == width - 1 > 0), None
                )
                why = f", {other!r} stands between them" if other else ""
                why = ", a quote may be open" if rows.line_num > start else why
                return f"{where} {len(row)} fields, expected {width}{why}"
            start = rows.line_num + 1
    except (csv.Error, UnicodeError):
        return f"a quote opened in line {start} is not closed, or a value is longer than 1 MiB"
    return ""


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


class _Text:
    """The array's text, of which a block is held, or an object."""

    def __init__(self, stream: Any) -> None:
        self.stream = io.TextIOWrapper(stream, "utf-8-sig")
        self.held, self.at = "", 0

    def mark(self) -> str:
        """The next character that is no blank, passed over; "" at the end."""
        while not (found := MARK.search(self.held, self.at)):
            self.held, self.at = self.stream.read(PIECE), 0
            if not self.held:
                return ""
        self.at = found.end()
        return found[0]

    def row(self) -> dict | None:
        """The object that begins at the last mark; None where that is none, or does not end."""
        self.at -= 1
        while True:
            try:
                value, self.at = json.JSONDecoder().raw_decode(self.held, self.at)
                return value if isinstance(value, dict) else None
            except RecursionError:
                return None
            except ValueError:  # it may go on in the next block
                self.held, self.at = self.held[self.at :], 0
                more = self.stream.read(max(PIECE, len(self.held))) if len(self.held) < OBJECT else ""
                if not more:
                    return None
                self.held += more


def elements(name: str, stream: Any) -> Iterator[dict]:
    """The objects of the array that `stream` (of bytes) holds; raises PlumblineError at the first that is none."""
    text = _Text(stream)
    text.mark()  # the opening bracket
    number, mark = 0, text.mark()
    while mark != "]" or number:
        number += 1
        row = text.row() if mark == "{" else None
        after = text.mark() if row is not None else ""
        if row is None or after not in (",", "]"):
            raise PlumblineError(
                f"{name}, object {number} of the array: expected a JSON object and , or ] after it, in UTF-8"
            )
        yield row
        if after == "]":
            break
        mark = text.mark()
    if text.mark():
        raise PlumblineError(
            f"{name}: expected nothing after the ] of the JSON array. Write one array, or one object a line"
        )
