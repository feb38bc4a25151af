"""What the stage train does: fits on folds of the training part, chooses a threshold, writes the model."""

import warnings
from collections.abc import Callable
from functools import partial
from pydoc import locate
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.columns import default
from plumbline.data.schema import SIDE, TARGET, TIME, TRAIN, WEIGHT, Schema
from plumbline.errors import PlumblineError
from plumbline.findings import Findings, Kind, Severity
from plumbline.formatting import short
from plumbline.keys import Params
from plumbline.metrics import main_metric
from plumbline.prediction import modelfile
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.modelfile import dumps, untrusted
from plumbline.training.folds import Parts, best_threshold, cross_validate, folds, repeated
from plumbline.training.recipe import Build, fit, load, unfitted

Fit = Callable[[pd.DataFrame], FittedModel]
FEW = 300  # rows of the fit that shows, before all others, which types a fitted model is made of


def read_training_rows(schema: Schema) -> pd.DataFrame:
    """The training part of data/features.parquet, as `fit` takes it."""
    return load(pq.read_table(paths.FEATURES, filters=[(SIDE, "=", TRAIN)]), schema)


def fitter(schema: Schema, p: Params, build: Build) -> Fit:
    """The function from rows to the fitted model."""
    return partial(fit, schema=schema, params=p.model, build=build, metric=p.review.metric, seed=p.model.seed)


def check_types(rows: pd.DataFrame, schema: Schema, p: Params, fit: Fit, user: ModuleType) -> None:
    """Fits few rows, all classes among them, so that a type on no list stops the run before hours of fits.

    user: src/model.py, whose `build` is in `fit`.
    """
    if p.model.estimator == "auto":
        make = partial(unfitted, rows, schema, p.model, metric=p.review.metric, seed=p.model.seed)
        pipelines = (make(build)[1] for build in (user.build, default))
        if len({dumps(pipeline) for pipeline in pipelines}) == 1:
            return  # as it was delivered: its types are trusted
    few = rows.sample(frac=1, random_state=0)
    if schema.task != "regression":
        few = few.iloc[np.argsort(few.groupby(TARGET).cumcount(), kind="stable")]  # from each class in turn
    try:
        with warnings.catch_warnings(action="ignore"):
            model = fit(few.head(FEW))
    except PlumblineError:  # so few may not be enough for it; if it is something else, the folds say so
        return
    refuse_untrusted(dumps(model), user)


def refuse_untrusted(content: bytes, user: ModuleType) -> None:
    """Refuses a model of types on no list, all of them at once, with the list as it would have to be."""
    unknown = untrusted(content, [user])
    if not unknown:
        return
    if nameless := [name for name in unknown if locate(name) is None]:
        raise PlumblineError(
            f"src/model.py: the fitted model keeps {', '.join(nameless)}, which cannot be imported by that name. "
            "Define it with a name at the top of src/model.py"
        )
    lines = "".join(f'    "{name}",\n' for name in [*getattr(user, "TRUSTED", ()), *unknown])
    print(f"\nTRUSTED: tuple[str, ...] = (\n{lines})\n", flush=True)
    raise PlumblineError(
        f"src/model.py: the fitted model is made of types that are not trusted ({', '.join(unknown)}). "
        "Loading a model runs their code: read what they are, then put the block above in place of TRUSTED"
    )


def write_model(model: FittedModel, user: ModuleType) -> int:
    """Writes data/model.skops and says how many bytes it has; refuses a type on no list, here and not in production."""
    refuse_untrusted(dumps(model), user)
    return modelfile.write(paths.MODEL, model, [user])


def cross_validate_recipe(rows: pd.DataFrame, schema: Schema, p: Params, fit: Fit, findings: Findings) -> np.ndarray:
    """Each row's scores by a model that did not see it, NaN where no fold tests it, shape (rows, classes or 1)."""
    kind, parts = folds(rows, schema.task, p.model.folds, p.model.seed)
    name, values = main_metric(p.review.metric, schema.task), []
    unseen = np.full((len(rows), max(1, len(schema.classes))), np.nan)
    for number, (value, test, score) in enumerate(cross_validate(rows, parts, fit, p.review.metric), 1):
        print(f"train: fold {number}/{len(parts)}: {name} {value:.6g}", flush=True)
        values.append(value)
        unseen[test] = score.reshape(len(test), -1)
    mean, low, high = map(short, (float(np.mean(values)), min(values), max(values)))
    words = f"{name} {mean} ({low} to {high}) over {len(parts)} folds, {kind}"
    about, severity, counts = _repeats(rows, parts)
    findings.add(Kind.CROSS_VALIDATION, words + about, severity, metric=name, folds=values, **counts)
    return unseen


def _repeats(rows: pd.DataFrame, parts: Parts) -> tuple[str, Severity, dict[str, Any]]:
    """What is to be said of rows that repeat another's features: words, severity, counts."""
    count, apart = repeated(rows, parts)
    words = f"; {count:,} of {len(rows):,} rows repeat another's features"
    if not count:
        return "", Severity.NOTE, {}
    if TIME in rows:
        return words, Severity.NOTE, {"repeated": count}
    if not apart:
        return f"{words} and are in its fold", Severity.NOTE, {"repeated": count}
    words += (
        f", {apart:,} share theirs with a row of another fold, since too few are distinct: the scores may be too good"
    )
    return words, Severity.WARNING, {"repeated": count, "apart": apart}


def choose_threshold(rows: pd.DataFrame, unseen: np.ndarray, schema: Schema, findings: Findings) -> float:
    """The threshold of the highest balanced accuracy; unseen: the scores of `cross_validate_recipe`."""
    score = unseen[:, schema.classes.index(schema.positive)]
    seen = ~np.isnan(score)
    truth = (rows[TARGET].to_numpy()[seen] == schema.classes.index(schema.positive)).astype(int)
    weight = rows[WEIGHT].to_numpy()[seen] if WEIGHT in rows else None
    threshold = best_threshold(truth, score[seen], weight)
    words = f"{threshold:.6g} (auto: the highest balanced accuracy in the folds)"
    findings.add(Kind.THRESHOLD, words, threshold=threshold)
    return threshold


def describe(wanted: str, model: FittedModel) -> str:
    """The estimator, and what params.yaml says of it, in words."""
    estimator = model.estimator
    name = type(estimator).__name__
    if wanted == "auto":
        return f"{name} (auto)"
    given = wanted.rpartition(".")[2]
    wrapped = f", around {given}, which has no predict_proba" if name == "CalibratedClassifierCV" != given else ""
    return f"{name} ({wanted}, as params say{wrapped})"
