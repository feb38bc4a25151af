"""Roles of columns: which one is the target, the key, a feature; and the task that follows from the target."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.schema import NUMERIC, Column, Schema
from plumbline.data.types import is_free_text
from plumbline.errors import ParamsError, TableError
from plumbline.files import round_floats
from plumbline.findings import Findings, Kind, Severity
from plumbline.keys import TYPES, Params
from plumbline.params import suggest

_ID_WORDS = {"id", "ids", "key", "pk", "uuid", "guid", "index", "identifier", "rowid", "number", "nr", "no", "code"}
_POSITIVE_WORDS = {"yes", "y", "true", "t", "positive", "pos", "1"}
_PART = 1 << 16  # strings that are Python objects at one time
_ID_SHARE = 0.95  # of distinct values, from which a column identifies rows rather than describes them
_MAX_CLASSES = 500
_FEW_CLASSES = 20  # integers with at most this many distinct values are classes
_ROLE_TYPES = (("target", TYPES), ("group", TYPES), ("weight", NUMERIC), ("time", ("timestamp", *NUMERIC)))


def check_column_names(names: tuple[str, ...], params: Params) -> None:
    """Check that the table has all columns that params name.

    Raises
    ------
    ParamsError
        For the first that is missing.
    """
    data = params.data
    references = [(f"data.{role}", getattr(data, role)) for role in ("target", "key", "group", "time", "weight")]
    references += [("data.ignore", name) for name in data.ignore] + [("data.types", name) for name in data.types]
    references += [("requirements.protected", name) for name in params.requirements.protected]
    for key, name in references:
        if name is not None and name not in names and (key, name) != ("data.key", "auto"):
            hint = suggest(name, names) or f"The first columns are {', '.join(map(repr, names[:5]))}"
            raise ParamsError(f"{key} names {name!r}, expected one of {len(names)} columns", hint=hint)


def summarize_columns(path: str, types: Mapping[str, str]) -> tuple[Column, ...]:
    """Count values and find the range of each column of a typed Parquet, one column at a time.

    Parameters
    ----------
    path : str
    types : mapping of str to str
        As `infer_types` returns them.

    Raises
    ------
    TableError
        Where a number is infinite.
    """
    file = pq.ParquetFile(path)
    return tuple(_summarize(name, kind, file.read([name], use_threads=False).column(0)) for name, kind in types.items())


def _summarize(name: str, kind: str, values: pa.ChunkedArray) -> Column:
    kind, _, format_ = kind.partition(" ")
    distinct = _count_distinct(values.drop_null())
    if kind == "category" and is_free_text(values, distinct):
        kind = "text"
    if kind == "number":
        _check_finite(name, values)
    low = high = None
    if distinct and kind in (*NUMERIC, "timestamp"):
        ends = pc.min_max(values).as_py().values()
        low, high = (str(end) if kind == "timestamp" else round_floats(end) for end in ends)
    missing = round_floats(values.null_count / len(values))
    return Column(name, kind, missing=missing, distinct=distinct, low=low, high=high, format=format_ or None)


def _check_finite(name: str, values: pa.ChunkedArray) -> None:
    is_infinite = pc.is_inf(values)
    if not (count := pc.sum(is_infinite).as_py()):
        return
    first = pc.indices_nonzero(pc.fill_null(is_infinite, False))[0].as_py() + 1
    raise TableError(
        f"column {name!r}: expected finite numbers, {count} are infinite (the first in row {first})",
        hint="Leave them empty, or add the string to data.missing",
    )


def _count_distinct(values: pa.ChunkedArray) -> int:
    """Return the number of distinct values, by sorting: a hash table of 10^7 values would need a gigabyte."""
    if not len(values):
        return 0
    if pa.types.is_string(values.type):
        starts = range(0, len(values), _PART)
        parts = (values.slice(start, _PART).unique().to_numpy(zero_copy_only=False) for start in starts)
        numbers = np.concatenate([pd.util.hash_array(part, categorize=False) for part in parts])
    else:
        numbers = values.to_numpy().copy()
    numbers.sort()
    return 1 + int(np.count_nonzero(numbers[1:] != numbers[:-1]))


def resolve_roles(
    columns: tuple[Column, ...],
    rows: int,
    params: Params,
    path: str,
    findings: Findings,
    indexes: tuple[str, ...] = (),
) -> Schema:
    """Return the schema: roles by params and rules, then task, classes and positive class.

    Parameters
    ----------
    columns : tuple of Column
    rows : int
    params : Params
        Its data and requirements.protected are used.
    path : str
        The typed Parquet, from which the classes are read.
    findings : Findings
    indexes : tuple of str
        Columns that identify rows where they are nearly distinct, whatever their names.

    Raises
    ------
    TableError
        Where a column does not fit its role, or no feature remains.
    ParamsError
        Where data.task or data.positive does not fit the target.
    """
    roles = {role: getattr(params.data, role) for role in ("target", "group", "time", "weight")}
    lists = {"ignored": params.data.ignore, "protected": params.requirements.protected}
    schema = Schema(columns, rows, task="")
    for role, name in [*roles.items(), *((role, name) for role, names in lists.items() for name in names)]:
        schema = schema.with_role(name, role)
    _check_values(schema)
    schema = _ignore_constant(_resolve_key(schema, params.data.key, indexes, findings), findings)
    if not schema.inputs:
        message = f"data: no feature is left of {len(columns)} columns, expected at least one"
        raise TableError(message, hint="Remove a column from data.ignore, or add columns to the table")
    return _resolve_task(schema, params, path, findings)


def _check_values(schema: Schema) -> None:
    for role, types in _ROLE_TYPES:
        column = schema.column(role)
        if column is None:
            continue
        start = f"data.{role} {column.name!r}: expected"
        if column.type not in types:
            message = f"{start} a column of type {' or '.join(types)}, found {column.type}"
            raise TableError(message, hint=f"Correct its values, or set data.types: {{{column.name}: TYPE}}")
        if column.missing:
            hint = "Fill them, or set data.unlabelled: drop" if role == "target" else "Fill them"
            count = f"{column.missing * schema.rows:.0f} of {schema.rows} have none"
            raise TableError(f"{start} a value in every row, {count}", hint=hint)
        if role == "target" and column.distinct < 2:
            message = f"{start} 2 distinct values at least, found {column.distinct}"
            raise TableError(message, hint="Set data.target to another column, or data.source to the right file")
        if role == "weight" and (None in (column.low, column.high) or column.low < 0 or column.high == 0):
            message = f"{start} finite numbers from 0, found {column.low} to {column.high}"
            raise TableError(message, hint="Correct them, or set data.weight: null")


def looks_like_id(column: Column, rows: int, *, is_index: bool = False) -> bool:
    """Return whether a column identifies rows.

    Its values are nearly distinct, and they are strings that are not free text, integers with a name such as
    "order id", or integers without a gap.

    Parameters
    ----------
    column : Column
    rows : int
        Rows of the table.
    is_index : bool
        Whether the column is where the index of a frame is: then any integers and strings do.

    Examples
    --------
    >>> looks_like_id(Column("order_id", "integer", distinct=5, low=10, high=90), rows=5)
    True
    >>> looks_like_id(Column("price", "integer", distinct=5, low=10, high=90), rows=5)
    False
    """
    values = rows * (1 - column.missing)
    types = ("integer", "category", "text") if is_index else ("integer", "category")
    if column.distinct < max(_ID_SHARE * values, 2) or column.type not in types:
        return False
    if is_index or column.type == "category":
        return True
    words = [word.lower() for word in re.findall(r"[A-Z]*[a-z]+|[A-Z]+", column.name)]
    has_id_name = words != [] and (words[0] == "id" or words[-1] in _ID_WORDS)  # "order no", but not "no of rooms"
    return has_id_name or column.high - column.low + 1 == rows


def _resolve_key(schema: Schema, key: str | None, indexes: tuple[str, ...], findings: Findings) -> Schema:
    features = [column for column in schema.columns if column.role == "feature"]
    ids = [column for column in features if looks_like_id(column, schema.rows, is_index=column.name in indexes)]
    if key == "auto":
        key = next((column.name for column in ids if column.distinct == schema.rows), None)
        evidence = f"{key!r} identifies each row (auto: unique and looks like an id)"
        findings.add(Kind.KEY, evidence if key else "no column identifies a row (auto)")
    elif key is not None:
        column = next(column for column in schema.columns if column.name == key)
        if column.distinct != schema.rows:
            rows = f"expected a distinct value in each of {schema.rows} rows, found {column.distinct}"
            raise TableError(f"data.key {key!r}: {rows}", hint="Set it to another column, or to null")
    for column in ids:
        if column.name != key:
            schema = schema.with_role(column.name, "ignored")
            evidence = f"{column.name!r} has {column.distinct} distinct values in {schema.rows} rows and is not the key"
            findings.add(Kind.ID_LIKE, f"{evidence}: left out", Severity.LEFT_OUT)
    return schema.with_role(key, "key") if key else schema


def _ignore_constant(schema: Schema, findings: Findings) -> Schema:
    for column in schema.columns:
        if column.role == "feature" and column.distinct + (column.missing > 0) < 2:
            schema = schema.with_role(column.name, "ignored")
            evidence = f"{column.name!r} has {'one value in every row' if column.distinct else 'no value'}: left out"
            findings.add(Kind.CONSTANT, evidence, Severity.LEFT_OUT)
    return schema


def _resolve_task(schema: Schema, params: Params, path: str, findings: Findings) -> Schema:
    target = schema.target
    task, reason = params.data.task, "set in params.yaml"
    if task == "auto":
        task, reason = _infer_task(target), f"auto: {target.type}, {target.distinct} distinct values"
    _check_task(task, target)
    findings.add(Kind.TASK, f"{task} ({reason})")
    if task == "regression":
        return replace(schema, task=task)
    values = pq.ParquetFile(path).read([target.name]).column(0)
    counts = {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}
    positive = _resolve_positive(params.data.positive, counts, findings) if task == "binary" else None
    return replace(schema, task=task, classes=tuple(sorted(counts)), positive=positive)


def _infer_task(target: Column) -> str:
    if target.distinct == 2:
        return "binary"
    has_few_integers = target.type == "integer" and target.distinct <= _FEW_CLASSES
    return "multiclass" if has_few_integers or target.type not in (*NUMERIC, "timestamp") else "regression"


def _check_task(task: str, target: Column) -> None:
    if target.type == "timestamp" or (task == "regression" and target.type not in NUMERIC):
        message = f"data.target {target.name!r}: a {target.type} column cannot be predicted as {task}"
        raise ParamsError(message, hint="Set another data.task, or another data.target")
    if task == "binary" and target.distinct != 2:
        count = f"data.target {target.name!r} has {target.distinct} distinct values; expected 2"
        raise ParamsError(f"data.task is binary, {count}", hint="Set data.task: auto, or correct the classes")
    limit = _FEW_CLASSES if target.type == "number" else _MAX_CLASSES
    if task == "multiclass" and target.distinct > limit:
        raise ParamsError(
            f"data.target {target.name!r}: expected at most {limit} classes for a multiclass task, found "
            f"{target.distinct} distinct values of type {target.type}",
            hint="Group rare classes, or set data.task: regression for numbers",
        )


def _resolve_positive(positive: Any, counts: Mapping[Any, int], findings: Findings) -> Any:
    """auto: true, the larger number, a word such as yes, else the rarer class (the last of two equally frequent)."""
    classes = sorted(counts)
    if positive != "auto":
        matches = [value for value in classes if value == positive or str(value) == str(positive)]
        if not matches:
            message = f"data.positive is {positive!r}, expected one of {classes[0]!r} and {classes[1]!r}"
            raise ParamsError(message, hint="Set data.positive to one of them, or to auto")
        return matches[0]
    positive_words = [value for value in classes if str(value).strip().lower() in _POSITIVE_WORDS]
    if not isinstance(classes[1], str):
        positive, reason = classes[1], "the larger value"
    elif len(positive_words) == 1:
        positive, reason = positive_words[0], "a word such as yes"
    else:
        positive, reason = min(reversed(classes), key=lambda value: counts[value]), "the rarer class"
    findings.add(Kind.POSITIVE, f"{positive} (auto: {reason})")
    return positive
