"""The work of the stage ingest: type all rows of the source, resolve the schema, validate the table with its suite."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.roles import check_column_names, resolve_roles, summarize_columns
from plumbline.data.schema import ARROW, Schema
from plumbline.data.sources import open_source
from plumbline.data.tables import Source, convert_or_null
from plumbline.data.types import drop_row_counters, infer_types
from plumbline.errors import ParamsError, ProjectError, TableError
from plumbline.expectations.arguments import find_faults
from plumbline.expectations.results import describe_failure
from plumbline.expectations.suite import TABLE_HINT, Suite, find_suite, suite_path
from plumbline.expectations.validation import validate
from plumbline.findings import Findings, Kind, Severity
from plumbline.keys import Params
from plumbline.params import suggest
from plumbline.scope import explain_omission

ROW_GROUP = 1 << 18  # rows
_MOST_SHOWN = 5  # expectations, or files, in a message


def type_table(params: Params, path: Path, findings: Findings) -> Schema:
    """Write every row of data.source to a Parquet file, with types, and return the schema.

    Parameters
    ----------
    params : Params
        Its data and requirements.protected are used.
    path : Path
        The file to write.
    findings : Findings

    Raises
    ------
    ParamsError
        Where params name a column that the table does not have, or do not fit the target.
    TableError
        Where the source is not a table, a value does not fit its type, or a column does not fit its role.
    """
    data = params.data
    source = open_source(resolve_source(data.source), data.missing)
    findings.add(Kind.SOURCE, f"{data.source} is {source.description}, {len(source.names)} columns")
    check_column_names(source.names, params)
    source, indexes = drop_row_counters(source, params, findings)
    types = infer_types(source, data.source, data, findings)
    target = data.target if data.unlabelled == "drop" else None
    rows, dropped_rows = _write(path, data.source, source, types, target)
    findings.add(Kind.ROWS, f"{rows} rows", rows=rows)
    if dropped_rows:
        evidence = f"{dropped_rows} of {rows + dropped_rows} are dropped, as data.unlabelled says"
        findings.add(Kind.UNLABELLED, evidence, Severity.LEFT_OUT, rows=dropped_rows)
    columns = summarize_columns(str(path), types)
    schema = resolve_roles(columns, rows, params, str(path), findings, indexes)
    return replace(schema, source=source.description, missing=tuple(data.missing))


def resolve_source(source: str) -> str:
    """Return data.source, where it exists and is in the project.

    Raises
    ------
    ParamsError
        Where it does not exist, or is a link to outside the project, where no clone would find it.
    """
    path = Path(source)
    if not path.exists():
        message = f"{paths.PARAMS}: data.source is {source}, found nothing there"
        raise ParamsError(message, hint=_suggest_source(source))
    parts = [path, *path.rglob("*")] if path.is_dir() else [path]
    is_inside = all(part.resolve().is_relative_to(Path.cwd().resolve()) for part in parts)
    if not is_inside and not Path(f"{source}.dvc").exists():  # DVC may link to a shared cache anywhere
        message = f"{paths.PARAMS}: data.source {source} is, or has, a link to outside the project"
        raise ParamsError(
            f"{message}, expected the table itself under data/source/", hint="Copy it there, or dvc add it"
        )
    return source


def _suggest_source(source: str) -> str:
    if Path(f"{source}.dvc").is_file():
        return f"{source}.dvc points to it in a remote: dvc pull"
    files = sorted(path.as_posix() for path in Path("data/source").glob("[!.]*"))
    if not files:
        return "Put your table under data/source/"
    return f"There is {', '.join(files[:_MOST_SHOWN])}. {suggest(source, files)}".rstrip(". ")


def _write(path: Path, name: str, source: Source, types: Mapping[str, str], target: str | None) -> tuple[int, int]:
    """Return how many rows were written, and how many were dropped because `target` has no value."""
    rows = total = 0
    schema = pa.schema([(column, ARROW[kind.partition(" ")[0]]) for column, kind in types.items()])
    with pq.ParquetWriter(path, schema) as writer:
        for group in _regroup(_convert_batches(name, source, types)):
            total += group.num_rows
            table = group.filter(group.column(target).is_valid()) if target else group
            writer.write_table(table, row_group_size=ROW_GROUP)
            rows += table.num_rows
    if not rows:
        if total:
            raise TableError(
                f"{name}: has no value of {target!r}",
                hint="Set data.target to another column, or data.source to the right file",
            )
        raise TableError(f"{name}: has a header and no rows", hint="Export it again")
    return rows, total - rows


def _convert_batches(name: str, source: Source, types: Mapping[str, str]) -> Iterator[pa.Table]:
    start = 0
    for batch in source.batches():
        columns: dict[str, pa.ChunkedArray] = {}
        for column, kind in types.items():
            values, misfits = convert_or_null(batch.column(column), kind, source.decimal)
            if misfits:
                row, count = misfits[0], len(misfits) - 1
                message = (
                    f"{name}, row {start + row + 1}, column {column!r}: is not of type {kind}, nor are {count} of the "
                    f"next {batch.num_rows - row - 1} rows"
                )
                raise TableError(message, hint="Correct these values, or set another type in data.types")
            columns[column] = pc.if_else(pc.is_nan(values), None, values) if kind == "number" else values
        yield pa.table(columns)
        start += batch.num_rows


def _regroup(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Gather batches to whole row groups, so that the layout of the file depends on the rows alone."""
    buffer: list[pa.Table] = []
    count = 0
    for batch in batches:
        buffer.append(batch)
        count += batch.num_rows
        while count >= ROW_GROUP:
            table = pa.concat_tables(buffer)
            yield table.slice(0, ROW_GROUP).combine_chunks()
            buffer, count = [table.slice(ROW_GROUP)], count - ROW_GROUP
    if count:
        yield pa.concat_tables(buffer).combine_chunks()


def check_expectations(params: Params, table: str, findings: Findings) -> None:
    """Validate a typed Parquet against the suite of data.source.

    Raises
    ------
    ProjectError
        Where the suite cannot be read, or has an expectation that cannot run.
    TableError
        Where an expectation does not hold.
    """
    source = params.data.source
    search = find_suite(source)
    for path, tables in search.rest.items():
        default = f"a table whose file is named {path.stem}"
        evidence = explain_omission(path.as_posix(), tables, source, TABLE_HINT, default)
        findings.add(Kind.SCOPE, evidence, Severity.WARNING)
    if search.path is None:
        evidence = f"no {suite_path(source).as_posix()}: only the structural checks ran"
        findings.add(Kind.EXPECTATIONS, f"{evidence}. Draft one: python -m plumbline draft", Severity.WARNING)
        return
    name, suite = search.path.as_posix(), Suite.read(search.path)
    count = len(suite.expectations)
    if faults := find_faults(suite.expectations):
        message = f"{name}: {len(faults)} of {count} expectations cannot be run: {'; '.join(faults[:_MOST_SHOWN])}"
        raise ProjectError(message, hint="Correct these expectations (plumbline docs expectations)")
    _warn_duplicates(name, suite, findings)
    results = validate(suite.expectations, table)
    show_values = params.data.show_values
    failures = [describe_failure(result, show_values=show_values) for result in results if not result.success]
    if failures:
        message = f"{name}: {len(failures)} of {count} expectations do not hold: {'; '.join(failures[:_MOST_SHOWN])}"
        raise TableError(message, hint="Correct the table, or these expectations (plumbline docs expectations)")
    findings.add(Kind.EXPECTATIONS, f"all {count} of {name} hold", expectations=count)


def _warn_duplicates(name: str, suite: Suite, findings: Findings) -> None:
    first: dict[str, int] = {}
    for number, expectation in enumerate(suite.expectations, 1):
        text = json.dumps([expectation.type, expectation.kwargs], sort_keys=True)
        original = first.setdefault(text, number)
        if original != number:
            evidence = f"{name}: expectation {number} is the same as expectation {original}. Remove one"
            findings.add(Kind.EXPECTATIONS, evidence, Severity.WARNING)


def describe_inputs(schema: Schema) -> str:
    """Return how many inputs there are of each type, as a sentence.

    Examples
    --------
    >>> from plumbline.data.schema import Column
    >>> describe_inputs(Schema((Column("x", "number"), Column("y", "category", "target")), 9, "binary"))
    '1 inputs (number: 1)'
    """
    types = [column.type for column in schema.inputs]
    counts = ", ".join(f"{kind}: {types.count(kind)}" for kind in ARROW if kind in types)
    return f"{len(types)} inputs ({counts})"
