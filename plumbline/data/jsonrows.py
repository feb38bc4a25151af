"""JSON in batches: objects one a line, in an array, or a single one; at most a piece or one object is in memory."""

import io
import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa

from ..errors import TableError
from .tables import Source, name_columns, replace_missing_markers, translate_read_errors

MAX_LINE = 1 << 26  # bytes of a line
PIECE = 1 << 20  # characters of an array that are read at once
MAX_OBJECT = 1 << 26  # characters of an object in an array
_MARK = re.compile(r"\S")
_EXPECTED = "expected an object for each row, in an array or one a line"
_RECORDS = "Write it with to_json(orient='records')"
_Row = dict[str, Any]


def open_json(
    name: str, text: str, is_cut: bool, reopen: Callable[[], Any], markers: Collection[str], batch_rows: int
) -> Source:
    """Open JSON; all values are read as text.

    Parameters
    ----------
    name : str
        The source, for errors.
    text : str
        The start of the content; its objects decide the columns.
    is_cut : bool
        Whether the content goes on after `text`.
    reopen : callable
        Returns a binary stream from the start.
    markers : collection of str
        Missing-value markers.
    batch_rows : int
        Rows of a batch.

    Raises
    ------
    TableError
        Where the content is not an object for each row.
    """
    description, read, head = _detect(name, text, is_cut)
    if is_cut and not head:
        raise TableError(f"{name}: has no object that ends in its first MiB, {_EXPECTED}", hint=_RECORDS)
    keys = tuple(dict.fromkeys(key for row in head for key in row))
    names, unnamed_columns = name_columns(name, keys)

    def batches() -> Iterator[pa.Table]:
        rows = read(reopen())
        with translate_read_errors(name, description):
            while part := list(islice(rows, batch_rows)):
                yield replace_missing_markers(_text_table(keys, part).rename_columns(names), markers)

    return Source(names, description, ".", batches, unnamed_columns=unnamed_columns)


def _detect(name: str, text: str, is_cut: bool) -> tuple[str, Callable[[Any], Iterator[_Row]], list[_Row]]:
    """Return the format in words, the function that reads a stream, and the objects at its start."""
    if text.lstrip().startswith("["):
        head: list[_Row] = []
        with suppress(TableError) if is_cut else nullcontext():  # the last object may be cut
            head.extend(_read_array(name, io.BytesIO(text.encode())))
        return "a JSON array", partial(_read_array, name), head
    if not is_cut and (row := _single_object(name, text)):
        return "one JSON object", lambda _: iter([row]), [row]
    lines = text.split("\n")
    rows = [_parse_line(name, i, line) for i, line in enumerate(lines[:-1] if is_cut else lines, 1) if line.strip()]
    return "JSON lines", partial(_read_lines, name), rows


def _single_object(name: str, text: str) -> _Row | None:
    """Return the object that the text is; refused where it holds columns, as pandas' to_json writes them."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    if row and all(isinstance(value, dict | list) for value in row.values()):
        raise TableError(f"{name}: is one JSON object of columns, {_EXPECTED}", hint=_RECORDS)
    return row


def _read_lines(name: str, stream: io.BufferedReader) -> Iterator[_Row]:
    for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE), b""), 1):
        if len(line) == MAX_LINE:
            message = f"{name}, line {number}: longer than {MAX_LINE >> 20} MiB, expected one JSON object a line"
            raise TableError(message, hint="Write each row on a line of its own")
        if line.strip():
            yield _parse_line(name, number, line)


def _parse_line(name: str, number: int, line: str | bytes) -> _Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        message = f"{name}, line {number}: expected one JSON object a line, in UTF-8"
        raise TableError(message, hint="Correct that line, or export the table again")
    return row


class _ArrayText:
    """The text of an array, of which a piece or one object is in memory."""

    def __init__(self, stream: Any) -> None:
        self.stream = io.TextIOWrapper(stream, "utf-8-sig")
        self.buffer, self.position = "", 0

    def next_mark(self) -> str:
        """Skip the next character that is not whitespace and return it; "" at the end."""
        while not (match := _MARK.search(self.buffer, self.position)):
            self.buffer, self.position = self.stream.read(PIECE), 0
            if not self.buffer:
                return ""
        self.position = match.end()
        return match[0]

    def next_object(self) -> _Row | None:
        """Return the object that begins at the last mark; None where it is none, or does not end."""
        self.position -= 1
        while True:
            try:
                value, self.position = json.JSONDecoder().raw_decode(self.buffer, self.position)
                return value if isinstance(value, dict) else None
            except RecursionError:
                return None
            except ValueError:  # it may go on in the next piece
                self.buffer, self.position = self.buffer[self.position :], 0
                size = max(PIECE, len(self.buffer))
                piece = self.stream.read(size) if len(self.buffer) < MAX_OBJECT else ""
                if not piece:
                    return None
                self.buffer += piece


def _read_array(name: str, stream: Any) -> Iterator[_Row]:
    text = _ArrayText(stream)
    text.next_mark()  # the opening bracket
    number, mark = 0, text.next_mark()
    while mark != "]" or number:
        number += 1
        row = text.next_object() if mark == "{" else None
        end = text.next_mark() if row is not None else ""
        if row is None or end not in (",", "]"):
            message = f"{name}, object {number} of the array: expected a JSON object and , or ] after it, in UTF-8"
            raise TableError(message, hint="Correct that object, or export the table again")
        yield row
        if end == "]":
            break
        mark = text.next_mark()
    if text.next_mark():
        message = f"{name}: expected nothing after the ] of the JSON array"
        raise TableError(message, hint="Write one array, or one object a line")


def _text_table(keys: tuple[str, ...], rows: list[_Row]) -> pa.Table:
    return pa.table({key: pa.array([_to_text(row.get(key)) for row in rows], pa.string()) for key in keys})


def _to_text(value: Any) -> str | None:
    if value is None or value != value:  # NaN
        return None
    return value if isinstance(value, str) else json.dumps(value)
