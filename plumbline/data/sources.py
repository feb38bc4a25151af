"""Tables from files, folders and standard input: CSV, JSON, Parquet and Feather, plain or compressed.

Format, compression, delimiter, encoding and decimal mark follow from the content, not from the name. CSV and JSON are
read as text and get their types by `tables.convert`, so that a value that does not fit is found with its row.
"""

import bz2
import codecs
import gzip
import io
import lzma
import re
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import TableError
from .delimited import open_csv
from .jsonrows import open_json
from .tables import Source, name_columns, replace_missing_markers, translate_read_errors

HEAD = 1 << 20  # bytes that decide the format; the header of a CSV ends in them
BATCH = 65536  # rows
MIN_UNPACKED, MAX_RATIO = 1 << 28, 100  # a compressed file may unpack to these bytes, or to so many times its size
_COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": partial(pa.CompressedInputStream, compression="zstd"),
}
_NO_TABLES = {  # the start of a text, what it is, and what to do
    r"\s*<(!|\?|html)": ("a page of HTML or XML, expected a table", "Was it downloaded from the right address?"),
    "version https://git-lfs": ("a pointer of Git LFS, expected the table itself", "Fetch it: git lfs pull"),
}
_FORMATS = "expected CSV, JSON, Parquet or Feather"
_Opened = tuple[pa.Schema, Iterator[pa.RecordBatch], int | None]


class _CountingStream(io.RawIOBase):
    """A file whose reads are never short, so that nothing depends on the chunks of a pipe or a decompressor."""

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


class _Reopener:
    """Opens a file anew each time, and knows how much of it the last reader has read."""

    def __init__(self, file: Path) -> None:
        self.file, self.size = file, file.stat().st_size
        self.last: weakref.ref[Any] | None = None

    def open(self) -> Any:
        file = self.file.open("rb")
        self.last = weakref.ref(file)  # a strong reference would keep each part of a folder open
        return _decompress(file)

    def share(self) -> float:
        if self.last is None:
            return 0.0
        file = self.last()
        return file.tell() / self.size if file and not file.closed else 1.0


def open_source(path: str, markers: Iterable[str] = ()) -> Source:
    """Open a table.

    Parameters
    ----------
    path : str
        A file, a folder of files with the same columns, or "-" for standard input.
    markers : iterable of str
        Missing-value markers in addition to the default ones.

    Raises
    ------
    TableError
        Where the content is not a table.
    """
    markers = [*markers]
    if path != "-" and Path(path).is_dir():
        return _open_folder(path, markers)
    name, file = ("standard input", None) if path == "-" else (path, Path(path))
    if file and not file.is_file():
        message = f"{name}: expected a file or a folder of files, found nothing there"
        raise TableError(message, hint="Correct the path")
    with translate_read_errors(name, "a file"):
        stream = _decompress(file.open("rb") if file else sys.stdin.buffer)
        head = stream.peek()[:HEAD]
    if head.startswith((b"PAR1", b"ARROW1")):
        return _open_binary(name, file, stream, head, markers)
    return _open_text(name, file, stream, head, markers)


def _open_binary(name: str, file: Path | None, stream: Any, head: bytes, markers: Collection[str]) -> Source:
    """Parquet or Feather."""
    description, read = ("Parquet", _read_parquet) if head.startswith(b"PAR1") else ("Feather", _read_feather)
    if file and head[:4] == _first_bytes(file):
        return _open_typed(name, description, read, lambda: file, markers)
    limit = max(MIN_UNPACKED, MAX_RATIO * file.stat().st_size) if file else None
    content = _read_all(name, description, stream, limit)
    return _open_typed(name, description, read, lambda: pa.BufferReader(content), markers)


def _open_text(name: str, file: Path | None, stream: Any, head: bytes, markers: Collection[str]) -> Source:
    """CSV or JSON."""
    reopener = _Reopener(file) if file else None
    reopen = reopener.open if reopener else lambda: stream
    with translate_read_errors(name, "text"):
        encoding = _detect_encoding(head, iter(lambda: stream.read(HEAD), b"") if file else [head])
    if b"\0" in head and not encoding.startswith("utf-16"):
        content = "a zip archive or a workbook" if head.startswith(b"PK\x03\x04") else "binary"
        raise TableError(f"{name}: is {content}, {_FORMATS}", hint="Export it as one of these")
    text = head.decode(encoding, "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise TableError(f"{name}: is empty, expected a table with a header and rows", hint="Export it again")
    for start, (content, hint) in _NO_TABLES.items():
        if re.match(start, text):
            raise TableError(f"{name}: is {content}", hint=hint)
    is_cut, share = len(head) == HEAD, _whole
    if re.match(r"\s*(\{|\[\s*[]{])", text):
        source = open_json(name, text, is_cut, reopen, markers, BATCH)
    else:
        source, share = open_csv(name, text, is_cut, encoding, reopen, markers)
    return replace(source, progress=lambda: reopener.share() * share()) if reopener else source


def _whole() -> float:
    return 1.0


def _first_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(4)


def _decompress(file: Any) -> Any:
    stream = io.BufferedReader(_CountingStream(file), HEAD)
    opener = next((opener for magic, opener in _COMPRESSED.items() if stream.peek(8).startswith(magic)), None)
    return io.BufferedReader(_CountingStream(opener(stream)), HEAD) if opener else stream


def _open_folder(path: str, markers: Collection[str]) -> Source:
    """Open files in the order of their names; all must have the columns of the first one."""
    files = [file for file in sorted(Path(path).rglob("*")) if file.is_file() and not file.name.startswith((".", "_"))]
    if not files:
        message = f"{path}: expected a file or a folder of files, found an empty folder"
        raise TableError(message, hint="Put the files with the rows there")
    parts = [open_source(str(file), markers) for file in files]
    first = parts[0]
    for file, part in zip(files, parts, strict=True):
        if (part.names, part.types) != (first.names, first.types):
            odd = sorted({*part.names} ^ {*first.names})
            reason = f"column {odd[0]!r} is not in both" if odd else "order or types of columns differ"
            raise TableError(
                f"{file}: expected the columns of {files[0]}, {reason}",
                hint="Export this file with the columns of the first",
            )

    def batches() -> Iterator[pa.Table]:
        for part in parts:
            yield from part.batches()

    def progress() -> float | None:
        shares = [part.progress() for part in parts]
        return None if None in shares else sum(filter(None, shares)) / len(shares)

    decimal = "," if any(part.decimal == "," for part in parts) else "."
    description = f"{len(parts)} parts of {first.description}"
    return replace(
        first, description=description, decimal=decimal, batches=batches, parts=tuple(parts), progress=progress
    )


def _detect_encoding(head: bytes, chunks: Iterable[bytes]) -> str:
    """Return the encoding of the whole content: its head may be ASCII alone."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    halves = {"utf-16-le": (head[1::2], head[::2]), "utf-16-be": (head[::2], head[1::2])}  # UTF-16 without its mark
    for name, (high, low) in halves.items():
        if 2 * high.count(0) > len(high) and not low.count(0):
            return name
    if b"\0" in head:  # no text, so the rest need not be read
        return "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _read_all(name: str, description: str, stream: io.BufferedReader, limit: int | None) -> bytearray:
    """Read a stream whose format begins at its end, so that all of it has to be in memory."""
    content = bytearray()
    with translate_read_errors(name, description):
        while chunk := stream.read(HEAD):
            content += chunk
            if limit and len(content) > limit:
                message = f"{name}: unpacks to more than {MAX_RATIO} times its size, expected {description}"
                raise TableError(message, hint="Unpack it first")
    return content


def _read_parquet(file: Any) -> _Opened:
    parquet = pq.ParquetFile(file)
    return parquet.schema_arrow, parquet.iter_batches(BATCH, use_threads=False), parquet.metadata.num_rows


def _read_feather(file: Any) -> _Opened:
    """Return None for the number of rows, which is unknown until they are read."""
    feather = pa.ipc.open_file(pa.memory_map(str(file)) if isinstance(file, Path) else file)
    return feather.schema, (feather.get_batch(i) for i in range(feather.num_record_batches)), None


def _open_typed(
    name: str, description: str, read: Callable[[Any], _Opened], reopen: Callable[[], Any], markers: Collection[str]
) -> Source:
    with translate_read_errors(name, description):
        schema, _, total = read(reopen())
    names, unnamed_columns = name_columns(name, schema.names)
    count = 0

    def batches() -> Iterator[pa.Table]:
        nonlocal count
        count = 0
        with translate_read_errors(name, description):
            for batch in read(reopen())[1]:
                count += batch.num_rows
                table = pa.Table.from_batches([batch]).rename_columns(names)
                yield replace_missing_markers(table, markers)

    def progress() -> float | None:
        return count / total if total else None

    types = dict(zip(names, schema.types, strict=True))
    return Source(names, description, ".", batches, types, unnamed_columns, progress=progress)
