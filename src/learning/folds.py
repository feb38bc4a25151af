"""Cross-validation on the training part: folds that respect groups and time, scores, and the threshold they settle."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from src.learning.metrics import AUTO, Outcome, prepare
from src.names import GROUP, TARGET, TIME, WEIGHT
from src.predictor.prediction import decide, scores


def folds(rows: pd.DataFrame, task: str, wanted: int, seed: int) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    """What kind of folds, and their (train, test) positions; fewer than wanted where a class or the groups are few."""
    target, classes = rows[TARGET].to_numpy(), task != "regression"
    if TIME in rows:
        order = np.argsort(rows[TIME].to_numpy(), kind="stable")
        return "in time order", [(order[a], order[b]) for a, b in TimeSeriesSplit(wanted).split(order)]
    least = int(np.bincount(target).min()) if classes else len(rows)
    if GROUP in rows:
        groups = rows[GROUP].to_numpy()
        count = max(2, min(wanted, len(np.unique(groups)), least))
        kind = StratifiedGroupKFold if classes else GroupKFold
        return "by group", list(kind(count, shuffle=True, random_state=seed).split(target, target, groups))
    kind = StratifiedKFold if classes else KFold
    return "stratified" if classes else "shuffled", list(
        kind(max(2, min(wanted, least)), shuffle=True, random_state=seed).split(target, target)
    )


def outcome(model: dict[str, Any], truth: np.ndarray, found: np.ndarray) -> Outcome:
    positive = model["classes"].index(model["positive"]) if model["task"] == "binary" else 1
    return Outcome(model["task"], truth, found, decide(model, found), positive, tuple(model["classes"]))


def cross_validate(
    rows: pd.DataFrame, parts: list[tuple[np.ndarray, np.ndarray]], fit: Callable[[pd.DataFrame], dict[str, Any]]
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """For each fold: the first metric of the task on its rows, their positions, their scores."""
    for train, test in parts:
        model = fit(rows.iloc[train])
        found = scores(model, rows.iloc[test])
        part = outcome(model, rows[TARGET].to_numpy()[test], found)
        weight = rows[WEIGHT].to_numpy()[test] if WEIGHT in rows else np.ones(len(test))
        yield float(prepare(AUTO[model["task"]][0], part)(weight[None, :].astype(float))[0]), test, found


def best_threshold(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> float:
    """The threshold of the highest balanced accuracy, as scikit-learn's TunedThresholdClassifierCV has it.

    truth: 1 for the positive class, 0 for the other; score: its probability in rows that their model did not see.
    """
    false_rate, true_rate, thresholds = roc_curve(truth, score, sample_weight=weight)
    best = int(np.argmax(true_rate - false_rate))
    below = score[score < thresholds[best]]
    return float((thresholds[best] + below.max()) / 2) if len(below) else float(min(thresholds[best], 1.0))
