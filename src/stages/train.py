"""train: the training part -> cross-validation scores, the threshold, and the model fitted on all of it."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from src import names, params
from src.checks import Findings, run
from src.learning.folds import best_threshold, cross_validate, folds
from src.learning.metrics import AUTO
from src.learning.rows import load
from src.predictor.modelfile import dumps, loads
from src.predictor.schema import Schema
from src.predictor.tables import replacing
from src.recipe import fit

PARAMS = ("estimator", "arguments", "seed", "folds", "threshold")


def main() -> None:
    p = params.read(*(f"model.{name}" for name in PARAMS))
    findings = Findings("train")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    rows = load(pq.read_table(names.FEATURES, filters=[(names.SIDE, "=", names.TRAIN)]), schema)
    threshold = _cross_validate(rows, schema, p, findings)
    model = fit(rows, schema, p, p.seed)
    if schema.task == "binary":
        model["threshold"] = threshold
    content = dumps(model)
    loads(content, names.MODEL)  # a type that is on no list stops here and not in production
    with replacing(names.MODEL) as path:
        path.write_bytes(content)
    estimator = model["pipeline"].steps[-1][1]
    findings.add("estimator", _in_words(p, estimator), rows=len(rows), features=len(model["types"]), bytes=len(content))
    findings.write()


def _cross_validate(rows: pd.DataFrame, schema: Schema, p: SimpleNamespace, findings: Findings) -> float:
    """Scores of each fold, into the findings; returns the threshold."""
    kind, parts = folds(rows, schema.task, p.folds, p.seed)
    name, found, values = AUTO[schema.task][0], np.full(len(rows), np.nan), []
    for number, (value, test, score) in enumerate(cross_validate(rows, parts, partial(_fit, schema, p)), 1):
        print(f"train: fold {number}/{len(parts)}: {name} {value:.6g}", flush=True)
        values.append(value)
        if schema.task == "binary":
            found[test] = score[:, schema.classes.index(schema.positive)]
    words = f"{name} {np.mean(values):.4g} ± {np.std(values, ddof=1):.2g} over {len(parts)} folds, {kind}"
    findings.add("cross-validation", words, metric=name, folds=values)
    if p.threshold != "auto" or schema.task != "binary":
        return 0.5 if p.threshold == "auto" else p.threshold
    seen = ~np.isnan(found)
    truth = (rows[names.TARGET].to_numpy()[seen] == schema.classes.index(schema.positive)).astype(int)
    weight = rows[names.WEIGHT].to_numpy()[seen] if names.WEIGHT in rows else None
    threshold = best_threshold(truth, found[seen], weight)
    findings.add(
        "threshold", f"{threshold:.6g} (auto: the highest balanced accuracy in the folds)", threshold=threshold
    )
    return threshold


def _fit(schema: Schema, p: SimpleNamespace, rows: pd.DataFrame) -> dict[str, Any]:
    return fit(rows, schema, p, p.seed)


def _in_words(p: SimpleNamespace, estimator: Any) -> str:
    name, why = type(estimator).__name__, "auto" if p.estimator == "auto" else f"{p.estimator}, as params say"
    inner = getattr(estimator, "estimator", None)
    wrapped = (
        f", around {type(inner).__name__}, which has no predict_proba"
        if name == "CalibratedClassifierCV" and p.estimator.rsplit(".")[-1] != name
        else ""
    )
    return f"{name} ({why}{wrapped})"


if __name__ == "__main__":
    run(main)
