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
from src.predictor.refusal import Refusal


def folds(rows: pd.DataFrame, task: str, wanted: int, seed: int) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    """What kind of folds, and their (train, test) positions; fewer than wanted where a class or the groups are few.

    With groups no group is on both sides of a fold, with times no row is trained on that comes after those tested.
    """
    target, classes = rows[TARGET].to_numpy(), task != "regression"
    groups = rows[GROUP].to_numpy() if GROUP in rows else np.arange(len(rows))
    count = min(wanted, len(np.unique(groups)), int(np.bincount(target).min()) if classes else wanted)
    settings: dict[str, Any] = {"n_splits": max(2, count), "shuffle": True, "random_state": seed}
    if TIME in rows:
        kind, order = "in time order", np.argsort(rows[TIME].to_numpy(), kind="stable")
        made = [(order[a], order[b]) for a, b in TimeSeriesSplit(min(wanted, len(rows) - 1)).split(order)]
        made = [(a[~np.isin(groups[a], groups[b])], b) for a, b in made]
    elif GROUP in rows:
        kind, splitter = "by group", StratifiedGroupKFold if classes else GroupKFold
        made = list(splitter(**settings).split(target, target, groups))
    else:
        kind, splitter = ("stratified", StratifiedKFold) if classes else ("shuffled", KFold)
        made = list(splitter(**settings).split(target, target))
    made = [(a, b) for a, b in made if len(np.unique(target[a])) > 1 and len(b)]
    if not made:
        raise Refusal(
            f"model.folds: of {len(rows)} training rows, no fold ({kind}) has two classes or values to learn from. "
            "More rows would do, or data.group or data.time set to null"
        )
    return kind, made


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
        name = AUTO[model["task"]][0]
        yield float(prepare([name], part)(weight[None, :].astype(float))[name][0]), test, found


def best_threshold(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> float:
    """The threshold of the highest balanced accuracy, halfway to the next score below it.

    truth: 1 for the positive class, 0 for the other; score: its probability in rows that their model did not see.
    """
    if truth.min() == truth.max():
        raise Refusal("model.threshold: auto needs rows of both classes in what the folds test. State a number")
    false_rate, true_rate, thresholds = roc_curve(truth, score, sample_weight=weight)
    best = thresholds[1 + int(np.argmax((true_rate - false_rate)[1:]))]  # the first is infinite: nothing is positive
    return float((best + score[score < best].max(initial=0.0)) / 2) if best > score.min() else float(best)
