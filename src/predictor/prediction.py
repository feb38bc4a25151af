"""predict(model, rows): from features to predictions, the same in evaluate, in the package and in a review.

A model is a plain dict, so that it can be kept as data:
    contract   version of this layout and of `fit`
    task, classes, positive, threshold
    types      each feature's type, in the order of the pipeline's columns
    pipeline   the fitted scikit-learn pipeline; a class is its position in `classes`
"""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from .refusal import Refusal
from .schema import ready

CONTRACT = 1


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> Any:
    """A context in which linear algebra sums in one order, whatever the number of cores."""
    return _threads().limit(limits=1, user_api="blas")


def scores(model: dict[str, Any], rows: pd.DataFrame) -> np.ndarray:
    """Probabilities, shape (rows, classes), or predicted values, shape (rows,), of a frame of features."""
    missing = [name for name in model["types"] if name not in rows.columns]
    if missing:
        raise Refusal(f"src/features.py: made no column {missing[0]!r}, which the model was fitted on")
    frame = ready(rows, model["types"])
    with one_blas_thread():
        if model["task"] == "regression":
            return np.asarray(model["pipeline"].predict(frame), dtype=float)
        found = model["pipeline"].predict_proba(frame)
    if found.shape[1] != len(model["classes"]):
        made = np.zeros((len(frame), len(model["classes"])))
        made[:, model["pipeline"].classes_] = found
        return made
    return np.asarray(found, dtype=float)


def decide(model: dict[str, Any], found: np.ndarray) -> np.ndarray:
    """Predicted values, or positions in `classes`: the likeliest, of two classes by the threshold."""
    if model["task"] == "regression":
        return found
    if model["task"] == "multiclass":
        return found.argmax(axis=1)
    positive = model["classes"].index(model["positive"])
    return np.where(found[:, positive] >= model["threshold"], positive, 1 - positive)


def columns(model: dict[str, Any], found: np.ndarray) -> dict[str, Any]:
    """`prediction`, and `probability_CLASS` for each class, from `scores`."""
    if model["task"] == "regression":
        return {"prediction": found}
    labels = np.array(model["classes"], dtype=object)[decide(model, found)]
    probabilities = {f"probability_{name}": found[:, i] for i, name in enumerate(model["classes"])}
    return {"prediction": pd.array(labels.tolist()), **probabilities}


def predict(model: dict[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions for a frame of features, one row each, with the frame's index."""
    return pd.DataFrame(columns(model, scores(model, rows)), index=rows.index)
