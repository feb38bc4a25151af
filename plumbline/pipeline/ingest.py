"""What the stage ingest does: types every row of the source, settles the schema, holds the table against its suite."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.roles import check_names, settle, summarise
from plumbline.data.schema import ARROW, Schema
from plumbline.data.sources import open_source
from plumbline.data.tables import Source, fitted
from plumbline.data.types import settle_unnamed, storage_types
from plumbline.errors import PlumblineError
from plumbline.expectations.faults import check, failure
from plumbline.expectations.suite import CURE, find, load, place, validate
from plumbline.findings import Findings, Kind, Severity
from plumbline.keys import Params
from plumbline.params import suggest
from plumbline.scope import explain_omission

ROW_GROUP = 1 << 18
SHOWN = 5  # expectations in a message


def type_table(p: Params, path: Path, findings: Findings) -> Schema:
    """Writes every row of the source to `path`, typed, and settles the schema."""
    source = open_source(located(p.data.source), p.data.missing)
    findings.add(Kind.SOURCE, f"{p.data.source} is {source.form}, {len(source.names)} columns")
    check_names(source.names, p)
    source, indexes = settle_unnamed(source, p, findings)
    storage = storage_types(source, p.data.source, p.data, findings)
    unlabelled = p.data.target if p.data.unlabelled == "drop" else None
    rows, dropped = _write(path, p.data.source, source, storage, unlabelled)
    findings.add(Kind.ROWS, f"{rows} rows are typed", rows=rows)
    if dropped:
        words = f"{dropped} of {rows + dropped} are dropped, as data.unlabelled says"
        findings.add(Kind.UNLABELLED, words, Severity.LEFT_OUT, rows=dropped)
    schema = settle(summarise(str(path), storage), rows, p, str(path), findings, indexes)
    return replace(schema, source=source.form, missing=tuple(p.data.missing))


def located(source: str) -> str:
    """The source's path; refused when it leads out of the project, where no clone would find it."""
    path = Path(source)
    if not path.exists():
        raise PlumblineError(f"{paths.PARAMS}: data.source is {source}, found nothing there. {_what_is_there(source)}")
    parts = [path, *path.rglob("*")] if path.is_dir() else [path]
    inside = all(part.resolve().is_relative_to(Path.cwd().resolve()) for part in parts)
    if not inside and not Path(f"{source}.dvc").exists():  # a shared cache of DVC may lie anywhere
        raise PlumblineError(
            f"{paths.PARAMS}: data.source {source} is, or has, a link to outside the project, expected "
            "the table itself under data/source/. Copy it there, or dvc add it"
        )
    return source


def _what_is_there(source: str) -> str:
    if Path(f"{source}.dvc").is_file():
        return f"{source}.dvc points to it in a remote: dvc pull"
    there = sorted(path.as_posix() for path in Path("data/source").glob("[!.]*"))
    return (
        f"There is {', '.join(there[:5])}. {suggest(source, there)}".rstrip(". ")
        if there
        else "Put your table under data/source/"
    )


def _write(path: Path, name: str, source: Source, storage: dict[str, str], unlabelled: str | None) -> tuple[int, int]:
    """How many rows were written, and how many were not because they lack a value in the column `unlabelled`."""
    rows = read = 0
    schema = pa.schema([(column, ARROW[kind.partition(" ")[0]]) for column, kind in storage.items()])
    with pq.ParquetWriter(path, schema) as writer:
        for group in _grouped(_typed(name, source, storage)):
            read += group.num_rows
            kept = group.filter(group.column(unlabelled).is_valid()) if unlabelled else group
            writer.write_table(kept, row_group_size=ROW_GROUP)
            rows += kept.num_rows
    if not rows:
        raise PlumblineError(f"{name}: has {f'no value of {unlabelled!r}' if read else 'a header and no rows'}")
    return rows, read - rows


def _typed(name: str, source: Source, storage: dict[str, str]) -> Iterator[pa.Table]:
    start = 0
    for batch in source.batches():
        columns: dict[str, pa.ChunkedArray] = {}
        for column, kind in storage.items():
            made, bad = fitted(batch.column(column), kind, source.decimal)
            if bad:
                raise PlumblineError(
                    f"{name}, row {start + bad[0] + 1}, column {column!r}: is no {kind}, nor are {len(bad) - 1} of the "
                    f"next {batch.num_rows - bad[0] - 1} rows. Fix the file, or state another type in data.types"
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


def check_expectations(p: Params, table: str, findings: Findings) -> None:
    suite, others = find(p.data.source)
    for other, named in others.items():
        words = explain_omission(
            other.as_posix(), named, p.data.source, CURE, f"a table whose file is named {other.stem}"
        )
        findings.add(Kind.SCOPE, words, Severity.WARNING)
    if suite is None:
        words = f"no {place(p.data.source).as_posix()}: the structural checks alone ran"
        words += ". Draft one: python -m plumbline draft"
        findings.add(Kind.EXPECTATIONS, words, Severity.WARNING)
        return
    expectations = load(suite)
    if faults := check(expectations):
        words = f"{len(faults)} of {len(expectations)} expectations cannot be run: {'; '.join(faults[:SHOWN])}"
        raise PlumblineError(f"{suite.as_posix()}: {words}. Fix the suite (docs/expectations.md)")
    _repeated(suite, expectations, findings)
    results = validate(expectations, table)
    failed = [failure(result, p.data.show_values) for result in results if not result["success"]]
    if failed:
        words = f"{len(failed)} of {len(results)} expectations do not hold: {'; '.join(failed[:SHOWN])}"
        raise PlumblineError(f"{suite.as_posix()}: {words}. Fix the table, or the suite (docs/expectations.md)")
    findings.add(Kind.EXPECTATIONS, f"all {len(results)} of {suite.as_posix()} hold", expected=len(results))


def _repeated(suite: Path, expectations: list[dict[str, Any]], findings: Findings) -> None:
    first: dict[str, int] = {}
    for number, each in enumerate(expectations, 1):
        same = first.setdefault(json.dumps([each["type"], each["kwargs"]], sort_keys=True), number)
        if same != number:
            words = f"{suite.as_posix()}: expectation {number} says what expectation {same} says. Take one out"
            findings.add(Kind.EXPECTATIONS, words, Severity.WARNING)


def describe(schema: Schema) -> str:
    """How many inputs there are of each type, in words."""
    kinds = [column.type for column in schema.inputs]
    return f"{len(kinds)} inputs: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in ARROW if kind in kinds)
