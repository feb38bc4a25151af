"""The user's own table: find or download it, check it without further packages, and copy it into data/source."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import hashlib
import io
import json
import lzma
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from template.bake.answers import Answers, BakeError, scheme

MOST_IN_GIT = 10 * 2**20  # bytes: a larger table is not committed to git
COMPRESSIONS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": None}
DELIMITED = (".csv", ".tsv", ".txt")
OBJECTS = (".jsonl", ".ndjson", ".json")
BINARY = (".parquet", ".pq", ".feather", ".arrow")
FORMATS = (*DELIMITED, *OBJECTS, *BINARY)
HEAD = 1 << 20  # bytes in which a header ends, as the pipeline has it
BLOCK = 1 << 20
SECONDS = 60  # the longest wait for a byte of a download


def source_path(answers: Answers) -> str:
    """Return the table's path in the project: its own name, without what a path or a shell would misread."""
    answer = answers["data"]
    path = unquote(urlsplit(answer).path) if scheme(answer) else answer
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", path.rstrip("/\\"))[-1])
    return "data/source/" + (re.sub(r"[^\w .()+-]", "_", name).lstrip(".") or "table")


def find_table(answers: Answers, folders: list[str]) -> Path | str:
    """Find the table and check that it has the target.

    Of a download only the start is read, of a folder only the first part.

    Parameters
    ----------
    answers : dict of str
        `data` and `target` are read.
    folders : list of str
        Where a relative path may start from; a hook no longer knows the user's folder.

    Returns
    -------
    Path or str
        A path, or the address of a download.

    Raises
    ------
    BakeError
        If nothing is there, or if it cannot be a table with the target.
    """
    answer = answers["data"]
    if scheme(answer) in ("http", "https"):
        name = source_path(answers)
        _check_format(name, answer)
        with _open_address(answer) as response:
            _check_target(_read_head(response, name, answer), name, answer, answers["target"])
        return answer
    path = _locate(answer, folders)
    parts = _parts(path)
    if path.is_dir() and not (parts and all(part.is_file() for part in parts)):
        message = f"data: {answer} is a folder, expected parts of one table in it, files and nothing else"
        raise BakeError(message, hint="Remove the rest, or name one file")
    for part in parts:
        _check_format(part.name, str(part) if path.is_dir() else answer)
        if not part.stat().st_size:
            raise _empty(part.name)
    if len({_format(part.name) for part in parts}) > 1:
        message = f"data: {answer} has parts in several formats, expected one"
        raise BakeError(message, hint="Name the table alone")
    with parts[0].open("rb") as file:
        name = parts[0].name
        _check_target(_read_head(file, name, answer), name, answer, answers["target"])
    return path


def _empty(name: str) -> BakeError:
    return BakeError(f"data: {name} is empty", hint="Name a file with rows")


def copy_table(answers: Answers, folders: list[str], project: Path) -> None:
    """Copy the table into the project; one that is too large for git gets a pointer file as `dvc add` writes it.

    Parameters and errors are those of `find_table`.
    """
    table, target = find_table(answers, folders), project / source_path(answers)
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(table, str):
        print(f"Downloading {table}", flush=True)
        with _open_address(table) as response, target.open("wb") as file:
            shutil.copyfileobj(response, file, BLOCK)
    elif table.is_dir():
        target.mkdir()
        for part in _parts(table):
            shutil.copyfile(part, target / part.name)
    else:
        shutil.copyfile(table, target)
    if sum(part.stat().st_size for part in _parts(target)) > MOST_IN_GIT:
        _write_pointer(target)


def _locate(answer: str, folders: list[str]) -> Path:
    path = Path(unquote(urlsplit(answer).path) if scheme(answer) else answer).expanduser()
    candidates = [path] if path.is_absolute() else [Path(folder) / path for folder in dict.fromkeys(folders)]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    places = ", ".join(map(str, candidates))
    raise BakeError(f"data is {answer!r}: nothing is there (searched: {places})", hint="Answer with the full path")


def _parts(path: Path) -> list[Path]:
    """The file, or the files of the folder that are not hidden, as the pipeline reads it."""
    return sorted(p for p in path.iterdir() if not p.name.startswith((".", "_"))) if path.is_dir() else [path]


@contextmanager
def _open_address(address: str) -> Iterator[Any]:
    try:
        with urlopen(address, timeout=SECONDS) as response:  # noqa: S310, http or https
            yield response
    except (URLError, OSError, ValueError) as error:  # HTTPError, a time-out and a lost connection are of these
        reason = getattr(error, "reason", None) or error
        message = f"data: {address} cannot be downloaded: {reason}"
        raise BakeError(message, hint="Correct the address, or download the table and answer with its path") from None


def _check_format(name: str, place: str) -> None:
    if _format(name) not in FORMATS:
        suffix = _format(name) or "no suffix"
        formats = f"{', '.join(FORMATS)}, also with {', '.join(COMPRESSIONS)}"
        hint = "Convert it to CSV, or give it the suffix of its format"
        raise BakeError(f"data: {place} ends in {suffix}, expected one of {formats}", hint=hint)


def _format(name: str) -> str:
    """The suffix in lower case, without that of a compression."""
    suffix = Path(name).suffix.lower()
    return _format(Path(name).stem) if suffix in COMPRESSIONS else suffix


def _read_head(file: Any, name: str, place: str) -> bytes:
    """The start of a table, decompressed; b"" where that takes a package."""
    opener = COMPRESSIONS.get(Path(name).suffix.lower(), lambda file: file)
    try:
        return opener(file).read(HEAD) if opener else b""
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BakeError(f"data: {place} cannot be unpacked: {error}", hint="Compress it again") from None


def _check_target(head: bytes, name: str, place: str, target: str) -> None:
    """Refuse a table without the target, where the standard library can read the header."""
    if _format(name) in BINARY or Path(name).suffix.lower() == ".zst":
        return
    text = _decode(head)
    if not text.strip():
        raise _empty(place)
    columns = _keys(text) if _format(name) in OBJECTS else _header(text, target)
    if target not in columns:
        names = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
        raise BakeError(f"target is {target!r}: {place} has no such column, it has: {names}", hint="Name one of them")


def _decode(head: bytes) -> str:
    """UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252; an incomplete last letter is dropped."""
    wide = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    has_mark = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if has_mark else wide if b"\0" in head[:4] else "utf-8-sig"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", "ignore")


def _header(text: str, target: str) -> list[str]:
    """The columns of a CSV file: by the delimiter that gives the target, else the one that gives most columns."""
    csv.field_size_limit(HEAD)  # with another delimiter a line is one long field
    lines = [next(csv.reader(io.StringIO(text.lstrip("\r\n")), delimiter=mark), []) for mark in ",;\t|"]
    return max(map(_fill_names, lines), key=lambda columns: (target in columns, len(columns)))


def _fill_names(columns: list[str]) -> list[str]:
    """Name a column without a name by its position, as the pipeline does."""
    names = [name or f"column_{i}" for i, name in enumerate(columns, 1)]
    for i, name in enumerate(columns):
        while not name and names[i] in columns:
            names[i] += "_"
    return names


def _keys(text: str) -> list[str]:
    """The keys of all complete objects: one a line, in an array, or a single one."""
    keys: dict[str, None] = {}
    at, decode = text.find("{"), json.JSONDecoder().raw_decode
    while at >= 0:
        try:
            row, end = decode(text, at)
        except (ValueError, RecursionError):  # incomplete, or for the pipeline to refuse
            break
        keys |= dict.fromkeys(row)
        at = text.find("{", end)
    return [*keys]


def _write_pointer(target: Path) -> None:
    """Write what `dvc add` would write (for a folder: the hash of a list); the first `dvc repro` verifies it."""
    entries = [{"md5": _md5(part), "relpath": part.name} for part in _parts(target)]
    size = sum(part.stat().st_size for part in _parts(target))
    lines = [
        f"- md5: {entries[0]['md5']}",
        f"  size: {size}",
        "  hash: md5",
        f"  path: {json.dumps(target.name, ensure_ascii=False)}",
    ]
    if target.is_dir():
        listing = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
        lines[0] = f"- md5: {hashlib.md5(listing.encode()).hexdigest()}.dir"  # noqa: S324, DVC's own hash
        lines.insert(2, f"  nfiles: {len(entries)}")
    text = "\n".join(["outs:", *lines]) + "\n"
    target.with_name(target.name + ".dvc").write_bytes(text.encode())
    target.with_name(".gitignore").write_bytes(f"/{target.name}\n".encode())


def _md5(path: Path) -> str:
    digest = hashlib.md5()  # noqa: S324, DVC's own hash
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
