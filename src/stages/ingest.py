"""ingest: the source table -> one typed Parquet, a schema that people review, and what the checks found."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import names, params
from src.checks import Findings, run, write_text
from src.predictor.refusal import Refusal
from src.predictor.schema import ARROW, Schema
from src.predictor.tables import Source, fitted, open_source, replacing
from src.table import expectations
from src.table.roles import settle, summarise
from src.table.types import storage_types

PARAMS = ("source", "target", "task", "positive", "key", "group", "time", "weight", "ignore", "types", "show_values")
ROW_GROUP = 1 << 18
SHOWN = 5  # expectations in a message


def main() -> None:
    p = params.read(*(f"data.{name}" for name in PARAMS))
    findings = Findings("ingest")
    with replacing(names.TABLE) as table:
        schema = typed(p, table, findings)
        _expect(p, str(table), findings)
    write_text(names.SCHEMA, schema.dumps())
    findings.add("schema", _in_words(schema))
    findings.write()


def typed(p: SimpleNamespace, table: Path, findings: Findings) -> Schema:
    """Writes the source as a typed Parquet and settles its schema."""
    source = open_source(p.source)
    findings.add("source", f"{p.source} is {source.form}, {len(source.names)} columns")
    storage = storage_types(source, {name: kind for name, kind in p.types.items() if name in source.names})
    rows = _write(table, p.source, source, storage)
    findings.add("rows", f"{rows} rows are typed", rows=rows)
    return settle(summarise(str(table), storage), rows, p, str(table), findings)


def _write(path: Path, name: str, source: Source, storage: dict[str, str]) -> int:
    rows = 0
    with pq.ParquetWriter(path, pa.schema([(column, ARROW[kind]) for column, kind in storage.items()])) as writer:
        for group in _grouped(_typed(name, source, storage)):
            writer.write_table(group, row_group_size=ROW_GROUP)
            rows += group.num_rows
    if not rows:
        raise Refusal(f"{name}: has a header and no rows")
    return rows


def _typed(name: str, source: Source, storage: dict[str, str]) -> Iterator[pa.Table]:
    start = 0
    for batch in source.batches():
        columns: dict[str, pa.ChunkedArray] = {}
        for column, kind in storage.items():
            made, bad = fitted(batch.column(column), kind, source.decimal)
            if bad:
                raise Refusal(
                    f"{name}, row {start + bad[0] + 1}, column {column!r}: is no {kind}, nor are {len(bad) - 1} of the "
                    f"next {batch.num_rows - bad[0] - 1} rows. Mend the file, or state another type in data.types"
                )
            columns[column] = pc.if_else(pc.is_nan(made), None, made) if kind == "number" else made  # Parquet has both
        yield pa.table(columns)
        start += batch.num_rows


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


def _expect(p: SimpleNamespace, table: str, findings: Findings) -> None:
    suite = Path(names.suite(p.source))
    for other in sorted(set(suite.parent.glob("*.json")) - {suite}):
        words = f"{other.as_posix()} fits no source (expected {suite.name}) and was not run"
        findings.add("suite without a source", words, "warning")
    if not suite.exists():
        words = f"no {suite.as_posix()}: the structural checks alone ran. Draft one: python -m src.expectations draft"
        findings.add("expectations", words, "warning")
        return
    results = expectations.validate(expectations.load(suite), table)
    failed = [expectations.failure(result, p.show_values) for result in results if not result["success"]]
    if failed:
        words = f"{len(failed)} of {len(results)} expectations do not hold: {'; '.join(failed[:SHOWN])}"
        raise Refusal(f"{suite.as_posix()}: {words}. Mend the table, or the suite (docs/expectations.md)")
    findings.add("expectations", f"all {len(results)} of {suite.as_posix()} hold", expected=len(results))


def _in_words(schema: Schema) -> str:
    kinds = [column.type for column in schema.inputs]
    return f"{len(kinds)} inputs: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in ARROW if kind in kinds)


if __name__ == "__main__":
    run(main)
