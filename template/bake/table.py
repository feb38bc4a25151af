"""The user's own table: found or downloaded, looked at as far as no package is needed, laid into data/source."""

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

from template.bake.answers import Answers, Refused, scheme

SMALL = 10 * 2**20  # bytes: up to here a table goes into git
PACKED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": None}
TEXTS, OBJECTS, OTHERS = (
    (".csv", ".tsv", ".txt"),
    (".jsonl", ".ndjson", ".json"),
    (".parquet", ".pq", ".feather", ".arrow"),
)
FORMATS = (*TEXTS, *OBJECTS, *OTHERS)
HEAD = 1 << 20  # bytes in which a header ends, as the pipeline has it
BLOCK = 1 << 20
SECONDS = 60  # without a byte from the other side


def source(answers: Answers) -> str:
    """Where the table will lie: under its own name, without what a path or a shell would misread."""
    given = answers["data"]
    path = unquote(urlsplit(given).path) if scheme(given) else given
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", path.rstrip("/\\"))[-1])
    return "data/source/" + (re.sub(r"[^\w .()+-]", "_", name).lstrip(".") or "table")


def looked_at(answers: Answers, folders: list[str]) -> Path | str:
    """Where the table is: a path, or the address of a download. Raises Refused for what cannot be one with the target.

    folders: where a relative path may count from; a hook no longer knows where the user is. Of a download the start is
    read, of a folder the first part.
    """
    given = answers["data"]
    if scheme(given) in ("http", "https"):
        _supported(source(answers), given)
        with _opened(given) as answer:
            _look(_head(answer, source(answers), given), source(answers), given, answers["target"])
        return given
    found = _located(given, folders)
    parts = _parts(found)
    if found.is_dir() and not (parts and all(part.is_file() for part in parts)):
        raise Refused(f"data: {given} is a folder, expected parts of one table in it, files and nothing else")
    for part in parts:
        _supported(part.name, str(part) if found.is_dir() else given)
        if not part.stat().st_size:
            raise Refused(f"data: {part.name} is empty")
    if len({_form(part.name) for part in parts}) > 1:
        raise Refused(f"data: {given} has parts in several formats, expected one. Name the table alone")
    with parts[0].open("rb") as file:
        _look(_head(file, parts[0].name, given), parts[0].name, given, answers["target"])
    return found


def bring(answers: Answers, folders: list[str], project: Path) -> None:
    """Copies the table into the project; what is too large for git gets a pointer of DVC's. Raises Refused."""
    found, target = looked_at(answers, folders), project / source(answers)
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(found, str):
        print(f"downloads {found}", flush=True)
        with _opened(found) as answer, target.open("wb") as file:
            shutil.copyfileobj(answer, file, BLOCK)
    elif found.is_dir():
        target.mkdir()
        for part in _parts(found):
            shutil.copyfile(part, target / part.name)
    else:
        shutil.copyfile(found, target)
    if sum(part.stat().st_size for part in _parts(target)) > SMALL:
        _point(target)


def _located(given: str, folders: list[str]) -> Path:
    path = Path(unquote(urlsplit(given).path) if scheme(given) else given).expanduser()
    tried = [path] if path.is_absolute() else [Path(folder) / path for folder in dict.fromkeys(folders)]
    found = next((each for each in tried if each.exists()), None)
    if found is None:
        raise Refused(f"data is {given!r}: nothing is there (looked for {', '.join(map(str, tried))})")
    return found


def _parts(path: Path) -> list[Path]:
    """The file, or what is in the folder and not hidden, as the pipeline reads it."""
    return sorted(p for p in path.iterdir() if not p.name.startswith((".", "_"))) if path.is_dir() else [path]


@contextmanager
def _opened(address: str) -> Iterator[Any]:
    try:
        with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310, http or https
            yield answer
    except (URLError, OSError, ValueError) as error:  # HTTPError, a time-out and a lost connection are of these
        raise Refused(f"data: {address} cannot be downloaded: {getattr(error, 'reason', None) or error}") from None


def _supported(name: str, given: str) -> None:
    if _form(name) not in FORMATS:
        raise Refused(
            f"data: {given} ends in {_form(name) or 'no suffix'}, expected one of {', '.join(FORMATS)}, also with "
            f"{', '.join(PACKED)}"
        )


def _form(name: str) -> str:
    """csv, jsonl or the suffix, without that of a compression."""
    suffix = Path(name).suffix.lower()
    return _form(Path(name).stem) if suffix in PACKED else suffix


def _head(file: Any, name: str, given: str) -> bytes:
    """The start of a table, unpacked; b"" where that takes a package."""
    opener = PACKED.get(Path(name).suffix.lower(), lambda file: file)
    try:
        return opener(file).read(HEAD) if opener else b""
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise Refused(f"data: {given} cannot be unpacked: {error}") from None


def _look(head: bytes, name: str, given: str, target: str) -> None:
    """Refuses a table without the target, where a header can be read with the standard library alone."""
    if _form(name) in OTHERS or Path(name).suffix.lower() == ".zst":
        return
    text = _decoded(head)
    if not text.strip():
        raise Refused(f"data: {given} is empty")
    columns = _keys(text) if _form(name) in OBJECTS else _header(text, target)
    if target not in columns:
        shown = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
        raise Refused(f"target is {target!r}: {given} has no such column, it has: {shown}")


def _decoded(head: bytes) -> str:
    """UTF-8 or UTF-16 with or without a mark, else Windows-1252; a letter that the end cuts in two is left out."""
    wide = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if marked else wide if b"\0" in head[:4] else "utf-8-sig"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", "ignore")


def _header(text: str, target: str) -> list[str]:
    """The columns of a CSV: of the usual delimiters one that gives the target, else the one that gives most."""
    csv.field_size_limit(HEAD)  # a reading with another delimiter is one long field
    lines = [next(csv.reader(io.StringIO(text.lstrip("\r\n")), delimiter=each), []) for each in ",;\t|"]
    return max(map(_named, lines), key=lambda columns: (target in columns, len(columns)))


def _named(columns: list[str]) -> list[str]:
    """A column without a name is named by its position, as the pipeline names it."""
    made = [name or f"column_{i}" for i, name in enumerate(columns, 1)]
    for i, name in enumerate(columns):
        while not name and made[i] in columns:
            made[i] += "_"
    return made


def _keys(text: str) -> list[str]:
    """The keys of all objects that are whole: in lines, in an array, or of one alone."""
    found: dict[str, None] = {}
    at, decode = text.find("{"), json.JSONDecoder().raw_decode
    while at >= 0:
        try:
            row, end = decode(text, at)
        except (ValueError, RecursionError):  # cut in two, or for the pipeline to refuse
            break
        found |= dict.fromkeys(row)
        at = text.find("{", end)
    return [*found]


def _point(target: Path) -> None:
    """What `dvc add` would write (of a folder: the hash of a list); the first `dvc repro` verifies it."""
    sums = [{"md5": _md5(part), "relpath": part.name} for part in _parts(target)]
    size = sum(part.stat().st_size for part in _parts(target))
    lines = [
        f"- md5: {sums[0]['md5']}",
        f"  size: {size}",
        "  hash: md5",
        f"  path: {json.dumps(target.name, ensure_ascii=False)}",
    ]
    if target.is_dir():
        listed = json.dumps(sorted(sums, key=lambda each: each["relpath"]), sort_keys=True)
        lines[0] = f"- md5: {hashlib.md5(listed.encode()).hexdigest()}.dir"  # noqa: S324, DVC's own hash
        lines.insert(2, f"  nfiles: {len(sums)}")
    target.with_name(target.name + ".dvc").write_text(
        "\n".join(["outs:", *lines]) + "\n", encoding="utf-8", newline="\n"
    )
    target.with_name(".gitignore").write_text(f"/{target.name}\n", encoding="utf-8", newline="\n")


def _md5(path: Path) -> str:
    total = hashlib.md5()  # noqa: S324, DVC's own hash
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            total.update(block)
    return total.hexdigest()
