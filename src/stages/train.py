"""train: the training part -> cross-validation scores, the threshold, and the model fitted on all of it."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from src import names, params
from src.findings import Findings, run, short
from src.learning.folds import best_threshold, cross_validate, folds
from src.learning.metrics import AUTO
from src.predictor.modelfile import dumps, loads
from src.predictor.schema import Schema
from src.predictor.tables import replacing
from src.recipe import fit, load

PARAMS = ("model.estimator", "model.arguments", "model.seed", "model.folds", "model.threshold")


def main() -> None:
    p = params.read(*PARAMS)
    findings = Findings("train")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    rows = load(pq.read_table(names.FEATURES, filters=[(names.SIDE, "=", names.TRAIN)]), schema)
    making = partial(fit, schema=schema, params=p, seed=p.seed)
    unseen = _cross_validate(rows, schema, p, making, findings)
    model = making(rows)
    if schema.task == "binary" and p.threshold == "auto":
        model["threshold"] = _threshold(rows, unseen[:, schema.classes.index(schema.positive)], schema, findings)
    content = dumps(model)
    loads(content, names.MODEL)  # a type that is on no list stops here and not in production
    with replacing(names.MODEL) as path:
        path.write_bytes(content)
    words = _in_words(p.estimator, model["pipeline"].steps[-1][1])
    findings.add("estimator", words, rows=len(rows), features=len(model["types"]), bytes=len(content))
    findings.write()


def _cross_validate(
    rows: pd.DataFrame, schema: Schema, p: SimpleNamespace, making: Any, findings: Findings
) -> np.ndarray:
    """Each row's scores by a model that did not see it, NaN where no fold tests it, shape (rows, classes or 1)."""
    kind, parts = folds(rows, schema.task, p.folds, p.seed)
    name, values = AUTO[schema.task][0], []
    unseen = np.full((len(rows), max(1, len(schema.classes))), np.nan)
    for number, (value, test, score) in enumerate(cross_validate(rows, parts, making), 1):
        print(f"train: fold {number}/{len(parts)}: {name} {value:.6g}", flush=True)
        values.append(value)
        unseen[test] = score.reshape(len(test), -1)
    mean, low, high = map(short, (float(np.mean(values)), min(values), max(values)))
    words = f"{name} {mean} ({low} to {high}) over {len(parts)} folds, {kind}"
    findings.add("cross-validation", words, metric=name, folds=values)
    return unseen


def _threshold(rows: pd.DataFrame, score: np.ndarray, schema: Schema, findings: Findings) -> float:
    seen = ~np.isnan(score)
    truth = (rows[names.TARGET].to_numpy()[seen] == schema.classes.index(schema.positive)).astype(int)
    weight = rows[names.WEIGHT].to_numpy()[seen] if names.WEIGHT in rows else None
    threshold = best_threshold(truth, score[seen], weight)
    words = f"{threshold:.6g} (auto: the highest balanced accuracy in the folds)"
    findings.add("threshold", words, threshold=threshold)
    return threshold


def _in_words(wanted: str, estimator: Any) -> str:
    name = type(estimator).__name__
    if wanted == "auto":
        return f"{name} (auto)"
    given = wanted.rpartition(".")[2]
    wrapped = f", around {given}, which has no predict_proba" if name == "CalibratedClassifierCV" != given else ""
    return f"{name} ({wanted}, as params say{wrapped})"


if __name__ == "__main__":
    run(main)
