"""featurize: every typed row -> its features, its key and its side of the split."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import names, params
from src.checks import Findings, run
from src.predictor.featurizing import make_features
from src.predictor.refusal import Refusal
from src.predictor.schema import Schema, frame
from src.predictor.tables import replacing
from src.table.split import position, shortfall, unit_columns, units

PARAMS = ("holdout", "salt", "cut")
BATCH = 1 << 17
LEAST = 5  # rows on each side
SALTS = 1000  # looked through for one that would do


def main() -> None:
    p = params.read(*(f"split.{name}" for name in PARAMS))
    findings = Findings("featurize")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    holdout = sides(schema, p, findings)
    with replacing(names.FEATURES) as path:
        made = write(path, schema, holdout)
    findings.add("features", f"{len(made)} columns from {len(schema.inputs)} inputs", features=len(made))
    findings.write()


def sides(schema: Schema, p: SimpleNamespace, findings: Findings) -> np.ndarray:
    """True for each row of the holdout; refused when a side is of no use, with the next salt that would do."""
    file, columns = pq.ParquetFile(names.TABLE), unit_columns(schema)
    unit = np.concatenate([units(batch, columns) for batch in _batches(file, columns)])
    group = unit if schema.column("group") else None
    codes = None if schema.task == "regression" else encode(file.read([_target(schema)]).column(0), schema)
    if p.cut is not None:
        when = file.read([schema.column("time").name]).column(0)  # type: ignore[union-attr]
        holdout, how = _after(when, p.cut), f"rows at or after {p.cut}"
    else:
        holdout, how = position(unit, p.salt) < p.holdout, f"hash of {_unit_in_words(schema)}, salt {p.salt}"
    lack = shortfall(holdout, codes, group, LEAST)
    if lack:
        salts = range(p.salt + 1, p.salt + SALTS) if p.cut is None else ()
        better = next((s for s in salts if not shortfall(position(unit, s) < p.holdout, codes, group, LEAST)), None)
        cure = (
            f"the next salt that would do: split.salt: {better}"
            if better is not None
            else "more rows, another split.holdout or split.cut, or data.ignore"
        )
        raise Refusal(f"split ({how}): {lack}, of {len(unit)} rows. Cure: {cure}")
    findings.add(
        "split",
        f"{holdout.sum()} of {len(unit)} rows are the holdout ({how})",
        train=int((~holdout).sum()),
        holdout=int(holdout.sum()),
    )
    return holdout


def _after(when: pa.ChunkedArray, cut: date | str) -> np.ndarray:
    if not pa.types.is_timestamp(when.type):
        raise Refusal("split.cut is a date, and data.time is a column of numbers; expected timestamps. See data.types")
    moment = datetime.fromisoformat(str(cut))
    return pc.greater_equal(when, pa.scalar(moment, when.type)).to_numpy(zero_copy_only=False)


def _unit_in_words(schema: Schema) -> str:
    group, key = schema.column("group"), schema.column("key")
    return f"group {group.name!r}" if group else f"key {key.name!r}" if key else "all source columns but the target"


def _target(schema: Schema) -> str:
    return next(column.name for column in schema.columns if column.role == "target")


def encode(values: pa.ChunkedArray, schema: Schema) -> np.ndarray:
    """The target as positions in schema.classes, or as numbers for a regression."""
    if schema.task == "regression":
        return values.cast(pa.float64()).to_numpy()
    return pc.index_in(values, pa.array(schema.classes, values.type)).to_numpy().astype("int64")


def write(path: Path, schema: Schema, holdout: np.ndarray) -> list[str]:
    """All rows, batch by batch, in the table's order; returns the features' names."""
    file = pq.ParquetFile(names.TABLE)
    types = {column.name: column.type for column in schema.inputs}
    roles = {names.KEY: "key", names.TARGET: "target", names.WEIGHT: "weight", names.GROUP: "group", names.TIME: "time"}
    known = {role: column.name for role, name in roles.items() if (column := schema.column(name))}
    writer, start, made = None, 0, []
    for batch in _batches(file, [*dict.fromkeys([*types, *known.values()])]):
        part = pa.Table.from_pandas(make_features(frame(batch, types)), preserve_index=False).replace_schema_metadata()
        made = part.column_names
        key = (
            batch.column(known[names.KEY]) if names.KEY in known else pa.array(range(start + 1, start + len(batch) + 1))
        )
        side = np.where(holdout[start : start + len(batch)], names.HOLDOUT, names.TRAIN)
        extra = {name: batch.column(column) for name, column in known.items()}
        extra |= {
            names.KEY: key,
            names.SIDE: pa.array(side),
            names.TARGET: pa.array(encode(batch.column(known[names.TARGET]), schema)),
        }
        for name, values in extra.items():
            part = part.append_column(name, values)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part.cast(writer.schema).combine_chunks())
        start += len(batch)
    if writer:
        writer.close()
    return made


def _batches(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.Table]:
    for batch in file.iter_batches(BATCH, columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch])


if __name__ == "__main__":
    run(main)
