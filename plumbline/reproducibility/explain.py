"""Where two files first differ, as deep as their format allows; values of rows only where that is allowed."""

import io
import json
import math
import zipfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ARCHIVES = (".whl", ".zip", ".skops")
ABSENT = object()
DIGITS = 6  # to which numbers in git are rounded


def first_difference(old: Path, new: Path, show: bool) -> str:
    """Of two files, or of two folders the first file that differs."""
    if old.is_dir() and new.is_dir():
        names = sorted({p.relative_to(top).as_posix() for top in (old, new) for p in top.rglob("*") if p.is_file()})
        for name in names:
            if not (old / name).is_file() or not (new / name).is_file():
                return f"{name}: only in one of the two"
            if (old / name).read_bytes() != (new / name).read_bytes():
                return f"{name}, {first_difference(old / name, new / name, show)}"
        return "nothing differs"
    with old.open("rb") as one, new.open("rb") as other:
        return _explained(one, other, old.suffix, show)


def _explained(old: IO[bytes], new: IO[bytes], suffix: str, show: bool) -> str:
    try:
        if suffix == ".parquet":
            return _parquet(old, new, show)
        if suffix in ARCHIVES:
            return _archive(zipfile.ZipFile(old), zipfile.ZipFile(new), show)
        if suffix == ".json":
            return _json(json.load(old), json.load(new), "", show)
        if suffix == ".npy":
            return _array(np.load(old, allow_pickle=False), np.load(new, allow_pickle=False), show)
        return _text(old.read().decode("utf-8"), new.read().decode("utf-8"), show)
    except (ValueError, zipfile.BadZipFile, pa.ArrowException):  # not of the format that its name says, or no text
        old.seek(0)
        new.seek(0)
        return _bytes(old.read(), new.read())


def _values(old: Any, new: Any, show: bool) -> str:
    return f": {old!r} and {new!r}" if show else ""


def _parquet(old: IO[bytes], new: IO[bytes], show: bool) -> str:
    one, other = pq.ParquetFile(old), pq.ParquetFile(new)
    a, b = ([(field.name, str(field.type)) for field in file.schema_arrow] for file in (one, other))
    if a != b:
        return "the columns or their types: " + ", ".join(
            name for name, _ in a + b if ((name, _) in a) != ((name, _) in b)
        )
    if one.metadata.num_rows != other.metadata.num_rows:
        return f"{one.metadata.num_rows} and {other.metadata.num_rows} rows"
    for name, _ in a:
        found, also = (file.read([name]).column(0) for file in (one, other))
        if not found.equals(also):  # NaN equals nothing, itself included: look closer
            pairs = zip(found.to_pylist(), also.to_pylist(), strict=True)
            for row, (x, y) in enumerate(pairs):
                if repr(x) != repr(y):
                    return f"column {name}, row {row}{_values(x, y, show)}"
    return "no value: the metadata, or how the rows are laid out"


def _archive(old: zipfile.ZipFile, new: zipfile.ZipFile, show: bool) -> str:
    a, b = old.infolist(), new.infolist()
    if names := sorted({m.filename for m in a} ^ {m.filename for m in b}):
        return f"member {names[0]}: only in one of the two"
    for one in a:
        other = new.getinfo(one.filename)
        if old.read(one) != new.read(other):
            suffix = Path(one.filename).suffix
            inside = _explained(io.BytesIO(old.read(one)), io.BytesIO(new.read(other)), suffix, show)
            return f"member {one.filename}, {inside}"
    for one in a:
        other = new.getinfo(one.filename)
        if one.date_time != other.date_time:
            return f"member {one.filename}: its time stamp"
        if one.external_attr != other.external_attr:
            return f"member {one.filename}: its rights"
    return "the order of the members, or how they are packed"


def _json(old: Any, new: Any, path: str, show: bool) -> str:
    """The first path at which they differ; in a model's schema it names the class of the node as well."""
    if type(old) is type(new) and isinstance(old, dict | list):
        kind = f" ({old['__class__']})" if isinstance(old, dict) and isinstance(old.get("__class__"), str) else ""
        if isinstance(old, dict):
            keys = list(dict.fromkeys([*old, *new]))
            pairs = [(f".{key}", old.get(key, ABSENT), new.get(key, ABSENT)) for key in keys]
        else:
            pairs = [(f"[{i}]", *two) for i, two in enumerate(zip_longest(old, new, fillvalue=ABSENT))]
        for key, x, y in pairs:
            if repr(x) != repr(y):
                return _json(x, y, f"{path}{kind}{key}".lstrip(". "), show)
        return f"{path or 'the file'}: the order of its keys, or blanks"
    if ABSENT in (old, new):
        return f"{path}: only in one of the two"
    return f"{path or 'the file'}{_values(old, new, show)}"


def _array(old: np.ndarray, new: np.ndarray, show: bool) -> str:
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"{old.dtype}{list(old.shape)} and {new.dtype}{list(new.shape)}"
    a, b = old.ravel(), new.ravel()
    at = next((i for i in range(a.size) if a[i].tobytes() != b[i].tobytes()), None)
    return "no element: how it is laid out" if at is None else f"element {at}{_values(a[at], b[at], show)}"


def _text(old: str, new: str, show: bool) -> str:
    for number, (x, y) in enumerate(zip_longest(old.split("\n"), new.split("\n")), 1):
        if x != y:
            return f"line {number}{_values(x, y, show)}"
    return "nothing differs"


def _bytes(old: bytes, new: bytes) -> str:
    size = min(len(old), len(new))
    at = np.flatnonzero(np.frombuffer(old, "u1", size) != np.frombuffer(new, "u1", size))
    return f"byte {at[0] if at.size else size} of {len(old)}"


def unlike(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Key and values where two JSON contents differ by more than one unit of the last digit that git has of numbers."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            pair = old.get(name, ABSENT), new.get(name, ABSENT)
            yield from unlike(*pair, f"{key}.{name}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from unlike(*pair, f"{key}[{number}]")
    elif not _near(old, new):
        yield key, None if old is ABSENT else old, None if new is ABSENT else new


def _near(old: Any, new: Any) -> bool:
    if (not isinstance(old, float) and not isinstance(new, float)) or bool in (type(old), type(new)):
        return type(old) is type(new) and bool(old == new)
    try:
        largest = max(abs(float(old)), abs(float(new)))
        unit = 10.0 ** (math.floor(math.log10(largest)) - DIGITS + 1) if largest else 0.0
    except (OverflowError, TypeError, ValueError):  # no number, or none that is finite
        return False
    return abs(old - new) <= 1.001 * unit  # both are rounded, and a difference of floats is not exact
