"""A fast loop on a share of the rows; nothing that is in git or DVC's is written (make repro SHARE=0.05).

Takes the table and the schema of the last ingest and keeps whole groups or keys, by their hash, so that the same share
is the same rows and a larger one holds the smaller. Features, model and metrics are made in .share/, which git ignores.
"""

import importlib
import math
import shutil
from argparse import ArgumentParser, Namespace
from contextlib import chdir
from pathlib import Path

from plumbline import params, paths
from plumbline.commands.repro import metrics
from plumbline.data.schema import Schema
from plumbline.data.split import sample_rows
from plumbline.errors import PlumblineError
from plumbline.files import replacing

FOLDER = Path(".share")
STAGES = ("featurize", "train", "evaluate")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("share", nargs="?", default="nothing", metavar="SHARE", help="of the rows, between 0 and 1")


def run(options: Namespace) -> int:
    share = parse_share(options.share)
    params.check()
    for name in (paths.TABLE, paths.SCHEMA):
        if not Path(name).is_file():
            raise PlumblineError(f"{name} is not there: a share is taken of what ingest made. First, once: make repro")
    schema = Schema.loads(Path(paths.SCHEMA).read_text(encoding="utf-8"))
    shutil.rmtree(FOLDER, ignore_errors=True)
    with replacing(FOLDER / paths.TABLE) as path:
        kept = sample_rows(Path(paths.TABLE), path, schema, share)
    shutil.copyfile(paths.SCHEMA, FOLDER / paths.SCHEMA)
    for name in (paths.PARAMS, paths.PROJECT, paths.DESIGN, paths.VERSIONS, paths.checks("ingest"), paths.BEHAVIOUR):
        if Path(name).exists():
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, FOLDER / name)
    with chdir(FOLDER):
        try:
            for stage in STAGES:
                importlib.import_module(f"src.stages.{stage}").main()
        except PlumblineError as error:
            raise PlumblineError(f"on {kept} rows: {error}. Or take a larger SHARE than {share:g}") from None
        metrics()
    print(f"\nOn a share: {kept} of {schema.rows} rows of the last ingest, all of it in {FOLDER}/.", end=" ")
    print("What is in git and DVC's outputs are as they were.\nNext, on all rows: make repro")
    return 0


def parse_share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise PlumblineError(f"SHARE is {text}, expected a number between 0 and 1, such as 0.05")
    return share
