"""The rows of the holdout with the largest loss."""

from dataclasses import dataclass

import numpy as np

from plumbline.outcome import Outcome, losses


@dataclass(frozen=True)
class WorstRow:
    """A row with a large loss; key, truth and prediction are shown only where data.show_values allows it.

    Attributes
    ----------
    number : int
        In the table, from 1.
    loss : float
    key, truth, prediction : str
    """

    number: int
    loss: float
    key: str
    truth: str
    prediction: str


def list_worst_rows(
    outcome: Outcome, key: np.ndarray, is_holdout: np.ndarray, *, max_rows: int = 100
) -> list[WorstRow]:
    """Return the rows of the largest loss, the largest first.

    Parameters
    ----------
    outcome : Outcome
        Of the holdout.
    key : array, shape (rows of the holdout,)
    is_holdout : array of bool, shape (rows of the table,)
    max_rows : int
    """
    loss = losses(outcome.task, outcome.truth, outcome.scores)
    numbers = np.flatnonzero(is_holdout) + 1
    rows = []
    for i in np.argsort(-loss, kind="stable")[:max_rows]:
        truth, prediction = (_text(outcome, values[i]) for values in (outcome.truth, outcome.predictions))
        rows.append(WorstRow(int(numbers[i]), float(loss[i]), str(key[i]), truth, prediction))
    return rows


def _text(outcome: Outcome, value: np.generic) -> str:
    return str(float(value)) if outcome.task == "regression" else str(outcome.classes[int(value)])
