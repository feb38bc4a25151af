"""In a side's worktree, on its code: its recipe is fitted as train does it, and its package asked the same rows.

python ARTEFACT_WORKER.py CONTRACT NAME WHEEL TABLE SEED

CONTRACT: the number that the review knows; NAME: of the wheel as it was built; WHEEL: where it lies; TABLE: of typed
rows; SEED: model.seed. The exit code is OTHER where the side has another contract.
"""

import importlib
import sys
import tempfile
import zipfile

import numpy as np
import pyarrow.parquet as pq

from plumbline import contract
from plumbline.contract import PlumblineError

OTHER = 3
ROWS = 1000  # of the holdout
UNIT = 1e-6  # one unit of the sixth significant digit: another processor


def main() -> int:
    known, name, wheel, raw, seed = sys.argv[1:]
    if (number := getattr(contract, "CONTRACT", None)) != int(known):
        print(f"ERROR: its contract with a review is version {number}, expected {known}", file=sys.stderr)
        return OTHER
    own = contract.read_rows()
    model = contract.fit(own.features[own.is_train], int(seed))
    table = pq.read_table(raw).take(np.flatnonzero(~own.is_train)[:ROWS])
    expected = contract.predict(model, table)
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        sys.path.insert(0, folder)
        found = importlib.import_module(name.split("-")[0]).Predictor.load()
        packaged = found.predict_typed(table)
    compared = [each for each in expected if each != "prediction"] or ["prediction"]  # a threshold may be settled later
    if list(packaged) != list(expected):
        raise PlumblineError("the package has other outputs than the recipe")
    near = np.isclose(packaged[compared].to_numpy(float), expected[compared].to_numpy(float), rtol=UNIT, atol=UNIT)
    far = ~near.all(axis=1)
    if far.any():
        raise PlumblineError(
            f"the package predicts otherwise than the recipe in {far.sum()} of {len(far)} rows of the holdout"
        )
    print(f"the package predicts what the recipe predicts, in all of {len(far)} rows of the holdout")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PlumblineError as error:
        sys.exit(f"ERROR: {' '.join(str(error).split())}")
