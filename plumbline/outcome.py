"""The true and the predicted target of rows, and the loss of each row."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """The true and the predicted target of the same rows.

    Attributes
    ----------
    task : str
        binary, multiclass or regression.
    truth : array, shape (rows,)
        Positions in `classes`; of a regression the true values.
    scores : array, shape (rows, classes) or (rows,)
        Probabilities; of a regression the predicted values.
    predictions : array, shape (rows,)
        Positions in `classes`; of a regression the predicted values.
    positive : int
        The position of the positive class of a binary task.
    classes : tuple
        Empty for a regression.
    """

    task: str
    truth: np.ndarray
    scores: np.ndarray
    predictions: np.ndarray
    positive: int = 1
    classes: tuple[Any, ...] = ()

    def take(self, rows: np.ndarray) -> "Outcome":
        """Return the outcome of some rows, given by their positions or a mask."""
        return replace(self, truth=self.truth[rows], scores=self.scores[rows], predictions=self.predictions[rows])


def losses(task: str, truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the loss of each row: its log loss, or the absolute error of a regression.

    Parameters
    ----------
    task : str
    truth, scores : array
        As in `Outcome`.

    Returns
    -------
    array, shape (rows,)
    """
    if task == "regression":
        errors: np.ndarray = np.abs(truth - scores)
        return errors
    log_losses: np.ndarray = -np.log(np.clip(scores[np.arange(len(truth)), truth], np.finfo(float).eps, 1.0))
    return log_losses
