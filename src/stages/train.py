"""train: the training part -> cross-validation scores, the threshold, and the model fitted on all of it."""

import warnings
from functools import partial
from pathlib import Path
from pydoc import locate
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from src import names, params
from src.findings import Findings, run, short
from src.learning.columns import default
from src.learning.folds import Parts, best_threshold, cross_validate, folds, repeated
from src.learning.metrics import main_metric
from src.predictor.modelfile import dumps, loads, untrusted
from src.predictor.refusal import Refusal
from src.predictor.schema import Schema
from src.predictor.tables import replacing
from src.recipe import fit, load, unfitted

PARAMS = ("model.estimator", "model.arguments", "model.seed", "model.folds", "model.threshold", "review.metric")
FEW = 300  # rows of the fit that shows, before all others, which types a fitted model is made of


def main() -> None:
    p = params.read(*PARAMS)
    findings = Findings("train")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    rows = load(pq.read_table(names.FEATURES, filters=[(names.SIDE, "=", names.TRAIN)]), schema)
    making = partial(fit, schema=schema, params=p, seed=p.seed)
    _probe(rows, schema, p, making)
    unseen = _cross_validate(rows, schema, p, making, findings)
    model = making(rows)
    if schema.task == "binary" and p.threshold == "auto":
        model["threshold"] = _threshold(rows, unseen[:, schema.classes.index(schema.positive)], schema, findings)
    content = dumps(model)
    refuse_untrusted(content)  # a type that is on no list stops here and not in production
    loads(content, names.MODEL)
    with replacing(names.MODEL) as path:
        path.write_bytes(content)
    words = _in_words(p.estimator, model["pipeline"].steps[-1][1])
    findings.add("estimator", words, rows=len(rows), features=len(model["types"]), bytes=len(content))
    findings.write()


def _probe(rows: pd.DataFrame, schema: Schema, p: SimpleNamespace, making: Any) -> None:
    """Fits few rows, all classes among them, so that a type on no list stops the run before hours of fits."""
    if p.estimator == "auto":
        pipelines = (unfitted(rows, schema, p, p.seed, build)[1] for build in (None, default))
        if len({dumps({"pipeline": pipeline}) for pipeline in pipelines}) == 1:
            return  # as it was delivered: its types are trusted
    few = rows.sample(frac=1, random_state=0)
    if schema.task != "regression":
        few = few.iloc[np.argsort(few.groupby(names.TARGET).cumcount(), kind="stable")]  # from each class in turn
    try:
        with warnings.catch_warnings(action="ignore"):
            model = making(few.head(FEW))
    except Refusal:  # so few may not be enough for it; if it is something else, the folds say so
        return
    refuse_untrusted(dumps(model))


def refuse_untrusted(content: bytes) -> None:
    """Refuses a model of types on no list, all of them at once, with the list as it would have to be."""
    unknown = untrusted(content)
    if not unknown:
        return
    if nameless := [name for name in unknown if locate(name) is None]:
        raise Refusal(
            f"src/model.py: the fitted model keeps {', '.join(nameless)}, which cannot be imported by that name. "
            "Define it with a name at the top of src/model.py"
        )
    from src import model as user

    lines = "".join(f'    "{name}",\n' for name in [*getattr(user, "TRUSTED", ()), *unknown])
    print(f"\nTRUSTED: tuple[str, ...] = (\n{lines})\n", flush=True)
    raise Refusal(
        f"src/model.py: the fitted model is made of types that are not trusted ({', '.join(unknown)}). "
        "Loading a model runs their code: read what they are, then put the block above in place of TRUSTED"
    )


def _cross_validate(
    rows: pd.DataFrame, schema: Schema, p: SimpleNamespace, making: Any, findings: Findings
) -> np.ndarray:
    """Each row's scores by a model that did not see it, NaN where no fold tests it, shape (rows, classes or 1)."""
    kind, parts = folds(rows, schema.task, p.folds, p.seed)
    name, values = main_metric(p.metric, schema.task), []
    unseen = np.full((len(rows), max(1, len(schema.classes))), np.nan)
    for number, (value, test, score) in enumerate(cross_validate(rows, parts, making, p.metric), 1):
        print(f"train: fold {number}/{len(parts)}: {name} {value:.6g}", flush=True)
        values.append(value)
        unseen[test] = score.reshape(len(test), -1)
    mean, low, high = map(short, (float(np.mean(values)), min(values), max(values)))
    words = f"{name} {mean} ({low} to {high}) over {len(parts)} folds, {kind}"
    about, severity, counts = _repeats(rows, parts)
    findings.add("cross-validation", words + about, severity, metric=name, folds=values, **counts)
    return unseen


def _repeats(rows: pd.DataFrame, parts: Parts) -> tuple[str, str, dict[str, Any]]:
    """What is to be said of rows that repeat another's features: words, severity, counts."""
    count, apart = repeated(rows, parts)
    words = f"; {count:,} of {len(rows):,} rows repeat another's features"
    if not count:
        return "", "note", {}
    if names.TIME in rows:
        return words, "note", {"repeated": count}
    if not apart:
        return f"{words} and are in its fold", "note", {"repeated": count}
    words += (
        f", {apart:,} share theirs with a row of another fold, since too few are distinct: the scores may be too good"
    )
    return words, "warning", {"repeated": count, "apart": apart}


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
