"""The work of the stage featurize: split rows into two sides, compute features, look for leakage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.schema import (
    GROUP,
    HOLDOUT,
    KEY,
    SIDE,
    TARGET,
    TIME,
    TRAIN,
    WEIGHT,
    Schema,
    feature_names,
    to_frame,
    type_of,
)
from plumbline.data.split import cut_time, position, shortfall, unit_columns, units
from plumbline.data.tables import convert
from plumbline.errors import ParamsError, TableError, UserCodeError
from plumbline.findings import Findings, Kind
from plumbline.keys import Split
from plumbline.leakage.arithmetic import find_derived_targets
from plumbline.leakage.leaks import Leak, enforce
from plumbline.leakage.overlap import find_overlap
from plumbline.leakage.purity import find_impure_features
from plumbline.leakage.univariate import find_future_times, find_target_leaks
from plumbline.prediction.feature_function import FeatureFunction, make_features

BATCH = 1 << 17
SAMPLE = 20_000  # rows in which features are compared with the target
_ROLES = {KEY: "key", TARGET: "target", WEIGHT: "weight", GROUP: "group", TIME: "time"}
_CHECKS = (
    "single features and pairs of features against the target; timestamps; rows and groups in both training set and "
    "holdout; src/features.py on a part of the rows, in another order, a second time, on other dates and in another "
    "folder"
)
_MIN_ROWS = 5  # on each side
_HEAD_ROWS, _HEAD_GROUPS = 1000, 2  # rows on which src/features.py is tried, and row groups that they come from
_MAX_SALTS, _MAX_POSITIONS = 1000, 10**8  # salts that are tried, and rows in all of them


def assign_sides(schema: Schema, split: Split, findings: Findings) -> np.ndarray:
    """Return which rows of data/table.parquet are the holdout.

    Parameters
    ----------
    schema : Schema
    split : Split
    findings : Findings

    Returns
    -------
    array of bool, shape (rows,)

    Raises
    ------
    TableError
        Where a side has too few rows, classes or groups; the hint is the next salt with which it has enough.
    ParamsError
        Where split.cut is set and data.time is not a timestamp.
    """
    unit = np.concatenate([units(batch, schema) for batch in _read_batches(unit_columns(schema))])
    codes = None if schema.task == "regression" else _encode_target(_read_role(schema, "target"), schema)
    groups = unit if schema.column("group") else None
    find_shortfall = partial(shortfall, codes=codes, groups=groups, min_rows=_MIN_ROWS)
    holdout, rule = _split_rows(unit, schema, split)
    if reason := find_shortfall(holdout):
        hint = _suggest_split(unit, split, find_shortfall)
        raise TableError(f"split ({rule}): {reason}, of {len(unit)} rows", hint=hint)
    count = int(holdout.sum())
    evidence = f"{count} of {len(unit)} rows are the holdout ({rule})"
    findings.add(Kind.SPLIT, evidence, train=len(unit) - count, holdout=count)
    return holdout


def _split_rows(unit: np.ndarray, schema: Schema, split: Split) -> tuple[np.ndarray, str]:
    """Return which rows are the holdout, and the rule in words."""
    if split.cut is not None:
        return _is_after(schema, split.cut), f"rows at or after {split.cut}"
    group, key = schema.column("group"), schema.column("key")
    name = f"group {group.name!r}" if group else f"key {key.name!r}" if key else "all source columns but the target"
    return position(unit, split.salt) < split.holdout, f"hash of {name}, salt {split.salt}"


def _suggest_split(unit: np.ndarray, split: Split, find_shortfall: Callable[[np.ndarray], str]) -> str:
    """Return a hint: the next salt with which both sides can be used, if there is one."""
    count = min(_MAX_SALTS, _MAX_POSITIONS // len(unit)) if split.cut is None else 0
    for salt in range(split.salt + 1, split.salt + 1 + count):
        if not find_shortfall(position(unit, salt) < split.holdout):
            return f"Use the next salt with enough on both sides, split.salt: {salt}"
    return "Use more rows, another split.holdout or split.cut, or data.ignore"


def _is_after(schema: Schema, cut: str) -> np.ndarray:
    time = schema.column("time")
    if time is None or time.type != "timestamp":
        message = f"split.cut needs data.time of type timestamp, found {time.type if time else None}"
        raise ParamsError(
            message, hint="Set data.time to a column of timestamps, or its type: data.types: {COLUMN: timestamp FORMAT}"
        )
    return np.asarray(pc.greater_equal(_read_role(schema, "time"), cut_time(cut)).to_numpy())


def find_impurity(features: FeatureFunction, schema: Schema) -> list[Leak]:
    """Find features that depend on more than their row, on the first rows of data/table.parquet.

    Call it before any other function that calls `features`, which could keep what it has read.
    """
    return find_impure_features(partial(make_features, features), _read_head(schema))


def _read_head(schema: Schema) -> pd.DataFrame:
    """Return the first rows of a few row groups."""
    types = {column.name: column.type for column in schema.inputs}
    file = pq.ParquetFile(paths.TABLE)
    groups = sorted({*np.linspace(0, file.num_row_groups - 1, _HEAD_GROUPS, dtype=int).tolist()})
    size = _HEAD_ROWS // len(groups)
    heads = (next(file.iter_batches(size, row_groups=[group], columns=[*types], use_threads=False)) for group in groups)
    return to_frame(pa.Table.from_batches(heads), types)


def find_leaks(sample: pa.Table, path: Path, schema: Schema, cut: str | None, holdout: np.ndarray) -> list[Leak]:
    """Find features that predict the target, and what is on both sides of the split.

    Parameters
    ----------
    sample : pyarrow.Table
        Some rows of the file.
    path : Path
        The file that `write_features` wrote.
    schema : Schema
    cut : str or None
        split.cut.
    holdout : array of bool, shape (rows,)
    """
    time = getattr(schema.column("time"), "name", None)
    return [*find_leaks_in_sample(sample, schema.task, time), *find_overlap(path, schema, cut, holdout)]


def find_leaks_in_sample(sample: pa.Table, task: str, time: str | None) -> list[Leak]:
    """Find features that predict the target or make it, and times after data.time, whose name is `time`."""
    leaks = find_target_leaks(sample, task) + find_future_times(sample, time)
    return leaks + find_derived_targets(sample) if task == "regression" else leaks


def report_leaks(
    leaks: Sequence[Leak], allow: Mapping[str, str], sample: pa.Table, schema: Schema, findings: Findings
) -> None:
    """Add findings for the leaks and the features.

    Raises
    ------
    LeakageError
        Where a leak is not allowed.
    ParamsError
        Where data.allow names no column.
    """
    features = feature_names(sample)
    enforce(leaks, allow, [*dict.fromkeys([*(column.name for column in schema.columns), *features])], findings)
    findings.add(Kind.FEATURES, f"{len(features)} columns from {len(schema.inputs)} inputs", features=len(features))
    if not leaks:
        findings.add(Kind.LEAKAGE, f"no leakage found. Checked: {_CHECKS}", rows=len(sample))


def _read_role(schema: Schema, role: str) -> pa.ChunkedArray:
    name = next(column.name for column in schema.columns if column.role == role)
    return pq.ParquetFile(paths.TABLE).read([name]).column(0)


def _read_batches(columns: list[str]) -> Iterator[pa.Table]:
    for batch in pq.ParquetFile(paths.TABLE).iter_batches(BATCH, columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch])


def _encode_target(values: pa.ChunkedArray, schema: Schema) -> np.ndarray:
    """Return the target as positions in schema.classes, or as numbers for a regression."""
    if schema.task == "regression":
        return np.asarray(values.cast(pa.float64()).to_numpy())
    return np.asarray(pc.index_in(values, pa.array(schema.classes, values.type)).to_numpy().astype("int64"))


def write_features(path: Path, schema: Schema, holdout: np.ndarray, features: FeatureFunction) -> pa.Table:
    """Write the features of all rows of data/table.parquet, batch by batch, in their order.

    Parameters
    ----------
    path : Path
    schema : Schema
    holdout : array of bool, shape (rows,)
    features : callable
        The function of src/features.py.

    Returns
    -------
    pyarrow.Table
        Every n-th of these rows, at most 20,000.

    Raises
    ------
    UserCodeError
        Where src/features.py fails, or returns other columns for other batches.
    """
    sample: list[pa.Table] = []
    step, start = -(-len(holdout) // SAMPLE), 0
    parts = _make_parts(schema, holdout, features)
    first = next(parts)
    arrow = first.schema
    if pa.null() in arrow.types:  # no value in the first batch: a later one shows the type, or it is a number
        arrow = reduce(_merge_schemas, (part.schema for part in _make_parts(schema, holdout, features)))
        arrow = pa.schema([field.with_type(pa.float64()) if field.type == pa.null() else field for field in arrow])
    with pq.ParquetWriter(path, arrow) as writer:
        for part in chain([first], parts):
            _merge_schemas(arrow, part.schema)
            table = part.select(arrow.names).cast(arrow)
            writer.write_table(table)
            sample.append(table.take(pa.array(range(-start % step, len(table), step))))
            start += len(table)
    return pa.concat_tables(sample)


def _merge_schemas(first: pa.Schema, second: pa.Schema) -> pa.Schema:
    try:
        odd = sorted({*first.names} ^ {*second.names})
        if odd:
            raise pa.ArrowTypeError(f"not all have {odd[0]!r}")
        return pa.unify_schemas([first, second])
    except pa.ArrowTypeError as error:
        message = f"src/features.py: batches of rows give other columns ({error})"
        raise UserCodeError(message, hint="Compute each row's features from that row alone") from None


def _make_parts(schema: Schema, holdout: np.ndarray, features: FeatureFunction) -> Iterator[pa.Table]:
    """Yield the features of each batch with the reserved columns: key, side, target and what training needs."""
    types = {column.name: column.type for column in schema.inputs}
    names = {reserved: column.name for reserved, role in _ROLES.items() if (column := schema.column(role))}
    start = 0
    for batch in _read_batches([*dict.fromkeys([*types, *names.values()])]):
        numbers = range(start + 1, start + 1 + len(batch))
        columns = {reserved: batch.column(name) for reserved, name in names.items()}
        columns[TARGET] = _encode_target(columns[TARGET], schema)
        columns[SIDE] = np.where(holdout[start : start + len(batch)], HOLDOUT, TRAIN)
        part = _to_columns(make_features(features, to_frame(batch, types)))
        yield pa.table(part | {KEY: pa.array(numbers)} | columns)
        start += len(batch)


def _to_columns(features: pd.DataFrame) -> dict[str, pa.ChunkedArray]:
    """Return features in the schema's types, with integers as doubles; a column without a value has Arrow's null."""
    columns: dict[str, pa.ChunkedArray] = {}
    for name, values in features.items():
        if not isinstance(name, str) or name.startswith("@") or name in columns:
            message = f"src/features.py: made a column {name!r}; expected distinct names, none beginning with @"
            raise UserCodeError(message, hint="Rename the column")
        try:
            arrow = pa.table({name: values}).column(0)
            if pa.types.is_duration(arrow.type):
                raise pa.ArrowInvalid
            kind = type_of(arrow.type).replace("integer", "number")  # the next batch may have missing values
            columns[name] = arrow if arrow.type == pa.null() else convert(arrow, kind)
        except pa.ArrowException:
            message = f"src/features.py: {name!r} ({values.dtype}) is not a column of numbers, booleans, times or text"
            raise UserCodeError(message, hint="Convert all of its values to one of these") from None
    return columns
