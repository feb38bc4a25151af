"""From features to predictions, the same in evaluate, in the package and in a review."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from ..data.schema import ready
from ..errors import PlumblineError
from .fitted_model import FittedModel

FEW_ROWS = 20_000


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def steady_threads(rows: int) -> Any:
    """A context in which linear algebra sums in one order, whatever the number of cores.

    For few rows trees get one thread, too: waiting for each other costs threads several times what they save.
    """
    return _threads().limit(limits={"blas": 1} | ({"openmp": 1} if rows < FEW_ROWS else {}))


def scores(model: FittedModel, rows: pd.DataFrame) -> np.ndarray:
    """Probabilities, shape (rows, classes), or predicted values, shape (rows,), of a frame of features."""
    missing = [name for name in model.types if name not in rows.columns]
    if missing:
        raise PlumblineError(f"src/features.py: made no column {missing[0]!r}, which the model was fitted on")
    frame, pipeline = ready(rows, model.types), model.pipeline
    found = np.zeros(len(frame) if model.task == "regression" else (len(frame), len(model.classes)))
    if not len(frame):
        return found
    try:
        with steady_threads(len(frame)):
            if model.task == "regression":
                found[:] = pipeline.predict(frame)
            else:
                found[:, pipeline.classes_] = pipeline.predict_proba(frame)  # a fold may have lacked a class
    except ValueError as error:
        name = type(model.estimator).__name__
        raise PlumblineError(f"{name} cannot predict these rows: {str(error).partition(':')[0]}") from error
    return found


def decide(model: FittedModel, found: np.ndarray) -> np.ndarray:
    """Predicted values, or positions in `classes`: the likeliest, of two classes by the threshold."""
    if model.task == "regression":
        return found
    if model.task == "multiclass":
        return found.argmax(axis=1)
    positive = model.positive_index
    return np.where(found[:, positive] >= model.threshold, positive, 1 - positive)


def columns(model: FittedModel, found: np.ndarray) -> dict[str, Any]:
    """`prediction`, and `probability_CLASS` for each class, from `scores`."""
    if model.task == "regression":
        return {"prediction": found}
    probabilities = {f"probability_{name}": found[:, i] for i, name in enumerate(model.classes)}
    return {"prediction": pd.array(model.classes).take(decide(model, found)), **probabilities}


def predict(model: FittedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions for a frame of features, one row each, with the frame's index."""
    return pd.DataFrame(columns(model, scores(model, rows)), index=rows.index)
