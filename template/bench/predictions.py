"""Programs that bench runs in processes of their own: predictions of the fitted pipeline alone, and of the package.

python template/bench/predictions.py bare TABLE.csv OUT.csv    in a project: read, run the fitted pipeline, write
python template/bench/predictions.py one-row PACKAGE           print milliseconds for one row, as JSON
"""

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

BLOCKS, CALLS = 20, 25


def predict_bare(table: str, out: str) -> None:
    """Predict the rows of a CSV file with the fitted pipeline alone."""
    import pyarrow as pa
    import pyarrow.csv
    import skops.io

    content = Path("data/model.skops").read_bytes()
    model = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    rows = pyarrow.csv.read_csv(table).to_pandas()
    probabilities = model["pipeline"].predict_proba(rows[list(model["types"])])
    positive = model["classes"].index(model["positive"])
    codes = np.where(probabilities[:, positive] >= model["threshold"], positive, 1 - positive)
    columns = {"row_id": rows["row_id"], "prediction": np.array(model["classes"], dtype=object)[codes]}
    columns |= {f"probability_{name}": probabilities[:, i] for i, name in enumerate(model["classes"])}
    pyarrow.csv.write_csv(pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False), out)


def time_one_row(package: str) -> None:
    """Print the median milliseconds of one row, through the package and through its pipeline alone."""
    predictor = importlib.import_module(package).Predictor.load()
    golden = resources.files(f"{package}.prediction").joinpath("golden.jsonl").read_text(encoding="utf-8")
    row = json.loads(golden.splitlines()[0])["row"]
    frame, pipeline = pd.DataFrame([row]).astype(float), predictor.model.pipeline
    times: dict[str, list[float]] = {"package": [], "bare": []}
    for _ in range(BLOCKS):
        times["package"].append(_milliseconds(lambda: predictor.predict([row])))
        times["bare"].append(_milliseconds(lambda: pipeline.predict_proba(frame)))
    print(json.dumps({name: statistics.median(values) for name, values in times.items()}))


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - start) / CALLS * 1000


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        predict_bare(*sys.argv[2:])
    else:
        time_one_row(*sys.argv[2:])
