"""make repro SHARE=0.05: a fast loop on a share of the rows; nothing that is in git or DVC's is written.

    python -m src.share 0.05

Takes the table and the schema of the last ingest and keeps whole groups or keys, by their hash, so that the same share
is the same rows and a larger one holds the smaller. Features, model and metrics are made in FOLDER, which git ignores.
"""

import importlib
import math
import shutil
import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from src import names, params
from src.predictor.refusal import Refusal, guarded
from src.predictor.schema import Schema
from src.predictor.tables import replacing
from src.repro import metrics
from src.table.split import position, unit_columns, units

FOLDER = Path(".share")
SALT = -1  # no split.salt: the rows kept are not those of one side
STAGES = ("featurize", "train", "evaluate")
BATCH = 1 << 17


def main() -> int:
    share = asked(sys.argv[1:])
    params.check()
    for name in (names.TABLE, names.SCHEMA):
        if not Path(name).is_file():
            raise Refusal(f"{name} is not there: a share is taken of what ingest made. First, once: make repro")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    shutil.rmtree(FOLDER, ignore_errors=True)
    with replacing(FOLDER / names.TABLE) as path:
        kept = thin(Path(names.TABLE), path, schema, share)
    shutil.copyfile(names.SCHEMA, FOLDER / names.SCHEMA)
    for name in (names.PARAMS, names.PROJECT, names.DESIGN, names.VERSIONS, names.checks("ingest"), names.BEHAVIOUR):
        if Path(name).exists():
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, FOLDER / name)
    with chdir(FOLDER):
        try:
            for stage in STAGES:
                importlib.import_module(f"src.stages.{stage}").main()
        except Refusal as error:
            raise Refusal(f"on {kept} rows: {error}. Or take a larger SHARE than {share:g}") from None
        metrics()
    print(f"\nOn a share: {kept} of {schema.rows} rows of the last ingest, all of it in {FOLDER}/.", end=" ")
    print("What is in git and DVC's outputs are as they were.\nNext, on all rows: make repro")
    return 0


def asked(arguments: list[str]) -> float:
    try:
        (share,) = map(float, arguments)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise Refusal(f"SHARE is {' '.join(arguments) or 'nothing'}, expected a number between 0 and 1, such as 0.05")
    return share


def thin(source: Path, path: Path, schema: Schema, share: float) -> int:
    """Writes about this share of the rows, whole groups or keys, and says how many there are."""
    file, columns = pq.ParquetFile(source), unit_columns(schema)
    with pq.ParquetWriter(path, file.schema_arrow) as writer:
        kept = 0
        for batch in file.iter_batches(BATCH, use_threads=False):
            rows = pa.Table.from_batches([batch])
            mask = position(units(rows.select(columns), schema), SALT) < share
            writer.write_table(rows.filter(pa.array(mask)))
            kept += int(np.count_nonzero(mask))
    return kept


if __name__ == "__main__":
    sys.exit(guarded(main))
