"""From features to predictions: the same in evaluate, in the package and in a review."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from ..data.schema import to_estimator_input
from ..errors import ModelError, UserCodeError
from .fitted_model import FittedModel

FEW_ROWS = 20_000


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def limit_threads(rows: int) -> AbstractContextManager[Any]:
    """Return a context in which linear algebra adds up in one order, whatever the number of cores.

    For few rows trees get one thread, too: waiting for each other costs threads several times what they save.
    """
    return _controller().limit(limits={"blas": 1} | ({"openmp": 1} if rows < FEW_ROWS else {}))


def predict_scores(model: FittedModel, features: pd.DataFrame) -> np.ndarray:
    """Return probabilities, or predicted values of a regression.

    Parameters
    ----------
    model : FittedModel
    features : DataFrame
        With at least the columns of `model.types`; others are ignored.

    Returns
    -------
    array, shape (rows, classes) or (rows,)

    Raises
    ------
    UserCodeError
        Where a column is missing that the model was fitted on.
    ModelError
        Where the estimator cannot predict a row.
    """
    missing = [name for name in model.types if name not in features.columns]
    if missing:
        message = f"src/features.py: made no column {missing[0]!r}, which the model was fitted on"
        raise UserCodeError(message, hint="Return the same columns for every batch of rows")
    frame, pipeline = to_estimator_input(features, model.types), model.pipeline
    scores = np.zeros(len(frame) if model.task == "regression" else (len(frame), len(model.classes)))
    if not len(frame):
        return scores
    try:
        with limit_threads(len(frame)):
            if model.task == "regression":
                scores[:] = pipeline.predict(frame)
            else:
                scores[:, pipeline.classes_] = pipeline.predict_proba(frame)  # a fold may have lacked a class
    except ValueError as error:
        message = f"{type(model.estimator).__name__} cannot predict these rows: {str(error).partition(':')[0]}"
        raise ModelError(
            message, hint="Fix the values in src/features.py, or choose another model.estimator"
        ) from error
    return scores


def decide(model: FittedModel, scores: np.ndarray) -> np.ndarray:
    """Return predicted values, or positions in `model.classes`, shape (rows,).

    The most probable class is predicted; of two classes the positive one from the threshold on.
    """
    if model.task == "regression":
        return scores
    if model.task == "multiclass":
        return scores.argmax(axis=1)
    positive = model.positive_index
    return np.where(scores[:, positive] >= model.threshold, positive, 1 - positive)


def prediction_columns(model: FittedModel, scores: np.ndarray) -> dict[str, Any]:
    """Return the columns `prediction` and, of a classification, `probability_CLASS` for each class."""
    if model.task == "regression":
        return {"prediction": scores}
    probabilities = {f"probability_{name}": scores[:, i] for i, name in enumerate(model.classes)}
    return {"prediction": pd.array(model.classes).take(decide(model, scores)), **probabilities}


def predict(model: FittedModel, features: pd.DataFrame) -> pd.DataFrame:
    """Return a prediction for each row of features, with its index; see `prediction_columns`."""
    return pd.DataFrame(prediction_columns(model, predict_scores(model, features)), index=features.index)
