"""The package's command: predict, info, check."""

import argparse
import json
import sys
from contextlib import nullcontext
from importlib import metadata, resources

import numpy as np
import pyarrow as pa

from ..data import tables
from ..data.sources import open_source
from ..errors import PlumblineError, report_errors
from . import golden
from .counter import counting
from .predictor import Predictor, Tally, flags

NAME = __package__.split(".")[0].replace("_", "-")  # the distribution's, and so the command's


def main(line: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=NAME, description="Predictions. Exit code 0: done, 1: refused, 2: usage.")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="predict each row of a table")
    predict.add_argument(
        "file",
        nargs="?",
        default="-",
        help="CSV, JSON, Parquet, Feather, or a folder of such; - (default): standard input",
    )
    predict.add_argument("-o", "--output", default="-", help=".csv, .jsonl, .parquet; - (default): standard output")
    predict.add_argument("--aside", metavar="FILE.jsonl", help="put values that do not fit there and go on")
    predict.add_argument("--flag", action="store_true", help="add a column that names each row's unusual columns")
    predict.add_argument("--strict", action="store_true", help="treat unusual values as values that do not fit")
    commands.add_parser("info", help="what this package holds")
    commands.add_parser("check", help="do the golden rows give the golden answers, with the versions installed here")
    arguments = parser.parse_args(line)
    if arguments.command == "predict":
        _predict(arguments.file, arguments.output, arguments.aside, flag=arguments.flag, strict=arguments.strict)
    else:
        (_info if arguments.command == "info" else _check)()
    return 0


def _predict(file: str, output: str, aside: str | None, *, flag: bool, strict: bool) -> None:
    if aside and not aside.endswith(".jsonl"):
        raise PlumblineError(f"--aside {aside}: expected a name ending in .jsonl")
    predictor = Predictor.load()
    source = open_source(file, predictor.schema.missing)
    done, kept, tally = 0, 0, Tally()
    with (
        tables.open_sink(output) as write,
        tables.open_sink(aside) if aside else nullcontext() as put_aside,
        counting(source.share, beside=output == "-") as count,
    ):
        for batch in source.batches():
            typed, bad = predictor.typed(batch, source.decimal, strict=strict)
            fit = np.setdiff1d(np.arange(batch.num_rows), [value["row"] - 1 for value in bad])
            bad = [{**value, "row": done + value["row"]} for value in bad]
            if bad and not put_aside:
                raise PlumblineError(
                    f"{file}, row {bad[0]['row']}, column {bad[0]['column']!r}: expected {bad[0]['expected']}. "
                    "Fix it, or go on without such rows: --aside FILE.jsonl"
                )
            if put_aside:
                put_aside(pa.Table.from_pylist(bad))
            made, unusual = _predicted(predictor, batch.take(fit), typed, done + 1 + fit), predictor.unusual(typed)
            tally.add(unusual, done + 1 + fit)
            write(made.append_column("unusual", pa.array(flags(unusual, len(fit)), pa.string())) if flag else made)
            done, kept = done + batch.num_rows, kept + made.num_rows
            count(done)
        if not done:
            raise PlumblineError(f"{file}: has no rows")
    print(f"{kept:,} rows predicted into {output}, {done - kept:,} set aside", file=sys.stderr)
    print("".join(f"{line}\n" for line in tally.lines()), end="", file=sys.stderr)


def _predicted(predictor: Predictor, rows: pa.Table, typed: pa.Table, numbers: np.ndarray) -> pa.Table:
    """Predictions of rows that fit, beside the key, or the row's number where there is none."""
    key = predictor.schema.column("key")
    if key and key.name in rows.column_names:
        made = rows.select([key.name]).replace_schema_metadata()
    else:
        made = pa.table({"row": numbers})
    found = pa.Table.from_pandas(predictor.predict_typed(typed), preserve_index=False)
    for name in found.column_names:
        made = made.append_column(name, found.column(name))
    return made


def _info() -> None:
    predictor = Predictor.load()
    content = {
        "name": NAME,
        "version": metadata.version(NAME),
        "task": predictor.model.task,
        "target": predictor.schema.target.name,
        "estimator": type(predictor.model.estimator).__name__,
        "trained on a table of rows": predictor.schema.rows,
        "requires": metadata.requires(NAME),
        "inputs": predictor.types,
        "classes": predictor.model.classes,
        "positive": predictor.model.positive,
        "threshold": predictor.model.threshold,
    }
    print(json.dumps(content, indent=1, ensure_ascii=False))


def _check() -> None:
    for requirement in metadata.requires(NAME) or []:
        package, _, version = requirement.partition("==")
        try:
            found = metadata.version(package)
        except metadata.PackageNotFoundError:
            found = "none"
        if found != version:
            raise PlumblineError(
                f"{package}: expected version {version}, found {found}. Install it: pip install '{requirement}'"
            )
    text = resources.files(__package__).joinpath("golden.jsonl").read_text(encoding="utf-8")
    rows = golden.check(Predictor.load(), text)
    print(f"{NAME} {metadata.version(NAME)}: {rows} golden rows give their golden answers; all versions are exact")


def run() -> None:
    """The console script."""
    sys.exit(report_errors(main))


if __name__ == "__main__":
    run()
