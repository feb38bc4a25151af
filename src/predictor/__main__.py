"""The package's command: predict, info, check."""

import argparse
import json
import sys
from contextlib import ExitStack, nullcontext
from importlib import metadata, resources
from typing import Any

import pyarrow as pa

from . import golden, tables
from .predictor import Predictor
from .refusal import Refusal, guarded

NAME = __package__.split(".")[0]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog=NAME, description="Predictions from raw rows. Exit code 0: done, 1: refused, 2: usage."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="predict each row of a table")
    predict.add_argument(
        "file", nargs="?", default="-", help="CSV, JSON lines or Parquet; - (the default) reads standard input"
    )
    predict.add_argument(
        "-o", "--output", default="-", help=".csv, .jsonl or .parquet; - (the default) writes CSV to standard output"
    )
    predict.add_argument(
        "--aside", metavar="FILE", help="put rows that do not fit into this .jsonl, with the reason, and go on"
    )
    commands.add_parser("info", help="what this package holds")
    commands.add_parser("check", help="do the golden rows give the golden answers, with the versions installed here")
    arguments = parser.parse_args()
    if arguments.command == "predict":
        return _predict(arguments.file, arguments.output, arguments.aside)
    return _info() if arguments.command == "info" else _check()


def _predict(file: str, output: str, aside: str | None) -> int:
    predictor, source = Predictor.load(), tables.open_source(file)
    done = bad_rows = 0
    with ExitStack() as stack:
        write = stack.enter_context(tables.open_sink(output))
        put_aside = stack.enter_context(tables.open_sink(aside) if aside else nullcontext())
        for batch in source.batches():
            typed, bad = predictor.typed(batch, source.decimal)
            names = _names(predictor, batch, done)
            if bad and not aside:
                where = f"{file}, row {done + bad[0]['position'] + 1}, column {bad[0]['column']!r}"
                raise Refusal(
                    f"{where}: expected {bad[0]['expected']}, found something else; nothing was written. "
                    "Mend it, or set such rows aside: --aside FILE.jsonl"
                )
            positions = {value["position"] for value in bad}
            if bad and put_aside:
                put_aside(pa.Table.from_pylist([{"row": done + value.pop("position") + 1, **value} for value in bad]))
            keep = pa.array([i not in positions for i in range(batch.num_rows)]) if bad else None
            if keep is not None:
                typed, names = typed.filter(keep), names.filter(keep)
            if typed.num_rows:
                found = pa.Table.from_pandas(
                    predictor.predict_typed(typed), preserve_index=False
                ).replace_schema_metadata()
                for position, name in enumerate(names.column_names):
                    found = found.add_column(position, name, names.column(name))
                write(found)
            done, bad_rows = done + batch.num_rows, bad_rows + len(positions)
            if sys.stderr.isatty():
                print(f"\r{done:,} rows", end="", file=sys.stderr)
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}{done - bad_rows:,} rows predicted into {output}, {bad_rows:,} set aside", file=sys.stderr)
    return 0


def _names(predictor: Predictor, batch: pa.Table, done: int) -> pa.Table:
    """What names a row in the output: its key, or its number where the source has no key."""
    key = predictor.schema.column("key")
    if key and key.name in batch.column_names:
        return batch.select([key.name])
    return pa.table({"row": range(done + 1, done + batch.num_rows + 1)})


def _info() -> int:
    predictor = Predictor.load()
    model, schema = predictor.model, predictor.schema
    content: dict[str, Any] = {
        "name": NAME,
        "version": metadata.version(NAME),
        "task": model["task"],
        "target": next(c.name for c in schema.columns if c.role == "target"),
        "estimator": type(model["pipeline"].steps[-1][1]).__name__,
        "trained on a table of rows": schema.rows,
        "requires": metadata.requires(NAME),
        "inputs": predictor.types,
    }
    if model["task"] != "regression":
        content |= {"classes": model["classes"], "positive": model["positive"], "threshold": model["threshold"]}
    print(json.dumps(content, indent=1, ensure_ascii=False))
    return 0


def _check() -> int:
    for requirement in metadata.requires(NAME) or []:
        package, _, version = requirement.partition("==")
        found = metadata.version(package)
        if found != version:
            raise Refusal(
                f"{package}: expected version {version}, found {found}. Install it: pip install '{requirement}'"
            )
    rows = golden.check(
        Predictor.load(), resources.files(__package__).joinpath("golden.jsonl").read_text(encoding="utf-8")
    )
    print(f"{NAME} {metadata.version(NAME)}: {rows} golden rows give their golden answers; all versions are exact")
    return 0


def run() -> None:
    """The console script."""
    sys.exit(guarded(main))


if __name__ == "__main__":
    run()
