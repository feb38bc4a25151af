"""Roles: which column is the target, the key, a feature, and what kind of task the target asks for."""

import difflib
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src.checks import Findings, rounded
from src.predictor.refusal import Refusal
from src.predictor.schema import NUMERIC, Column, Schema
from src.table.types import is_free_text

ID_NAMES = {"id", "ids", "key", "pk", "uuid", "guid", "index", "identifier", "rowid", "number", "nr", "no", "code"}
POSITIVE_WORDS = {"yes", "y", "true", "t", "positive", "pos", "1"}
FEW_CLASSES = 20  # whole numbers with at most this many distinct values are classes


def summarise(path: str, storage: dict[str, str]) -> tuple[Column, ...]:
    """Counts and ranges of each column of a typed Parquet, read one column at a time."""
    file = pq.ParquetFile(path)
    return tuple(_summary(name, kind, file.read([name], use_threads=False).column(0)) for name, kind in storage.items())


def _summary(name: str, kind: str, values: pa.ChunkedArray) -> Column:
    filled = values.drop_null()
    distinct = _distinct(filled)
    if kind == "category" and is_free_text(values, distinct):
        kind = "text"
    low = high = None
    if len(filled) and kind in (*NUMERIC, "timestamp"):
        found = pc.min_max(filled).as_py()
        low, high = found["min"], found["max"]
        low, high = (str(low), str(high)) if kind == "timestamp" else (rounded(low), rounded(high))
    missing = values.null_count / len(values) if len(values) else 0.0
    return Column(name, kind, missing=rounded(missing), distinct=distinct, low=low, high=high)


def _distinct(filled: pa.ChunkedArray) -> int:
    """Distinct values, by sorting: a hash table of 10^7 values would need a gigabyte."""
    if not len(filled):
        return 0
    if pa.types.is_string(filled.type):
        parts = (chunk.to_numpy(zero_copy_only=False) for chunk in filled.chunks)
        values = np.concatenate([pd.util.hash_array(part, categorize=False) for part in parts])
    else:
        values = filled.to_numpy().copy()
    values.sort()
    return 1 + int(np.count_nonzero(values[1:] != values[:-1]))


def settle(columns: tuple[Column, ...], rows: int, params: SimpleNamespace, path: str, findings: Findings) -> Schema:
    """The schema: roles by params and rules, then task, classes and positive class by the target's values."""
    names = [column.name for column in columns]
    for role in ("target", "group", "time", "weight", "key"):
        wanted = getattr(params, role)
        if wanted is not None and wanted not in names and not (role == "key" and wanted == "auto"):
            raise Refusal(
                f"params.yaml: data.{role} is {wanted!r}, expected one of the table's columns{_nearest(wanted, names)}"
            )
    absent = [name for name in (*params.ignore, *params.types) if name not in names]
    if absent:
        raise Refusal(
            f"params.yaml: data names {absent[0]!r}, expected one of the table's columns{_nearest(absent[0], names)}"
        )
    schema = Schema(columns, rows, task="")
    for name in params.ignore:
        schema = schema.with_role(name, "ignored")
    for role in ("target", "group", "time", "weight"):
        if getattr(params, role) is not None:
            schema = schema.with_role(getattr(params, role), role)
    schema = _without_use(_key(schema, params.key, findings), findings)
    _check_kinds(schema)
    return _task(schema, params, pq.read_table(path, columns=[params.target]).column(0), findings)


def _nearest(given: str, names: list[str]) -> str:
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    return f"; nearest: {', '.join(map(repr, near))}" if near else f" ({len(names)} columns)"


def looks_like_id(column: Column, rows: int) -> bool:
    """Unique, whole, and named like an id, or numbered without gaps, or words without a blank that never recur."""
    if column.distinct != rows or column.missing or column.type not in ("integer", "category") or rows < 2:
        return False
    words = {word.lower() for word in re.findall(r"[A-Z]*[a-z]+|[A-Z]+|\d+", column.name)}
    return bool(words & ID_NAMES) or column.type == "category" or column.high - column.low + 1 == rows


def _key(schema: Schema, wanted: str | None, findings: Findings) -> Schema:
    ids = [c.name for c in schema.columns if c.role == "feature" and looks_like_id(c, schema.rows)]
    if wanted == "auto":
        wanted = ids[0] if ids else None
        findings.add(
            "key",
            f"{wanted!r} names each row (auto: unique and looks like an id)"
            if wanted
            else "no column names a row (auto)",
        )
    elif wanted is not None:
        column = next(c for c in schema.columns if c.name == wanted)
        if column.distinct != schema.rows or column.missing:
            raise Refusal(
                f"data.key {wanted!r}: expected a distinct value in each of {schema.rows} rows, "
                f"found {column.distinct} and {column.missing:.1%} missing. Name another, or null"
            )
    for name in ids:
        if name != wanted:
            schema = schema.with_role(name, "ignored")
            findings.add("id-like column", f"{name!r} is distinct in every row and is no key: left out", "left out")
    return schema.with_role(wanted, "key") if wanted else schema


def _without_use(schema: Schema, findings: Findings) -> Schema:
    for column in schema.columns:
        if column.role == "feature" and column.distinct < 2:
            schema = schema.with_role(column.name, "ignored")
            findings.add(
                "constant column", f"{column.name!r} has {column.distinct} distinct value(s): left out", "left out"
            )
    return schema


def _check_kinds(schema: Schema) -> None:
    for role, kinds in (("weight", NUMERIC), ("time", ("timestamp", *NUMERIC))):
        column = schema.column(role)
        if column and column.type not in kinds:
            raise Refusal(
                f"data.{role} {column.name!r}: expected a column of type {' or '.join(kinds)}, found {column.type}"
            )
        if column and column.missing:
            raise Refusal(
                f"data.{role} {column.name!r}: expected a value in every row, {column.missing:.1%} are missing"
            )
    weight = schema.column("weight")
    if weight and weight.low < 0:
        raise Refusal(f"data.weight {weight.name!r}: expected numbers from 0, found {weight.low}")


def _task(schema: Schema, params: SimpleNamespace, values: pa.ChunkedArray, findings: Findings) -> Schema:
    target = next(c for c in schema.columns if c.role == "target")
    if values.null_count:
        raise Refusal(
            f"data.target {target.name!r}: expected a value in each of {schema.rows} rows, "
            f"{values.null_count} have none. Take them out of the table"
        )
    if target.distinct < 2:
        raise Refusal(f"data.target {target.name!r}: expected 2 distinct values at least, found {target.distinct}")
    task, words = params.task, "as params say"
    if task == "auto":
        task = _auto_task(target)
        words = f"auto: {target.type}, {target.distinct} distinct values"
    if target.type == "timestamp" or (task == "regression" and target.type not in NUMERIC):
        raise Refusal(f"data.target {target.name!r}: a {target.type} column cannot be predicted as {task}")
    if task == "binary" and target.distinct != 2:
        raise Refusal(
            f"data.task is binary and data.target {target.name!r} has {target.distinct} distinct values; expected 2"
        )
    findings.add("task", f"{task} ({words})")
    if task == "regression":
        return replace(schema, task=task)
    counts = {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}
    classes = tuple(sorted(counts))
    positive = _positive(params.positive, counts, findings) if task == "binary" else None
    return replace(schema, task=task, classes=classes, positive=positive)


def _auto_task(target: Column) -> str:
    if target.distinct == 2:
        return "binary"
    few = target.type == "integer" and target.distinct <= FEW_CLASSES
    return "multiclass" if few or target.type not in (*NUMERIC, "timestamp") else "regression"


def _positive(wanted: Any, counts: dict[Any, int], findings: Findings) -> Any:
    """auto: true, the larger number, a word that says yes, else the rarer class (the last of two equal ones)."""
    if wanted != "auto":
        same = [value for value in counts if value == wanted or str(value) == str(wanted)]
        if not same:
            raise Refusal(
                f"data.positive is {wanted!r}, expected one of the classes: {', '.join(map(str, sorted(counts)))}"
            )
        return same[0]
    words = [value for value in counts if str(value).strip().lower() in POSITIVE_WORDS]
    if not isinstance(next(iter(counts)), str):
        found, why = max(counts), "the larger value"
    elif len(words) == 1:
        found, why = words[0], "a word that says yes"
    else:
        found, why = min(sorted(counts, reverse=True), key=lambda value: counts[value]), "the rarer class"
    findings.add("positive class", f"{found} (auto: {why})")
    return found
