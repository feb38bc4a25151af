"""Tables in, in batches: CSV, JSON, Parquet, Feather, plain or compressed, or a folder of such parts.

Format, compression, delimiter, encoding and decimal mark are found out by content, not asked for; a stream is read as
it comes. CSV and JSON come as text and get their types by `tables.convert`, so that a value that does not fit
is found with its row.
"""

import bz2
import codecs
import gzip
import io
import json
import lzma
import re
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import PlumblineError
from .delimited import elements, open_csv
from .tables import Source, name_columns, reading

HEAD = 1 << 20  # bytes looked at to tell a format; a CSV's header ends in them
BATCH = 65536  # rows
HELD, PACKED = 1 << 28, 100  # bytes that a packed file may always unpack to, and times its size
LONGEST = 1 << 26  # bytes of a line of JSON
COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": partial(pa.CompressedInputStream, compression="zstd"),
}
OBJECTS = "expected an object for each row, in an array or one a line: to_json(orient='records')"
OTHERS = {
    r"\s*<(!|\?|html)": "a page of HTML or XML, expected a table. Was it downloaded from the right address?",
    "version https://git-lfs": "a pointer of Git LFS, expected the table itself: git lfs pull",
}


class _Stream(io.RawIOBase):
    """A file whose reads are never short, so that nothing depends on how a pipe or a decompressor delivers."""

    def __init__(self, file: Any) -> None:
        self.file, self.lines, self.bytes = file, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self.file.read(len(buffer))
        buffer[: len(content)] = content
        self.lines += content.count(b"\n")
        self.bytes += len(content)
        return len(content)


def open_source(path: str, missing: Iterable[str] = ()) -> Source:
    """The table in a file or a folder of parts, or on standard input for "-"; missing: words that mean no value."""
    if path != "-" and Path(path).is_dir():
        return _folder(path, missing)
    name, file = ("standard input", None) if path == "-" else (path, Path(path))
    if file and not file.is_file():
        raise PlumblineError(f"{name}: expected a file or a folder of files, found nothing there")
    with reading(name, "a file"):
        stream = _decompressed(file.open("rb") if file else sys.stdin.buffer)
        head = stream.peek()[:HEAD]
    if head.startswith((b"PAR1", b"ARROW1")):
        form, read = ("Parquet", _parquet) if head.startswith(b"PAR1") else ("Feather", _feather)
        plain = file and head[:4] == _start(file)
        most = max(HELD, PACKED * file.stat().st_size) if file else None
        return _typed(name, form, read, (lambda: file) if plain else _kept(name, form, stream, most), missing)
    readings = _Readings(file) if file else None
    again = readings.open if readings else lambda: stream
    with reading(name, "text"):
        encoding = _encoding(head, iter(lambda: stream.read(HEAD), b"") if file else [head])
    if b"\0" in head and not encoding.startswith("utf-16"):
        zipped = "a zip archive or a workbook" if head.startswith(b"PK\x03\x04") else "binary"
        raise PlumblineError(f"{name}: is {zipped}, expected CSV, JSON, Parquet or Feather")
    text = head.decode(encoding, "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise PlumblineError(f"{name}: is empty, expected a table with a header and rows")
    other = next((what for start, what in OTHERS.items() if re.match(start, text)), None)
    if other:
        raise PlumblineError(f"{name}: is {other}")
    if re.match(r"\s*(\{|\[\s*[]{])", text):
        source, taken = _json(name, text, len(head) == HEAD, again, missing), lambda: 1.0
    else:
        source, taken = open_csv(name, text, len(head) == HEAD, encoding, again, missing)
    return replace(source, share=lambda: readings.share() * taken()) if readings else source


def _start(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(4)


class _Readings:
    """Opens a file anew each time, and knows how much of it the last reading has seen."""

    def __init__(self, file: Path) -> None:
        self.file, self.size = file, file.stat().st_size
        self.last: weakref.ref[Any] | None = None

    def open(self) -> Any:
        opened = self.file.open("rb")
        self.last = weakref.ref(opened)  # else each part of a folder would stay open
        return _decompressed(opened)

    def share(self) -> float:
        if self.last is None:
            return 0.0
        opened = self.last()
        return opened.tell() / self.size if opened and not opened.closed else 1.0


def _decompressed(file: Any) -> Any:
    stream = io.BufferedReader(_Stream(file), HEAD)
    opener = next((open_ for magic, open_ in COMPRESSED.items() if stream.peek(8).startswith(magic)), None)
    return io.BufferedReader(_Stream(opener(stream)), HEAD) if opener else stream


def _folder(path: str, missing: Iterable[str]) -> Source:
    """Parts in the order of their names, all with the first one's columns."""
    names = [p for p in sorted(Path(path).rglob("*")) if p.is_file() and not p.name.startswith((".", "_"))]
    if not names:
        raise PlumblineError(f"{path}: expected a file or a folder of files, found an empty folder")
    parts = [open_source(str(part), missing) for part in names]
    first = parts[0]
    for name, part in zip(names, parts, strict=True):
        if (part.names, part.types) != (first.names, first.types):
            odd = sorted({*part.names} ^ {*first.names})
            what = f"column {odd[0]!r} is not in both" if odd else "order or types of columns differ"
            raise PlumblineError(f"{name}: expected the columns of {names[0]}, {what}. Fix the part")

    def batches() -> Iterator[pa.Table]:
        for part in parts:
            yield from part.batches()

    decimal = "," if any(part.decimal == "," for part in parts) else "."

    def share() -> float | None:
        shares = [part.share() for part in parts]
        return None if None in shares else sum(filter(None, shares)) / len(shares)

    form = f"{len(parts)} parts of {first.form}"
    return replace(first, form=form, decimal=decimal, batches=batches, parts=tuple(parts), share=share)


def _encoding(head: bytes, chunks: Iterable[bytes]) -> str:
    """Settled on the whole file where there is one: its head may hold nothing but ASCII."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    halves = {"utf-16-le": (head[1::2], head[::2]), "utf-16-be": (head[::2], head[1::2])}  # UTF-16 without its mark
    for name, (high, low) in halves.items():
        if 2 * high.count(0) > len(high) and not low.count(0):
            return name
    if b"\0" in head:  # no text: nothing more of it need be read
        return "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _kept(name: str, form: str, stream: io.BufferedReader, most: int | None) -> Callable[[], Any]:
    """A format that is read from its end, on a stream: all of it has to be held, if it is not more than `most`."""
    content = bytearray()
    with reading(name, form):
        while part := stream.read(HEAD):
            content += part
            if most and len(content) > most:
                raise PlumblineError(
                    f"{name}: unpacks to more than {PACKED} times its size, expected {form}. Unpack it first"
                )
    return lambda: pa.BufferReader(content)


def _parquet(file: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch], int | None]:
    opened = pq.ParquetFile(file)
    return opened.schema_arrow, opened.iter_batches(BATCH, use_threads=False), opened.metadata.num_rows


def _feather(file: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch], int | None]:
    """Nobody can tell its rows without reading them."""
    opened = pa.ipc.open_file(pa.memory_map(str(file)) if isinstance(file, Path) else file)
    return opened.schema, (opened.get_batch(i) for i in range(opened.num_record_batches)), None


def _typed(name: str, form: str, read: Callable[[Any], Any], again: Callable[[], Any], missing: Any) -> Source:
    with reading(name, form):
        schema, _, total = read(again())
    names, unnamed = name_columns(name, schema.names)
    done = 0

    def batches() -> Iterator[pa.Table]:
        nonlocal done
        done = 0
        with reading(name, form):
            for batch in read(again())[1]:
                done += batch.num_rows
                yield _without(pa.Table.from_batches([batch]).rename_columns(names), missing)

    types = dict(zip(names, schema.types, strict=True))
    return Source(names, form, ".", batches, types, unnamed, share=lambda: done / total if total else None)


def _without(table: pa.Table, missing: Iterable[str]) -> pa.Table:
    """The table with these words as gaps."""
    for i, field in enumerate(table.schema if missing else ()):
        values = table.column(i)
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            gaps = pc.is_in(values, pa.array([*missing], field.type))
            table = table.set_column(i, field.name, pc.if_else(gaps, pa.scalar(None, field.type), values))
    return table


def _json(name: str, text: str, cut: bool, again: Callable[[], Any], missing: Iterable[str]) -> Source:
    """Objects by lines, in an array, or one alone; text: the start of them, cut: and they go on."""
    single = None if cut else _single(name, text)
    head: list[dict] = []
    read: Callable[[Any], Iterator[dict]]
    if text.lstrip().startswith("["):
        form, read = "a JSON array", partial(elements, name)
        with suppress(PlumblineError) if cut else nullcontext():  # the last may be cut in two
            head.extend(elements(name, io.BytesIO(text.encode())))
    elif single:
        form, read, head = "one JSON object", lambda _: iter([single]), [single]
    else:
        form, read, lines = "JSON lines", partial(_lines, name), text.split("\n")
        head = [_json_row(name, i, line) for i, line in enumerate(lines[:-1] if cut else lines, 1) if line.strip()]
    if cut and not head:
        raise PlumblineError(f"{name}: has no object that ends in its first MiB, {OBJECTS}")
    keys = tuple(dict.fromkeys(key for row in head for key in row))
    names, unnamed = name_columns(name, keys)

    def batches() -> Iterator[pa.Table]:
        rows = read(again())
        with reading(name, form):
            while part := list(islice(rows, BATCH)):
                yield _without(_text_table(keys, part).rename_columns(names), missing)

    return Source(names, form, ".", batches, unnamed=unnamed)


def _single(name: str, text: str) -> dict | None:
    """The object, where it is all there is; refused where it holds columns, as pandas' to_json writes them."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    if row and all(isinstance(value, dict | list) for value in row.values()):
        raise PlumblineError(f"{name}: is one JSON object of columns, {OBJECTS}")
    return row


def _lines(name: str, stream: io.BufferedReader) -> Iterator[dict]:
    return (_json_row(name, i, line) for i, line in _numbered(name, stream) if line.strip())


def _numbered(name: str, stream: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(iter(lambda: stream.readline(LONGEST), b""), 1):
        if len(line) == LONGEST:
            raise PlumblineError(
                f"{name}, line {number}: longer than {LONGEST >> 20} MiB, expected one JSON object a line"
            )
        yield number, line


def _json_row(name: str, number: int, line: str | bytes) -> dict:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise PlumblineError(f"{name}, line {number}: expected one JSON object a line, in UTF-8")
    return row


def _text_table(names: tuple[str, ...], rows: list[dict]) -> pa.Table:
    def text(value: Any) -> str | None:
        if value is None or value != value:  # NaN
            return None
        return value if isinstance(value, str) else json.dumps(value)

    return pa.table({name: pa.array([text(row.get(name)) for row in rows], pa.string()) for name in names})
