"""The command of the package: predict, info, check."""

import argparse
import json
import sys
from contextlib import nullcontext
from importlib import metadata, resources

import numpy as np
import pyarrow as pa

from ..data import tables
from ..data.sources import open_source
from ..errors import ModelError, TableError, UsageError, report_errors
from .golden import check_golden
from .predictor import Predictor
from .progress import show_progress
from .typed_rows import BadValue, type_rows
from .unusual import Summary, find_unusual, join_columns

NAME = __package__.split(".")[0].replace("_", "-")  # of the distribution, and so of the command


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments, or with those of the process, and return its exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "predict":
        _predict(options.file, options.output, options.aside, flag=options.flag, strict=options.strict)
    else:
        (_info if options.command == "info" else _check)()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="Predictions. Exit codes: 0 done, 1 an error, 2 usage.")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="predict each row of a table")
    predict.add_argument(
        "file",
        nargs="?",
        default="-",
        help="CSV, JSON, Parquet, Feather, or a folder of such files; - (default): standard input",
    )
    predict.add_argument("-o", "--output", default="-", help=".csv, .jsonl, .parquet; - (default): standard output")
    predict.add_argument("--aside", metavar="FILE.jsonl", help="write values that do not fit there, and go on")
    predict.add_argument("--flag", action="store_true", help="add a column that names each row's unusual columns")
    predict.add_argument("--strict", action="store_true", help="treat unusual values as values that do not fit")
    commands.add_parser("info", help="print what this package contains, as JSON")
    commands.add_parser("check", help="check the versions installed here, and the predictions for the golden rows")
    return parser


def _predict(file: str, output: str, aside: str | None, *, flag: bool, strict: bool) -> None:
    if aside and not aside.endswith(".jsonl"):
        raise UsageError(f"--aside {aside}: expected a name ending in .jsonl", hint="Rename it")
    predictor = Predictor.load()
    source = open_source(file, predictor.schema.missing)
    rows_read, rows_predicted, summary = 0, 0, Summary()
    with (
        tables.open_sink(output) as write,
        tables.open_sink(aside) if aside else nullcontext() as write_aside,
        show_progress(source.progress, rows_on_stdout=output == "-") as show,
    ):
        for batch in source.batches():
            typed_rows = type_rows(batch, predictor.schema, decimal=source.decimal, strict=strict)
            bad_values = [_count_in_table(value, rows_read) for value in typed_rows.bad_values]
            if write_aside:
                write_aside(pa.Table.from_pylist([vars(value) for value in bad_values]))
            elif bad_values:
                raise _misfit(file, bad_values[0])
            fitting = np.setdiff1d(np.arange(batch.num_rows), [value.row - 1 for value in typed_rows.bad_values])
            row_numbers, unusual = rows_read + 1 + fitting, find_unusual(typed_rows.table, predictor.schema.inputs)
            summary.add(unusual, row_numbers)
            rows = _predict_batch(predictor, batch.take(fitting), typed_rows.table, row_numbers)
            if flag:
                rows = rows.append_column("unusual", pa.array(join_columns(unusual, len(fitting)), pa.string()))
            write(rows)
            rows_read, rows_predicted = rows_read + batch.num_rows, rows_predicted + rows.num_rows
            show(rows_read)
        if not rows_read:
            raise TableError(f"{file}: has no rows", hint="Give a table with at least one row")
    print(f"{rows_predicted:,} rows predicted into {output}, {rows_read - rows_predicted:,} set aside", file=sys.stderr)
    print("".join(f"{line}\n" for line in summary.lines()), end="", file=sys.stderr)


def _count_in_table(bad: BadValue, rows: int) -> BadValue:
    """The value with its row counted in the whole table, of which so many rows came before this batch."""
    return BadValue(rows + bad.row, bad.column, bad.expected, bad.value)


def _misfit(file: str, bad: BadValue) -> TableError:
    # The value itself is not shown: it may be personal.
    message = f"{file}, row {bad.row}, column {bad.column!r}: expected {bad.expected}"
    return TableError(message, hint="Fix it, or go on without such rows: --aside FILE.jsonl")


def _predict_batch(predictor: Predictor, rows: pa.Table, typed: pa.Table, numbers: np.ndarray) -> pa.Table:
    """Predictions of rows that fit, after the key, or the row's number where there is no key."""
    key = predictor.schema.column("key")
    if key and key.name in rows.column_names:
        table = rows.select([key.name]).replace_schema_metadata()
    else:
        table = pa.table({"row": numbers})
    predictions = pa.Table.from_pandas(predictor.predict_typed(typed), preserve_index=False)
    for name in predictions.column_names:
        table = table.append_column(name, predictions.column(name))
    return table


def _info() -> None:
    predictor = Predictor.load()
    content = {
        "name": NAME,
        "version": metadata.version(NAME),
        "task": predictor.model.task,
        "target": predictor.schema.target.name,
        "estimator": type(predictor.model.estimator).__name__,
        "rows": predictor.schema.rows,
        "requires": metadata.requires(NAME),
        "inputs": predictor.types,
        "classes": predictor.model.classes,
        "positive": predictor.model.positive,
        "threshold": predictor.model.threshold,
    }
    print(json.dumps(content, indent=1, ensure_ascii=False))


def _check() -> None:
    for requirement in metadata.requires(NAME) or []:
        package, _, expected = requirement.partition("==")
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "none"
        if version != expected:
            message = f"{package}: expected version {expected}, found {version}"
            raise ModelError(message, hint=f"Install it: pip install '{requirement}'")
    text = resources.files(__package__).joinpath("golden.jsonl").read_text(encoding="utf-8")
    rows = check_golden(Predictor.load(), text)
    print(f"{NAME} {metadata.version(NAME)}: {rows} golden rows give their golden answers; all versions are exact")


def run() -> None:
    """Run the console script."""
    sys.exit(report_errors(main))


if __name__ == "__main__":
    run()
