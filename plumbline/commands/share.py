"""Compute features, model and metrics on a share of the rows, for fast experiments (make repro SHARE=0.05).

The rows are taken from the table of the last ingest, in whole groups or keys and by their hash: the same share gives
the same rows, and a larger share contains a smaller one. All results are written to .share/, which git ignores; files
in git and outputs of DVC stay as they are.
"""

import importlib
import math
import shutil
from argparse import ArgumentParser, Namespace
from contextlib import chdir
from pathlib import Path

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.data.split import sample_rows
from plumbline.errors import PlumblineError, ProjectError, UsageError
from plumbline.files import replacing
from plumbline.report.summary import print_metrics

FOLDER = Path(".share")
STAGES = ("featurize", "train", "evaluate")
INPUTS = (
    paths.SCHEMA,
    paths.PARAMS,
    paths.PROJECT,
    paths.DESIGN,
    paths.VERSIONS,
    paths.checks("ingest"),
    paths.BEHAVIOUR,
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the share."""
    parser.add_argument(
        "share", nargs="?", default="nothing", metavar="SHARE", help="the share of the rows, between 0 and 1"
    )


def run(options: Namespace) -> int:
    """Run the stages on a share of the rows in .share/; return the exit code."""
    share = _parse_share(options.share)
    params.check()
    for name in (paths.TABLE, paths.SCHEMA):
        if not Path(name).is_file():
            raise ProjectError(
                f"{name} is not there: the share is taken from the table that ingest writes",
                hint="Run the pipeline once: make repro",
            )
    schema = Schema.read(paths.SCHEMA)
    rows = _copy_inputs(schema, share)
    with chdir(FOLDER):
        _run_stages(rows, share)
        print_metrics()
    print(f"\nWrote: {FOLDER}/, results on {rows} of {schema.rows} rows; all other files are as they were")
    print("Next: on all rows: make repro")
    return 0


def _parse_share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise UsageError(
            f"SHARE is {text}, expected a number between 0 and 1", hint="Try a twentieth: make repro SHARE=0.05"
        )
    return share


def _copy_inputs(schema: Schema, share: float) -> int:
    """Fill .share/ with the inputs of featurize; return the number of rows of its table."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with replacing(FOLDER / paths.TABLE) as path:
        rows = sample_rows(Path(paths.TABLE), path, schema, share)
    for name in INPUTS:
        if Path(name).exists():
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, FOLDER / name)
    return rows


def _run_stages(rows: int, share: float) -> None:
    try:
        for stage in STAGES:
            importlib.import_module(f"src.stages.{stage}").main()
    except PlumblineError as error:
        hint = f"{error.hint}. Or take a larger SHARE than {share:g}".replace("?. ", "? ")
        raise type(error)(f"on {rows} rows: {error.message}", hint=hint) from None
