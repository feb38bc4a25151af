"""ingest: the source table -> one typed Parquet, a schema that people review, and what the checks found."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from src import names, params
from src.checks import Findings, run, write_text
from src.predictor.refusal import Refusal
from src.predictor.schema import ARROW, Schema
from src.predictor.tables import Source, convert, misfits, open_source, replacing
from src.table import expectations
from src.table.roles import settle, summarise
from src.table.types import storage_types

PARAMS = ("source", "target", "task", "positive", "key", "group", "time", "weight", "ignore", "types")
ROW_GROUP = 1 << 18


def main() -> None:
    p = params.read(*(f"data.{name}" for name in PARAMS))
    findings = Findings("ingest")
    source = open_source(p.source)
    findings.add("source", f"{p.source} is {source.form}, {len(source.names)} columns")
    storage = storage_types(source, {name: kind for name, kind in p.types.items() if name in source.names})
    with replacing(names.TABLE) as table:
        rows = _write(table, p.source, source, storage)
        findings.add("rows", f"{rows} rows are typed", rows=rows)
        schema = settle(summarise(str(table), storage), rows, p, str(table), findings)
        _expect(Path(names.EXPECTATIONS), Path(p.source), str(table), findings)
    write_text(names.SCHEMA, schema.dumps())
    findings.add("schema", _in_words(schema))
    findings.write()


def _write(path: Path, name: str, source: Source, storage: dict[str, str]) -> int:
    arrow = pa.schema([(column, ARROW[kind]) for column, kind in storage.items()])
    rows = 0
    with pq.ParquetWriter(path, arrow) as writer:
        for group in _grouped(_typed(batch, name, source, storage, arrow) for batch in source.batches()):
            writer.write_table(group, row_group_size=ROW_GROUP)
            rows += group.num_rows
    if not rows:
        raise Refusal(f"{name}: has a header and no rows")
    return rows


def _typed(batch: pa.Table, name: str, source: Source, storage: dict[str, str], arrow: pa.Schema) -> pa.Table:
    made = []
    for column, kind in storage.items():
        try:
            made.append(convert(batch.column(column), kind, source.decimal))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            bad = misfits(batch.column(column), kind, source.decimal)
            raise Refusal(
                f"{name}, column {column!r}: {len(bad)} of {batch.num_rows} values in a batch are no {kind}, "
                "the type that data.types states"
            ) from None
    return pa.Table.from_arrays(made, schema=arrow)


def _grouped(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Batches gathered to whole row groups, so that the file's layout depends on the rows and on nothing else."""
    waiting: list[pa.Table] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        while held >= ROW_GROUP:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, ROW_GROUP).combine_chunks()
            waiting, held = [whole.slice(ROW_GROUP)], held - ROW_GROUP
    if held:
        yield pa.concat_tables(waiting).combine_chunks()


def _expect(folder: Path, source: Path, table: str, findings: Findings) -> None:
    suite = folder / f"{source.name.split('.')[0]}.json"
    for other in sorted(folder.glob("*.json")):
        if other != suite:
            findings.add(
                "suite without a source",
                f"{other.as_posix()} fits no source (expected {suite.name}) and was not run",
                "warning",
            )
    if not suite.exists():
        findings.add("expectations", f"no {suite.as_posix()}: the structural checks alone ran", "warning")
        return
    results = expectations.validate(expectations.load(suite), table)
    failed = [result for result in results if not result["success"]]
    findings.add(
        "expectations",
        f"{len(results) - len(failed)} of {len(results)} of {suite.as_posix()} hold",
        expected=len(results),
        failed=len(failed),
    )
    if failed:
        raise Refusal(
            f"{suite.as_posix()}: {len(failed)} of {len(results)} expectations do not hold: "
            f"{'; '.join(map(_failure, failed[:5]))}"
        )


def _failure(result: dict) -> str:
    what = f"{result['type']} of {', '.join(map(repr, result['columns'])) or 'the table'}"
    if result["error"]:
        return f"{what} raised: {result['error']}"
    if result["unexpected"]:
        return f"{what}: {result['unexpected']} row(s), the first are rows {', '.join(map(str, result['first']))}"
    return f"{what}: found {result['observed']:.6g}" if result["observed"] is not None else what


def _in_words(schema: Schema) -> str:
    kinds = [column.type for column in schema.inputs]
    return f"{len(kinds)} inputs: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in ARROW if kind in kinds)


if __name__ == "__main__":
    run(main)
