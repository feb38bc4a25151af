"""Find where two files first differ, as deep as their format allows."""

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

_ARCHIVE_SUFFIXES = (".whl", ".zip", ".skops")
_ABSENT = object()
_DIGITS = 6  # to which numbers in git are rounded


def first_difference(old: Path, new: Path, show_values: bool) -> str:
    """Return where two files or folders first differ.

    Parameters
    ----------
    old, new : Path
        Two files of the same format, or two folders.
    show_values : bool
        Whether the answer may have values of the files in it.

    Returns
    -------
    str
        As "column age, row 3: 41 and 42", "member model.json, loss", "line 2" or "nothing differs".
    """
    if old.is_dir() and new.is_dir():
        return _compare_folders(old, new, show_values)
    with old.open("rb") as old_file, new.open("rb") as new_file:
        return _compare_files(old_file, new_file, old.suffix, show_values)


def _compare_folders(old: Path, new: Path, show_values: bool) -> str:
    files = [(folder, file) for folder in (old, new) for file in folder.rglob("*") if file.is_file()]
    for name in sorted({file.relative_to(folder).as_posix() for folder, file in files}):
        if not (old / name).is_file() or not (new / name).is_file():
            return f"{name}: only in one of the two"
        if (old / name).read_bytes() != (new / name).read_bytes():
            return f"{name}, {first_difference(old / name, new / name, show_values)}"
    return "nothing differs"


def _compare_files(old: IO[bytes], new: IO[bytes], suffix: str, show_values: bool) -> str:
    try:
        if suffix == ".parquet":
            return _compare_parquet(old, new, show_values)
        if suffix in _ARCHIVE_SUFFIXES:
            return _compare_archives(zipfile.ZipFile(old), zipfile.ZipFile(new), show_values)
        if suffix == ".json":
            return _compare_json(json.load(old), json.load(new), "", show_values)
        if suffix == ".npy":
            return _compare_arrays(np.load(old, allow_pickle=False), np.load(new, allow_pickle=False), show_values)
        return _compare_texts(old.read().decode("utf-8"), new.read().decode("utf-8"), show_values)
    except (ValueError, zipfile.BadZipFile, pa.ArrowException):  # not of the format that its name says, or no text
        old.seek(0)
        new.seek(0)
        return _compare_bytes(old.read(), new.read())


def _values(old: Any, new: Any, show_values: bool) -> str:
    return f": {old!r} and {new!r}" if show_values else ""


def _compare_parquet(old: IO[bytes], new: IO[bytes], show_values: bool) -> str:
    files = pq.ParquetFile(old), pq.ParquetFile(new)
    old_types, new_types = ([(field.name, str(field.type)) for field in file.schema_arrow] for file in files)
    if old_types != new_types:
        pairs = [pair for pair in old_types + new_types if (pair in old_types) != (pair in new_types)]
        return "the columns or their types: " + ", ".join(name for name, _ in pairs)
    old_count, new_count = (file.metadata.num_rows for file in files)
    if old_count != new_count:
        return f"{old_count} and {new_count} rows"
    for name, _ in old_types:
        old_column, new_column = (file.read([name]).column(0) for file in files)
        if not old_column.equals(new_column):  # NaN equals nothing, itself included: look closer
            for row, pair in enumerate(zip(old_column.to_pylist(), new_column.to_pylist(), strict=True)):
                if repr(pair[0]) != repr(pair[1]):
                    return f"column {name}, row {row}{_values(*pair, show_values)}"
    return "no value: the metadata, or how the rows are laid out"


def _compare_archives(old: zipfile.ZipFile, new: zipfile.ZipFile, show_values: bool) -> str:
    if names := sorted({*old.namelist()} ^ {*new.namelist()}):
        return f"member {names[0]}: only in one of the two"
    pairs = [(member, new.getinfo(member.filename)) for member in old.infolist()]
    for old_member, new_member in pairs:
        contents = old.read(old_member), new.read(new_member)
        if contents[0] != contents[1]:
            old_file, new_file = map(io.BytesIO, contents)
            difference = _compare_files(old_file, new_file, Path(old_member.filename).suffix, show_values)
            return f"member {old_member.filename}, {difference}"
    for old_member, new_member in pairs:
        if old_member.date_time != new_member.date_time:
            return f"member {old_member.filename}: its time stamp"
        if old_member.external_attr != new_member.external_attr:
            return f"member {old_member.filename}: its rights"
    return "the order of the members, or how they are packed"


def _compare_json(old: Any, new: Any, path: str, show_values: bool) -> str:
    """The first path at which they differ; in a model's schema it names the class of the node as well."""
    if type(old) is type(new) and isinstance(old, dict | list):
        class_name = old.get("__class__") if isinstance(old, dict) else None
        label = f" ({class_name})" if isinstance(class_name, str) else ""
        for key, old_item, new_item in _pair_items(old, new):
            if repr(old_item) != repr(new_item):
                return _compare_json(old_item, new_item, f"{path}{label}{key}".lstrip(". "), show_values)
        return f"{path or 'the file'}: the order of its keys, or blanks"
    if _ABSENT in (old, new):
        return f"{path}: only in one of the two"
    return f"{path or 'the file'}{_values(old, new, show_values)}"


def _pair_items(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Key and items of two maps or two lists, `_ABSENT` where only one has the key."""
    if isinstance(old, dict):
        keys = list(dict.fromkeys([*old, *new]))
        return [(f".{key}", old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in keys]
    return [(f"[{index}]", *pair) for index, pair in enumerate(zip_longest(old, new, fillvalue=_ABSENT))]


def _compare_arrays(old: np.ndarray, new: np.ndarray, show_values: bool) -> str:
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"{old.dtype}{list(old.shape)} and {new.dtype}{list(new.shape)}"
    for index, (old_value, new_value) in enumerate(zip(old.ravel(), new.ravel(), strict=True)):
        if old_value.tobytes() != new_value.tobytes():
            return f"element {index}{_values(old_value, new_value, show_values)}"
    return "no element: how it is laid out"


def _compare_texts(old: str, new: str, show_values: bool) -> str:
    for number, (old_line, new_line) in enumerate(zip_longest(old.split("\n"), new.split("\n")), 1):
        if old_line != new_line:
            return f"line {number}{_values(old_line, new_line, show_values)}"
    return "nothing differs"


def _compare_bytes(old: bytes, new: bytes) -> str:
    size = min(len(old), len(new))
    positions = np.flatnonzero(np.frombuffer(old, "u1", size) != np.frombuffer(new, "u1", size))
    return f"byte {positions[0] if positions.size else size} of {len(old)}"


def json_differences(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield where two JSON contents differ by more than the rounding of numbers in git.

    Parameters
    ----------
    old, new
        Contents of two JSON files.
    key : str
        Where they lie in a larger content.

    Yields
    ------
    key : str
        As in "slices[2].value".
    old_value, new_value
        None where there is no such key. Floats that differ by one unit of their sixth significant digit are equal.

    Examples
    --------
    >>> list(json_differences({"loss": 0.123456, "rows": 7}, {"loss": 0.123457, "rows": 8}))
    [('rows', 7, 8)]
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            pair = old.get(name, _ABSENT), new.get(name, _ABSENT)
            yield from json_differences(*pair, f"{key}.{name}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from json_differences(*pair, f"{key}[{index}]")
    elif not _is_close(old, new):
        yield key, None if old is _ABSENT else old, None if new is _ABSENT else new


def _is_close(old: Any, new: Any) -> bool:
    if (not isinstance(old, float) and not isinstance(new, float)) or bool in (type(old), type(new)):
        return type(old) is type(new) and bool(old == new)
    try:
        largest = max(abs(float(old)), abs(float(new)))
        unit = 10.0 ** (math.floor(math.log10(largest)) - _DIGITS + 1) if largest else 0.0
    except (OverflowError, TypeError, ValueError):  # no number, or none that is finite
        return False
    return bool(abs(old - new) <= 1.001 * unit)  # both are rounded, and a difference of floats is not exact
