"""The stage train: cross-validate on the training set, choose the threshold, fit and write the model."""

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
from plumbline.errors import ModelError, PlumblineError, UserCodeError
from plumbline.findings import Findings, Kind, Severity
from plumbline.formatting import short
from plumbline.keys import Params
from plumbline.metrics import main_metric
from plumbline.prediction import modelfile
from plumbline.prediction.fitted_model import FittedModel
from plumbline.training.folds import Folds, best_threshold, count_repeats, cross_validate, make_folds
from plumbline.training.recipe import Build, build_pipeline, fit, read_rows

Fit = Callable[[pd.DataFrame], FittedModel]
FEW = 300  # rows of the fit that shows, before all others, of which types a fitted model is made


def read_training_set(schema: Schema) -> pd.DataFrame:
    """Return the training set from data/features.parquet, as `fit` takes it."""
    return read_rows(pq.read_table(paths.FEATURES, filters=[(SIDE, "=", TRAIN)]), schema)


def bind_fit(schema: Schema, params: Params, build: Build) -> Fit:
    """Return the function from rows to the fitted model; `build` is of src/model.py."""
    return partial(
        fit, schema=schema, params=params.model, build=build, metric=params.review.metric, seed=params.model.seed
    )


def check_types(rows: pd.DataFrame, schema: Schema, params: Params, fit: Fit, user: ModuleType) -> None:
    """Fit a few rows with all classes, so that a type that is not trusted stops the run before hours of fits.

    Parameters
    ----------
    rows : DataFrame
        The training set.
    schema : Schema
    params : Params
    fit : callable
        As of `bind_fit`, with `build` of `user`.
    user : module
        src/model.py.

    Raises
    ------
    UserCodeError
        Where the fitted model is made of types that are not trusted.
    """
    if params.model.estimator == "auto":
        pipeline = partial(
            build_pipeline, rows, schema, params.model, metric=params.review.metric, seed=params.model.seed
        )
        if len({modelfile.dumps(pipeline(build)[1]) for build in (user.build, default)}) == 1:
            return  # src/model.py as it was delivered: its types are trusted
    few = rows.sample(frac=1, random_state=0)
    if schema.task != "regression":
        few = few.iloc[np.argsort(few.groupby(TARGET).cumcount(), kind="stable")]  # from each class in turn
    try:
        with warnings.catch_warnings(action="ignore"):
            model = fit(few.head(FEW))
    except PlumblineError:  # so few may not be enough for it; any other error comes again in the folds
        return
    _refuse_untrusted(modelfile.dumps(model), user)


def _refuse_untrusted(content: bytes, user: ModuleType) -> None:
    """Refuse a model of types that are not trusted, all of them at once, and print the list that would trust them."""
    unknown = modelfile.list_untrusted(content, [user])
    if not unknown:
        return
    if nameless := [name for name in unknown if locate(name) is None]:
        names = ", ".join(nameless)
        message = f"src/model.py: the fitted model keeps {names}, which cannot be imported by that name"
        raise UserCodeError(message, hint="Define it with a name at the top of src/model.py")
    lines = "".join(f'    "{name}",\n' for name in [*getattr(user, "TRUSTED", ()), *unknown])
    print(f"\nTRUSTED: tuple[str, ...] = (\n{lines})\n", flush=True)
    raise UserCodeError(
        f"src/model.py: the fitted model is made of types that are not trusted ({', '.join(unknown)})",
        hint="Loading a model runs their code: read what they are, then put the block above in place of TRUSTED",
    )


def write_model(model: FittedModel, user: ModuleType) -> int:
    """Write data/model.skops, and return its number of bytes; see `check_types` for its errors."""
    try:
        return modelfile.write(paths.MODEL, model, [user])
    except ModelError:
        _refuse_untrusted(modelfile.dumps(model), user)
        raise


def predict_folds(rows: pd.DataFrame, schema: Schema, params: Params, fit: Fit, findings: Findings) -> np.ndarray:
    """Cross-validate, and return the out-of-fold predictions.

    Returns
    -------
    array, shape (rows, classes) or (rows, 1)
        The scores of each row by a model that was not fitted on it; NaN where no fold tests it.
    """
    folds = make_folds(rows, schema.task, n_folds=params.model.folds, seed=params.model.seed)
    name, values, count = main_metric(params.review.metric, schema.task), [], len(folds.folds)
    scores = np.full((len(rows), max(1, len(schema.classes))), np.nan)
    for number, result in enumerate(cross_validate(rows, folds, fit, metric=params.review.metric), 1):
        print(f"train: fold {number}/{count}: {name} {result.value:.6g}", flush=True)
        values.append(result.value)
        scores[result.rows] = result.scores.reshape(len(result.rows), -1)
    mean, low, high = map(short, (float(np.mean(values)), min(values), max(values)))
    evidence = f"{name} {mean} ({low} to {high}) over {count} folds, {folds.kind}"
    repeats, severity, counts = _describe_repeats(rows, folds)
    findings.add(Kind.CROSS_VALIDATION, evidence + repeats, severity, metric=name, folds=values, **counts)
    return scores


def _describe_repeats(rows: pd.DataFrame, folds: Folds) -> tuple[str, Severity, dict[str, Any]]:
    """What a finding says of rows that repeat the features of another row: words, severity, counts."""
    count, apart = count_repeats(rows, folds)
    words = f"; {count:,} of {len(rows):,} rows have the same features as an earlier row"
    if not count:
        return "", Severity.NOTE, {}
    if TIME in rows:
        return words, Severity.NOTE, {"repeated_rows": count}
    if not apart:
        return f"{words} and are in the fold of that row", Severity.NOTE, {"repeated_rows": count}
    words += (
        f"; {apart:,} rows have a duplicate in another fold, because there are too few distinct rows: "
        "the scores may be too good"
    )
    return words, Severity.WARNING, {"repeated_rows": count, "rows_across_folds": apart}


def choose_threshold(rows: pd.DataFrame, scores: np.ndarray, schema: Schema, findings: Findings) -> float:
    """Return the threshold with the highest balanced accuracy in the out-of-fold predictions of `predict_folds`."""
    positive = schema.classes.index(schema.positive)
    score = scores[:, positive]
    tested = ~np.isnan(score)
    truth = (rows[TARGET].to_numpy()[tested] == positive).astype(int)
    weight = rows[WEIGHT].to_numpy()[tested] if WEIGHT in rows else None
    threshold = best_threshold(truth, score[tested], weight)
    evidence = f"{threshold:.6g} (auto: the highest balanced accuracy in the folds)"
    findings.add(Kind.THRESHOLD, evidence, threshold=threshold)
    return threshold


def describe_estimator(name_in_params: str, model: FittedModel) -> str:
    """Return the name of the estimator, and which value of model.estimator it comes from."""
    name = type(model.estimator).__name__
    if name_in_params == "auto":
        return f"{name} (auto)"
    inner = name_in_params.rpartition(".")[2]
    wrapped = f", around {inner}, which has no predict_proba" if name == "CalibratedClassifierCV" != inner else ""
    return f"{name} ({name_in_params}, as params say{wrapped})"
