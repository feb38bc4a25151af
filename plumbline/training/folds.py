"""Cross-validation on the training part: folds that respect groups, repeated rows and time, scores, the threshold."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import roc_curve
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from plumbline.data.schema import BESIDE, GROUP, TARGET, TIME, WEIGHT
from plumbline.errors import PlumblineError
from plumbline.metrics import main_metric, prepare
from plumbline.outcome import Outcome
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.scores import decide, scores

Parts = list[tuple[np.ndarray, np.ndarray]]  # of each fold the positions of its (train, test) rows


def folds(rows: pd.DataFrame, task: str, wanted: int, seed: int) -> tuple[str, Parts]:
    """What kind of folds, and their (train, test) positions; fewer than wanted where a class or the groups are few.

    With groups no group is on both sides of a fold, with times no row is trained on that comes after those tested.
    Without times rows of the same features are in one fold, unless there are too few distinct ones for that.
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
        made = list(splitter(**settings).split(target, target, _units(rows, groups, classes, count)))
    else:
        kind, splitter = ("stratified", StratifiedKFold) if classes else ("shuffled", KFold)
        units = _units(rows, groups, classes, count)
        kept = _one_of_each(units, target, classes)
        if classes:
            settings["n_splits"] = max(2, min(count, _most(units, target)))
        with warnings.catch_warnings(action="ignore"):  # at a class that few units stand for
            split = list(splitter(**settings).split(kept, target[kept]))
        made = [(np.flatnonzero(np.isin(units, a)), np.flatnonzero(np.isin(units, b))) for a, b in split]
    made = [(a, b) for a, b in made if len(np.unique(target[a])) > 1 and len(b)]
    if not made:
        raise PlumblineError(
            f"model.folds: of {len(rows)} training rows, no fold ({kind}) has two classes or values to learn from. "
            "More rows would do, or data.group or data.time set to null"
        )
    return kind, made


def repeated(rows: pd.DataFrame, parts: Parts) -> tuple[int, int]:
    """How many rows repeat another's features, and how many share them with a row that another fold tests."""
    same, fold = _same_features(rows), np.full(len(rows), -1)
    for number, (_, test) in enumerate(parts):
        fold[test] = number
    folds_of = pd.Series(fold).groupby(same).transform("nunique").to_numpy()
    return len(rows) - len(np.unique(same)), int((folds_of > 1).sum())


def _same_features(rows: pd.DataFrame) -> np.ndarray:
    """A number for each row, counted as they appear, one for all rows of the same features; gaps are equal."""
    features = rows[[name for name in rows if name not in BESIDE]]
    if not features.shape[1]:
        return np.arange(len(rows))
    return pd.factorize(pd.util.hash_pandas_object(features, index=False))[0]


def _units(rows: pd.DataFrame, groups: np.ndarray, classes: bool, count: int) -> np.ndarray:
    """What stays in one fold, as a number for each row: groups, and with them rows of the same features.

    The groups alone where that would be fewer than `count`, or would leave all rows of a class in one fold.
    """
    same, target = _same_features(rows), rows[TARGET].to_numpy()
    if len(np.unique(same)) == len(rows):
        return groups
    joined = _joined(groups, same)
    too_few = len(np.unique(joined)) < count or (classes and _most(joined, target) < 2)
    return groups if too_few else joined


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Rows that agree in either, directly or through others, get one number, counted as they appear."""
    left, right = (pd.factorize(numbers)[0] for numbers in (one, other))
    size = int(left.max() + right.max()) + 2
    graph = coo_array((np.ones(len(left)), (left, left.max() + 1 + right)), shape=(size, size))
    return pd.factorize(connected_components(graph, directed=False)[1][left])[0]


def _one_of_each(units: np.ndarray, target: np.ndarray, classes: bool) -> np.ndarray:
    """The position of a row of each unit, in the order of their numbers; of classes it is of the rarest in the unit."""
    order = np.argsort(np.bincount(target)[target], kind="stable") if classes else np.arange(len(units))
    return order[np.unique(units[order], return_index=True)[1]]


def _most(units: np.ndarray, target: np.ndarray) -> int:
    """The most folds into which these units can be dealt by class, each class in every fold."""
    holders = pd.Series(units).groupby(target).nunique().min()
    return int(min(holders, np.bincount(target[_one_of_each(units, target, True)]).max()))


def outcome(model: FittedModel, truth: np.ndarray, found: np.ndarray) -> Outcome:
    decided = decide(model, found)
    return Outcome(model.task, truth, found, decided, model.positive_index, tuple(model.classes))


def cross_validate(
    rows: pd.DataFrame, parts: Parts, fit: Callable[[pd.DataFrame], FittedModel], metric: str = "auto"
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """For each fold: the metric (review.metric of the params) on its rows, their positions, their scores."""
    for train, test in parts:
        model = fit(rows.iloc[train])
        found = scores(model, rows.iloc[test])
        part = outcome(model, rows[TARGET].to_numpy()[test], found)
        weight = rows[WEIGHT].to_numpy()[test] if WEIGHT in rows else np.ones(len(test))
        name = main_metric(metric, model.task)
        yield float(prepare([name], part)(weight[None, :].astype(float))[name][0]), test, found


def best_threshold(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> float:
    """The threshold of the highest balanced accuracy, halfway to the next score below it.

    truth: 1 for the positive class, 0 for the other; score: its probability in rows that their model did not see.
    """
    if truth.min() == truth.max():
        raise PlumblineError("model.threshold: auto needs rows of both classes in what the folds test. State a number")
    false_rate, true_rate, thresholds = roc_curve(truth, score, sample_weight=weight)
    best = thresholds[1 + int(np.argmax((true_rate - false_rate)[1:]))]  # the first is infinite: nothing is positive
    return float((best + score[score < best].max(initial=0.0)) / 2) if best > score.min() else float(best)
