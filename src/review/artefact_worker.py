"""In a side's worktree, on its code: its recipe is fitted as train does it, and its package asked the same rows.

python ARTEFACT_WORKER.py NAME WHEEL    NAME: of the wheel as it was built; WHEEL: where it lies
"""

import importlib
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from src import names, params
from src.predictor.predictor import Predictor
from src.predictor.refusal import Refusal, guarded
from src.predictor.schema import Schema
from src.recipe import fit, load

MODEL = ("model.estimator", "model.arguments", "model.threshold", "model.seed", "review.metric")
ROWS = 1000  # of the holdout
UNIT = 1e-6  # one unit of the sixth significant digit: another processor


def main() -> int:
    name, wheel = sys.argv[1:]
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    features = pq.read_table(names.FEATURES)
    side = features.column(names.SIDE).to_numpy()
    p = params.read(*MODEL)
    rows = load(features.filter(side == names.TRAIN), schema)
    table = pq.read_table(names.TABLE).take(np.flatnonzero(side == names.HOLDOUT)[:ROWS])
    expected = Predictor(fit(rows, schema, p, p.seed), schema).predict_typed(table)
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        sys.path.insert(0, folder)
        found = importlib.import_module(f"{name.split('-')[0]}.predictor.predictor").Predictor.load()
        packaged = found.predict_typed(table)
    compared = [each for each in expected if each != "prediction"] or ["prediction"]  # a threshold may be settled later
    if list(packaged) != list(expected):
        raise Refusal("the package has other outputs than the recipe")
    near = np.isclose(packaged[compared].to_numpy(float), expected[compared].to_numpy(float), rtol=UNIT, atol=UNIT)
    far = ~near.all(axis=1)
    if far.any():
        raise Refusal(
            f"the package predicts otherwise than the recipe in {far.sum()} of {len(far)} rows of the holdout"
        )
    print(f"the package predicts what the recipe predicts, in all of {len(far)} rows of the holdout")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
