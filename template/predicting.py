"""What template.bench runs in processes of their own: predictions by the bare pipeline, and by it and the package.

python template/predicting.py bare TABLE.csv OUT.csv    in a project: read, run the fitted pipeline, write
python template/predicting.py one-row PACKAGE           milliseconds for one row, as JSON
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


def bare(table: str, out: str) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import skops.io

    content = Path("data/model.skops").read_bytes()
    model = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    rows = pyarrow.csv.read_csv(table).to_pandas()
    found = model["pipeline"].predict_proba(rows[list(model["types"])])
    positive = model["classes"].index(model["positive"])
    decided = np.where(found[:, positive] >= model["threshold"], positive, 1 - positive)
    made = {"row_id": rows["row_id"], "prediction": np.array(model["classes"], dtype=object)[decided]}
    made |= {f"probability_{name}": found[:, i] for i, name in enumerate(model["classes"])}
    pyarrow.csv.write_csv(pa.Table.from_pandas(pd.DataFrame(made), preserve_index=False), out)


def one_row(package: str) -> None:
    predictor = importlib.import_module(package).Predictor.load()
    golden = resources.files(f"{package}.predictor").joinpath("golden.jsonl").read_text(encoding="utf-8")
    row = json.loads(golden.splitlines()[0])["row"]
    ready, pipeline = pd.DataFrame([row]).astype(float), predictor.model["pipeline"]
    taken: dict[str, list[float]] = {"package": [], "bare": []}
    for _ in range(BLOCKS):
        taken["package"].append(milliseconds(lambda: predictor.predict([row])))
        taken["bare"].append(milliseconds(lambda: pipeline.predict_proba(ready)))
    print(json.dumps({name: statistics.median(values) for name, values in taken.items()}))


def milliseconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - start) / CALLS * 1000


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        bare(*sys.argv[2:])
    else:
        one_row(*sys.argv[2:])
