"""Roles: which column is the target, the key, a feature, and what kind of task the target asks for."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.schema import NUMERIC, Column, Schema
from plumbline.data.types import is_free_text
from plumbline.errors import ParamsError, PlumblineError
from plumbline.files import round_floats
from plumbline.findings import Findings, Kind, Severity
from plumbline.keys import TYPES, Params
from plumbline.params import suggest

ID_NAMES = {"id", "ids", "key", "pk", "uuid", "guid", "index", "identifier", "rowid", "number", "nr", "no", "code"}
POSITIVE_WORDS = {"yes", "y", "true", "t", "positive", "pos", "1"}
PART = 1 << 16  # words that are Python's own at one time
NEARLY = 0.95  # distinct values of the filled ones, from which a column names rows rather than describes them
MOST_CLASSES = 500
FEW_CLASSES = 20  # whole numbers with at most this many distinct values are classes


def check_names(names: tuple[str, ...], params: Params) -> None:
    """Raises PlumblineError for a column that params name and the table has not."""
    named = [(role, getattr(params.data, role)) for role in ("target", "key", "group", "time", "weight")]
    named += [("ignore", name) for name in params.data.ignore] + [("types", name) for name in params.data.types]
    named += [("protected", name) for name in params.requirements.protected]
    for key, name in named:
        if name is not None and name not in names and (key, name) != ("key", "auto"):
            group = "requirements" if key == "protected" else "data"
            hint = suggest(name, names) or f"The first are {', '.join(map(repr, names[:5]))}"
            raise ParamsError(f"{group}.{key} names {name!r}, expected one of {len(names)} columns", hint=hint)


def summarise(path: str, storage: dict[str, str]) -> tuple[Column, ...]:
    """Counts and ranges of each column of a typed Parquet, read one column at a time."""
    file = pq.ParquetFile(path)
    return tuple(_summary(name, kind, file.read([name], use_threads=False).column(0)) for name, kind in storage.items())


def _summary(name: str, kind: str, values: pa.ChunkedArray) -> Column:
    kind, _, form = kind.partition(" ")
    distinct = _distinct(values.drop_null())
    if kind == "category" and is_free_text(values, distinct):
        kind = "text"
    infinite = pc.sum(pc.is_inf(values)).as_py() if kind == "number" else 0
    if infinite:
        first = pc.indices_nonzero(pc.fill_null(pc.is_inf(values), False))[0].as_py() + 1
        raise PlumblineError(
            f"column {name!r}: expected finite numbers, {infinite} are infinite (the first in row {first}). "
            "Leave them empty, or list the word in data.missing"
        )
    low = high = None
    if distinct and kind in (*NUMERIC, "timestamp"):
        low, high = (
            str(end) if kind == "timestamp" else round_floats(end) for end in pc.min_max(values).as_py().values()
        )
    missing = round_floats(values.null_count / len(values))
    return Column(name, kind, missing=missing, distinct=distinct, low=low, high=high, format=form or None)


def _distinct(filled: pa.ChunkedArray) -> int:
    """Distinct values, by sorting: a hash table of 10^7 values would need a gigabyte."""
    if not len(filled):
        return 0
    if pa.types.is_string(filled.type):
        parts = (
            filled.slice(start, PART).unique().to_numpy(zero_copy_only=False) for start in range(0, len(filled), PART)
        )
        values = np.concatenate([pd.util.hash_array(part, categorize=False) for part in parts])
    else:
        values = filled.to_numpy().copy()
    values.sort()
    return 1 + int(np.count_nonzero(values[1:] != values[:-1]))


def settle(
    columns: tuple[Column, ...],
    rows: int,
    params: Params,
    path: str,
    findings: Findings,
    indexes: tuple[str, ...] = (),
) -> Schema:
    """The schema: roles by params and rules, then task, classes and positive class by the target's values.

    indexes: columns that are taken for ids where they are nearly distinct, whatever their names.
    """
    roles = {role: getattr(params.data, role) for role in ("target", "group", "time", "weight")}
    schema = Schema(columns, rows, task="")
    listed = {"ignored": params.data.ignore, "protected": params.requirements.protected}
    for role, name in [*roles.items(), *((role, name) for role, names in listed.items() for name in names)]:
        schema = schema.with_role(name, role)
    _check_values(schema)
    schema = _without_use(_key(schema, params.data.key, indexes, findings), findings)
    if not schema.inputs:
        raise PlumblineError(
            f"data: no feature is left of {len(columns)} columns, expected one at least. See data.ignore"
        )
    return _task(schema, params, path, findings)


def _check_values(schema: Schema) -> None:
    for role, kinds in (("target", TYPES), ("group", TYPES), ("weight", NUMERIC), ("time", ("timestamp", *NUMERIC))):
        column = schema.column(role)
        if column is None:
            continue
        expected = f"data.{role} {column.name!r}: expected"
        if column.type not in kinds:
            raise PlumblineError(f"{expected} a column of type {' or '.join(kinds)}, found {column.type}")
        if column.missing:
            cure = "Fill them, or data.unlabelled: drop" if role == "target" else "Fill them"
            count = f"{column.missing * schema.rows:.0f} of {schema.rows} have none"
            raise PlumblineError(f"{expected} a value in every row, {count}. {cure}")
        if role == "target" and column.distinct < 2:
            raise PlumblineError(f"{expected} 2 distinct values at least, found {column.distinct}")
        if role == "weight" and (None in (column.low, column.high) or column.low < 0 or column.high == 0):
            raise PlumblineError(f"{expected} finite numbers from 0, found {column.low} to {column.high}")


def looks_like_id(column: Column, rows: int, *, index: bool = False) -> bool:
    """Nearly distinct, and whole numbers named like an id or numbered without gaps, or words that are no text.

    index: it stands where a table's index does, so that whole numbers and any words are names of rows.
    """
    filled = rows * (1 - column.missing)
    if column.distinct < max(NEARLY * filled, 2) or column.type not in ("integer", "category", *["text"] * index):
        return False
    if index:
        return True
    words = [word.lower() for word in re.findall(r"[A-Z]*[a-z]+|[A-Z]+", column.name)]
    named = words != [] and (words[0] == "id" or words[-1] in ID_NAMES)  # "order no" is one, "no of rooms" is none
    return named or column.type == "category" or column.high - column.low + 1 == rows


def _key(schema: Schema, wanted: str | None, indexes: tuple[str, ...], findings: Findings) -> Schema:
    features = [c for c in schema.columns if c.role == "feature"]
    ids = [c for c in features if looks_like_id(c, schema.rows, index=c.name in indexes)]
    if wanted == "auto":
        wanted = next((c.name for c in ids if c.distinct == schema.rows), None)
        words = f"{wanted!r} names each row (auto: unique and looks like an id)"
        findings.add(Kind.KEY, words if wanted else "no column names a row (auto)")
    elif wanted is not None:
        column = next(c for c in schema.columns if c.name == wanted)
        if column.distinct != schema.rows:
            raise PlumblineError(
                f"data.key {wanted!r}: expected a distinct value in each of {schema.rows} rows, "
                f"found {column.distinct}. Name another, or null"
            )
    for column in ids:
        if column.name != wanted:
            schema = schema.with_role(column.name, "ignored")
            words = f"{column.name!r} has {column.distinct} distinct values in {schema.rows} rows and is no key"
            findings.add(Kind.ID_LIKE, f"{words}: left out", Severity.LEFT_OUT)
    return schema.with_role(wanted, "key") if wanted else schema


def _without_use(schema: Schema, findings: Findings) -> Schema:
    for column in schema.columns:
        if column.role == "feature" and column.distinct + (column.missing > 0) < 2:
            schema = schema.with_role(column.name, "ignored")
            words = f"{column.name!r} has {'one value in every row' if column.distinct else 'no value'}: left out"
            findings.add(Kind.CONSTANT, words, Severity.LEFT_OUT)
    return schema


def _task(schema: Schema, params: Params, path: str, findings: Findings) -> Schema:
    target = schema.target
    task, words = params.data.task, "as params say"
    if task == "auto":
        task, words = _auto_task(target), f"auto: {target.type}, {target.distinct} distinct values"
    if target.type == "timestamp" or (task == "regression" and target.type not in NUMERIC):
        raise PlumblineError(f"data.target {target.name!r}: a {target.type} column cannot be predicted as {task}")
    if task == "binary" and target.distinct != 2:
        raise PlumblineError(
            f"data.task is binary, data.target {target.name!r} has {target.distinct} distinct values; expected 2"
        )
    most = FEW_CLASSES if target.type == "number" else MOST_CLASSES
    if task == "multiclass" and target.distinct > most:
        raise PlumblineError(
            f"data.target {target.name!r}: expected at most {most} classes for a multiclass task, found "
            f"{target.distinct} distinct values of type {target.type}. Group them, or data.task: regression for numbers"
        )
    findings.add(Kind.TASK, f"{task} ({words})")
    if task == "regression":
        return replace(schema, task=task)
    values = pq.ParquetFile(path).read([target.name]).column(0)
    counts = {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}
    positive = _positive(params.data.positive, counts, findings) if task == "binary" else None
    return replace(schema, task=task, classes=tuple(sorted(counts)), positive=positive)


def _auto_task(target: Column) -> str:
    if target.distinct == 2:
        return "binary"
    few = target.type == "integer" and target.distinct <= FEW_CLASSES
    return "multiclass" if few or target.type not in (*NUMERIC, "timestamp") else "regression"


def _positive(wanted: Any, counts: dict[Any, int], findings: Findings) -> Any:
    """auto: true, the larger number, a word that says yes, else the rarer class (the last of two equal ones)."""
    classes = sorted(counts)
    if wanted != "auto":
        same = [value for value in classes if value == wanted or str(value) == str(wanted)]
        if not same:
            raise PlumblineError(f"data.positive is {wanted!r}, expected one of {classes[0]!r} and {classes[1]!r}")
        return same[0]
    yes = [value for value in classes if str(value).strip().lower() in POSITIVE_WORDS]
    if not isinstance(classes[1], str):
        found, why = classes[1], "the larger value"
    elif len(yes) == 1:
        found, why = yes[0], "a word that says yes"
    else:
        found, why = min(reversed(classes), key=lambda value: counts[value]), "the rarer class"
    findings.add(Kind.POSITIVE, f"{found} (auto: {why})")
    return found
