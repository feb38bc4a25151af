"""What the stage featurize does: puts each row on its side, makes its features, looks for leaks."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial, reduce
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.schema import ARROW, GROUP, HOLDOUT, KEY, SIDE, TARGET, TIME, TRAIN, WEIGHT, Schema, frame, type_of
from plumbline.data.split import position, shortfall, unit_columns, units
from plumbline.data.tables import convert
from plumbline.errors import PlumblineError
from plumbline.findings import Findings, Kind
from plumbline.formatting import short
from plumbline.keys import Split
from plumbline.leakage.arithmetic import making
from plumbline.leakage.purity import impure
from plumbline.leakage.tripwires import Leak, alone, later, made, repeated, settle, shared
from plumbline.prediction.feature_function import FeatureFunction, make_features

ROLES = {KEY: "key", TARGET: "target", WEIGHT: "weight", GROUP: "group", TIME: "time"}
LOOKED_AT = (
    "features alone and in pairs, times, rows and groups on both sides, "
    "src/features.py on parts, shuffled, twice and under another date"
)
UNGROUPED = "another split.cut, null, or data.allow: {{{first}: reason}}"
TOGETHER = ". If such rows belong together (a patient, a shop), name what they share: data.group: COLUMN"
BATCH = 1 << 17
LEAST = 5  # rows on each side
SAMPLE = 20_000  # rows that show what tells the target
HEADS, GROUPS = 1000, 2  # rows that src/features.py is tried on, from so many row groups
SALTS, EFFORT = 1000, 10**8  # how many salts are looked through for one that would do, and rows in all of them


def assign_sides(schema: Schema, split: Split, findings: Findings) -> np.ndarray:
    """True for each row of the holdout; refused when a side is of no use, with the next salt that would do."""
    unit = np.concatenate([units(batch, schema) for batch in _batches(unit_columns(schema))])
    group, key = schema.column("group"), schema.column("key")
    codes = None if schema.task == "regression" else encode(_values(schema, "target"), schema)
    if split.cut is None:
        named = (
            f"group {group.name!r}" if group else f"key {key.name!r}" if key else "all source columns but the target"
        )
        holdout, how = position(unit, split.salt) < split.holdout, f"hash of {named}, salt {split.salt}"
    else:
        holdout, how = _after(schema, split.cut), f"rows at or after {split.cut}"

    def lack(side: np.ndarray) -> str:
        return shortfall(side, codes, unit if group else None, LEAST)

    if found := lack(holdout):
        salts = range(split.salt + 1, split.salt + 1 + min(SALTS, EFFORT // len(unit))) if split.cut is None else ()
        better = (
            f"the next salt that would do, split.salt: {s}"
            for s in salts
            if not lack(position(unit, s) < split.holdout)
        )
        cure = next(better, "more rows, another split.holdout or split.cut, or data.ignore")
        raise PlumblineError(f"split ({how}): {found}, of {len(unit)} rows. Cure: {cure}")
    count = int(holdout.sum())
    words = f"{count} of {len(unit)} rows are the holdout ({how})"
    findings.add(Kind.SPLIT, words, train=len(unit) - count, holdout=count)
    return holdout


def _after(schema: Schema, cut: str) -> np.ndarray:
    time = schema.column("time")
    if time is None or time.type != "timestamp":
        raise PlumblineError(
            f"split.cut needs data.time of type timestamp, found {time.type if time else None}. See data.types"
        )
    return pc.greater_equal(_values(schema, "time"), _moment(cut)).to_numpy()


def _moment(cut: str) -> pa.Scalar:
    return pa.scalar(datetime.fromisoformat(cut), ARROW["timestamp"])


def find_impurity(features: FeatureFunction, schema: Schema) -> list[Leak]:
    """What makes a row's features depend on more than the row. Call it first: features() may keep what it has read."""
    return impure(partial(make_features, features), _heads(schema))


def _heads(schema: Schema) -> pd.DataFrame:
    """The first rows of a few row groups, as src/features.py sees them."""
    types = {column.name: column.type for column in schema.inputs}
    file = pq.ParquetFile(paths.TABLE)
    groups = sorted({*np.linspace(0, file.num_row_groups - 1, GROUPS, dtype=int).tolist()})
    heads = (
        next(file.iter_batches(HEADS // len(groups), row_groups=[group], columns=[*types], use_threads=False))
        for group in groups
    )
    return frame(pa.Table.from_batches(heads), types)


def find_leaks(sample: pa.Table, path: Path, schema: Schema, cut: str | None, holdout: np.ndarray) -> list[Leak]:
    """What features tell of the target, and what stands on both sides; sample: some of the rows in the file `path`."""
    time = getattr(schema.column("time"), "name", None)
    return [*in_sample(sample, schema.task, time), *_between_sides(path, schema, cut, holdout)]


def report_leaks(
    leaks: list[Leak], allow: dict[str, str], sample: pa.Table, schema: Schema, findings: Findings
) -> None:
    """Says what was found; raises PlumblineError where one must stop."""
    columns = made(sample)
    settle(leaks, allow, [*dict.fromkeys([*(c.name for c in schema.columns), *columns])], findings)
    findings.add(Kind.FEATURES, f"{len(columns)} columns from {len(schema.inputs)} inputs", features=len(columns))
    if not leaks:
        findings.add(Kind.LEAKAGE, f"nothing found: {LOOKED_AT}", rows=len(sample))


def in_sample(sample: pa.Table, task: str, time: str | None) -> list[Leak]:
    """What features and target show; time: the source's name of what stands there as @time."""
    found = alone(sample, task) + later(sample, time)
    return found + making(sample) if task == "regression" else found


def _between_sides(path: Path, schema: Schema, cut: str | None, holdout: np.ndarray) -> list[Leak]:
    """What must not stand on both sides, looked for in the file as it was written, column by column."""
    file = pq.ParquetFile(path)

    def read(name: str) -> pa.ChunkedArray:
        return file.read([name], use_threads=False).column(0)

    found = []
    first = file.metadata.row_group(0)
    size = {name: first.column(i).total_compressed_size for i, name in enumerate(file.schema_arrow.names)}
    told = made(file.schema_arrow)
    told.sort(key=lambda name: (file.schema_arrow.field(name).type == pa.string(), -size[name]))  # most telling first
    group = schema.column("group")
    if count := repeated(map(read, told), holdout):
        words = f"{count} of {holdout.sum()} rows of the holdout ({short(100 * count / holdout.sum())} %) have the"
        cure = TOGETHER if group is None and cut is None else ""
        found.append(Leak(Kind.ROW_LEAK, (), f"{words} features of a training row{cure}", "warning"))
    if group and (count := shared(read(GROUP), holdout)):
        words = f"{count} groups of {group.name!r} stand on both sides of split.cut"
        found.append(Leak(Kind.GROUP_LEAK, (group.name,), words, cure=UNGROUPED))
    if cut is not None:
        late = pc.greater_equal(read(TIME), _moment(cut))
        if count := pc.sum(pc.and_(late, pc.equal(read(SIDE), TRAIN))).as_py():
            words = f"{count} training rows are not before {cut}"
            found.append(Leak(Kind.TIME_LEAK, (), words, cure="this is a bug of the stage, report it"))
    return found


def _values(schema: Schema, role: str) -> pa.ChunkedArray:
    name = next(column.name for column in schema.columns if column.role == role)
    return pq.ParquetFile(paths.TABLE).read([name]).column(0)


def _batches(columns: list[str]) -> Iterator[pa.Table]:
    for batch in pq.ParquetFile(paths.TABLE).iter_batches(BATCH, columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch])


def encode(values: pa.ChunkedArray, schema: Schema) -> np.ndarray:
    """The target as positions in schema.classes, or as numbers for a regression."""
    if schema.task == "regression":
        return values.cast(pa.float64()).to_numpy()
    return pc.index_in(values, pa.array(schema.classes, values.type)).to_numpy().astype("int64")


def write_features(path: Path, schema: Schema, holdout: np.ndarray, features: FeatureFunction) -> pa.Table:
    """All rows, batch by batch, in the table's order; returns every so-manieth of them."""
    sample: list[pa.Table] = []
    step, start = -(-len(holdout) // SAMPLE), 0
    parts = _parts(schema, holdout, features)
    first = next(parts)
    arrow = first.schema
    if pa.null() in arrow.types:  # nothing but gaps in the first batch: a later one shows the type, or it is a number
        arrow = reduce(_merged, (part.schema for part in _parts(schema, holdout, features)))
        arrow = pa.schema([field.with_type(pa.float64()) if field.type == pa.null() else field for field in arrow])
    with pq.ParquetWriter(path, arrow) as writer:
        for part in chain([first], parts):
            _merged(arrow, part.schema)
            typed = part.select(arrow.names).cast(arrow)
            writer.write_table(typed)
            sample.append(typed.take(pa.array(range(-start % step, len(typed), step))))
            start += len(typed)
    return pa.concat_tables(sample)


def _merged(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    try:
        odd = sorted({*one.names} ^ {*other.names})
        if odd:
            raise pa.ArrowTypeError(f"not all have {odd[0]!r}")
        return pa.unify_schemas([one, other])
    except pa.ArrowTypeError as error:
        raise PlumblineError(
            f"src/features.py: batches of rows give other columns ({error}). A row's may depend on nothing but itself"
        ) from None


def _parts(schema: Schema, holdout: np.ndarray, features: FeatureFunction) -> Iterator[pa.Table]:
    """Each batch's features, and beside them key, side, target and what else the model's making needs."""
    types = {column.name: column.type for column in schema.inputs}
    beside = {name: column.name for name, role in ROLES.items() if (column := schema.column(role))}
    start = 0
    for batch in _batches([*dict.fromkeys([*types, *beside.values()])]):
        rows = range(start + 1, start + 1 + len(batch))
        columns = {name: batch.column(column) for name, column in beside.items()}
        columns[TARGET] = encode(columns[TARGET], schema)
        columns[SIDE] = np.where(holdout[start : start + len(batch)], HOLDOUT, TRAIN)
        yield pa.table(_columns(make_features(features, frame(batch, types))) | {KEY: pa.array(rows)} | columns)
        start += len(batch)


def _columns(made: pd.DataFrame) -> dict[str, pa.ChunkedArray]:
    """Features in the schema's types, numbers as doubles; a column of nothing but gaps keeps Arrow's null."""
    columns: dict[str, pa.ChunkedArray] = {}
    for name, values in made.items():
        if not isinstance(name, str) or name.startswith("@") or name in columns:
            raise PlumblineError(
                f"src/features.py: made a column {name!r}; expected distinct names, none beginning with @"
            )
        try:
            arrow = pa.table({name: values}).column(0)
            if pa.types.is_duration(arrow.type):
                raise pa.ArrowInvalid
            kind = type_of(arrow.type).replace("integer", "number")  # whole in this batch, with gaps in the next
            columns[name] = arrow if arrow.type == pa.null() else convert(arrow, kind)
        except pa.ArrowException:
            raise PlumblineError(
                f"src/features.py: {name!r} ({values.dtype}) is no column of numbers, flags, times or words alone"
            ) from None
    return columns
