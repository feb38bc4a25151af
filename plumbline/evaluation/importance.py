"""What the model uses: loss when a feature is shuffled, against what chance alone shows, and how predictions follow it.

Features that carry the same information are shuffled together: alone, each would look needless beside the other.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from plumbline.data.schema import NUMERIC, TARGET
from plumbline.metrics import losses
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictions import predict_scores

ROWS = 1000  # of the holdout, at most
PREDICTIONS = 150_000  # of single rows for one shuffle of every feature: many features get fewer rows
REPEATS = 5
SAME = 0.95  # absolute rank correlation from which two numbers tell the same
SHOWN = 3  # features whose partial dependence is drawn
GRID = 20
SAMPLE = 20_000  # training rows of the model with a random column
PROBE = "(a random column)"

Predict = Callable[[pd.DataFrame], np.ndarray]


def alike(rows: pd.DataFrame, types: dict[str, str]) -> list[list[str]]:
    """The features in groups that carry the same information; most stand alone."""
    numbers = [name for name, kind in types.items() if kind in NUMERIC]
    groups: dict[str, list[str]] = {}
    ranks = rows[numbers].head(SAMPLE).rank().fillna(0).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        close = np.abs(np.atleast_2d(np.corrcoef(ranks, rowvar=False))) > SAME if len(numbers) > 1 else np.eye(1)
    head: dict[str, str] = {}
    for i, name in enumerate(numbers):
        first = next((numbers[j] for j in range(i) if close[i, j]), name)
        head[name] = head.get(first, first)
    for name in types:
        groups.setdefault(head.get(name, name), []).append(name)
    return list(groups.values())


def importance(
    rows: pd.DataFrame, groups: list[list[str]], loss: Callable[[np.ndarray, np.ndarray], np.ndarray], predict: Predict
) -> list[dict[str, Any]]:
    """Each group's growth of the mean loss when its columns are shuffled: [mean, least, most] of REPEATS shuffles.

    rows: features; loss: of each row, from its position in `rows` and the scores; predict: scores of features.
    """
    random = np.random.default_rng(0)
    count = min(len(rows), ROWS, max(100, PREDICTIONS // max(len(groups), 1)))
    at = np.sort(random.permutation(len(rows))[:count])
    part = rows.iloc[at]
    before = loss(at, predict(part)).mean()
    found = []
    for names in groups:
        grown = []
        for _ in range(REPEATS if len(groups) <= PREDICTIONS // ROWS else 1):
            shuffled = part[names].iloc[random.permutation(count)].set_axis(part.index)
            grown.append(
                float(loss(at, predict(part.assign(**{name: shuffled[name] for name in names}))).mean() - before)
            )
        found.append({"features": names, "loss": [float(np.mean(grown)), min(grown), max(grown)]})
    return sorted(found, key=lambda each: -each["loss"][0])


def partial_dependence(rows: pd.DataFrame, names: list[str], predict: Predict) -> dict[str, list[list[float]]]:
    """The mean prediction when a number is set to each of its quantiles in turn: {name: [[x, y], ...]}."""
    part = rows.iloc[:: max(1, len(rows) // ROWS)].head(ROWS)
    made = {}
    for name in names:
        grid = np.unique(part[name].quantile(np.linspace(0.02, 0.98, GRID), interpolation="nearest").dropna())
        made[name] = [[float(x), float(predict(part.assign(**{name: float(x)})).mean())] for x in grid]
    return made


def used(
    model: FittedModel, rows: pd.DataFrame, train: pd.DataFrame, build: Callable[[pd.DataFrame], FittedModel]
) -> dict[str, Any]:
    """What the model uses, as metrics/importance.json has it.

    build: fits a model on rows; of the training rows a sample with a random column beside them shows what chance does.
    """
    task, truth = model.task, rows[TARGET].to_numpy()

    def loss(at: np.ndarray, found: np.ndarray) -> np.ndarray:
        return losses(task, truth[at], found)

    frequent = np.bincount(truth).argmax() if task == "multiclass" else 0
    at = model.positive_index if task == "binary" else frequent

    def mean(part: pd.DataFrame) -> np.ndarray:
        found = predict_scores(model, part)
        return found if task == "regression" else found[:, at]

    features = importance(rows, alike(rows, model.types), loss, partial(predict_scores, model))
    random = np.random.default_rng(1)
    sample = train.iloc[:: -(-len(train) // SAMPLE)]
    other = build(_with_probe(sample, random))
    probed = _with_probe(rows, random)
    probe = importance(probed, [[PROBE]], loss, partial(predict_scores, other))[0]["loss"][2]
    told = [each["features"][0] for each in features if model.types[each["features"][0]] in NUMERIC][:SHOWN]
    label = "prediction" if task == "regression" else f"probability of {model.classes[at]}"
    curves = partial_dependence(rows, told, mean)
    return {"features": features, "probe": probe, "predicts": label, "partial": curves}


def _with_probe(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return pd.concat([rows, pd.DataFrame({PROBE: random.normal(size=len(rows))}, index=rows.index)], axis=1)
