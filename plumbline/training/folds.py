"""Cross-validation on the training set: folds that respect groups, repeated rows and time, and the threshold."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import roc_curve
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from plumbline.data.schema import GROUP, RESERVED_COLUMNS, TARGET, TIME, WEIGHT
from plumbline.errors import ParamsError
from plumbline.metrics import main_metric, prepare
from plumbline.outcome import Outcome
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictions import decide, predict_scores

Positions = np.ndarray  # of rows, shape (rows of a part,)


@dataclass(frozen=True)
class Fold:
    """The positions of the rows that a model is fitted on, and of those that it is measured on."""

    train: Positions
    test: Positions


@dataclass(frozen=True)
class Folds:
    """The folds of a cross-validation, and how they were made, in words."""

    kind: str
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class FoldScore:
    """What a model that was fitted on one fold gives.

    Attributes
    ----------
    value : float
        The metric on the test rows.
    rows : array
        The positions of the test rows.
    scores : array
        As of `predict_scores`, a row for each of `rows`.
    """

    value: float
    rows: Positions
    scores: np.ndarray


def make_folds(rows: pd.DataFrame, task: str, *, n_folds: int, seed: int) -> Folds:
    """Split rows into folds.

    With groups, no group is on both sides of a fold. With times, no row is trained on that comes after those tested.
    Without times, rows with the same features are in one fold, unless too few of them are distinct.

    Parameters
    ----------
    rows : DataFrame
        As of `read_rows`.
    task : str
        binary, multiclass or regression.
    n_folds : int
        How many; there are fewer where a class has fewer rows, or where there are fewer groups.
    seed : int

    Returns
    -------
    Folds

    Raises
    ------
    ParamsError
        Where no fold has two classes, or two values, to learn from.
    """
    target, is_classification = rows[TARGET].to_numpy(), task != "regression"
    groups = rows[GROUP].to_numpy() if GROUP in rows else np.arange(len(rows))
    rarest = int(np.bincount(target).min()) if is_classification else n_folds
    count = min(n_folds, len(np.unique(groups)), rarest)
    if TIME in rows:
        kind, folds = "in time order", _split_by_time(rows, groups, n_folds)
    elif GROUP in rows:
        kind, splitter = "by group", StratifiedGroupKFold if is_classification else GroupKFold
        units = _join_units(rows, groups, is_classification, count)
        parts = splitter(n_splits=max(2, count), shuffle=True, random_state=seed).split(target, target, units)
        folds = [Fold(train, test) for train, test in parts]
    else:
        kind = "stratified" if is_classification else "shuffled"
        units = _join_units(rows, groups, is_classification, count)
        folds = _split_units(units, target, is_classification, count, seed)
    folds = [fold for fold in folds if len(np.unique(target[fold.train])) > 1 and len(fold.test)]
    if not folds:
        raise ParamsError(
            f"model.folds: of {len(rows)} training rows, no fold ({kind}) has two classes or values to learn from",
            hint="Add rows, or set data.group or data.time to null",
        )
    return Folds(kind, tuple(folds))


def _split_by_time(rows: pd.DataFrame, groups: np.ndarray, n_folds: int) -> list[Fold]:
    order = np.argsort(rows[TIME].to_numpy(), kind="stable")
    parts = TimeSeriesSplit(min(n_folds, len(rows) - 1)).split(order)
    folds = [Fold(order[train], order[test]) for train, test in parts]
    return [Fold(fold.train[~np.isin(groups[fold.train], groups[fold.test])], fold.test) for fold in folds]


def _split_units(units: np.ndarray, target: np.ndarray, is_classification: bool, count: int, seed: int) -> list[Fold]:
    """Folds of whole units, each of which counts once."""
    first = _pick_rows(units, target, is_classification)
    if is_classification:
        count = min(count, _count_folds(units, target))
    splitter = StratifiedKFold if is_classification else KFold
    with warnings.catch_warnings(action="ignore"):  # at a class that few units stand for
        parts = list(splitter(n_splits=max(2, count), shuffle=True, random_state=seed).split(first, target[first]))
    return [Fold(np.flatnonzero(np.isin(units, train)), np.flatnonzero(np.isin(units, test))) for train, test in parts]


def count_repeats(rows: pd.DataFrame, folds: Folds) -> tuple[int, int]:
    """Return how many rows repeat the features of another row, and how many share them with a row of another fold."""
    same, fold_of = _number_features(rows), np.full(len(rows), -1)
    for number, fold in enumerate(folds.folds):
        fold_of[fold.test] = number
    n_folds = pd.Series(fold_of).groupby(same).transform("nunique").to_numpy()
    return len(rows) - len(np.unique(same)), int((n_folds > 1).sum())


def _number_features(rows: pd.DataFrame) -> np.ndarray:
    """A number for each row, the same for rows with the same features; missing values are equal."""
    features = rows[[name for name in rows if name not in RESERVED_COLUMNS]]
    if not features.shape[1]:
        return np.arange(len(rows))
    return pd.factorize(pd.util.hash_pandas_object(features, index=False))[0]


def _join_units(rows: pd.DataFrame, groups: np.ndarray, is_classification: bool, count: int) -> np.ndarray:
    """What stays in one fold, as a number for each row: groups, joined with rows of the same features.

    The groups alone where that would be fewer than `count`, or would leave all rows of a class in one fold.
    """
    same, target = _number_features(rows), rows[TARGET].to_numpy()
    if len(np.unique(same)) == len(rows):
        return groups
    units = _join(groups, same)
    has_too_few = len(np.unique(units)) < count or (is_classification and _count_folds(units, target) < 2)
    return groups if has_too_few else units


def _join(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """One number for rows that agree in either, directly or through other rows, counted in the order of the rows."""
    left, right = (pd.factorize(numbers)[0] for numbers in (left, right))
    size = int(left.max() + right.max()) + 2
    graph = coo_array((np.ones(len(left)), (left, left.max() + 1 + right)), shape=(size, size))
    return np.asarray(pd.factorize(connected_components(graph, directed=False)[1][left])[0])


def _pick_rows(units: np.ndarray, target: np.ndarray, is_classification: bool) -> np.ndarray:
    """The position of one row of each unit, in the order of their numbers: of classes, one of the unit's rarest."""
    order = np.argsort(np.bincount(target)[target], kind="stable") if is_classification else np.arange(len(units))
    return order[np.unique(units[order], return_index=True)[1]]


def _count_folds(units: np.ndarray, target: np.ndarray) -> int:
    """Into how many folds these units can be dealt by class, each class in every fold."""
    holders = pd.Series(units).groupby(target).nunique().min()
    return int(min(holders, np.bincount(target[_pick_rows(units, target, True)]).max()))


def make_outcome(model: FittedModel, truth: np.ndarray, scores: np.ndarray) -> Outcome:
    """Return truth and predictions of the same rows; `scores` are of `predict_scores`."""
    decided = decide(model, scores)
    return Outcome(model.task, truth, scores, decided, model.positive_index, tuple(model.classes))


def cross_validate(
    rows: pd.DataFrame, folds: Folds, fit: Callable[[pd.DataFrame], FittedModel], *, metric: str = "auto"
) -> Iterator[FoldScore]:
    """Fit a model for each fold, and measure it.

    Parameters
    ----------
    rows : DataFrame
        As of `read_rows`.
    folds : Folds
    fit : callable
        Fits a model on some of the rows.
    metric : str
        review.metric.

    Yields
    ------
    FoldScore
    """
    for fold in folds.folds:
        model = fit(rows.iloc[fold.train])
        scores = predict_scores(model, rows.iloc[fold.test])
        outcome = make_outcome(model, rows[TARGET].to_numpy()[fold.test], scores)
        weight = rows[WEIGHT].to_numpy()[fold.test] if WEIGHT in rows else np.ones(len(fold.test))
        name = main_metric(metric, model.task)
        value = prepare([name], outcome)(weight[None, :].astype(float))[name][0]
        yield FoldScore(float(value), fold.test, scores)


def best_threshold(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the threshold with the highest balanced accuracy, halfway to the next score below it.

    Parameters
    ----------
    truth : array, shape (rows,)
        1 for the positive class, 0 for the other one.
    score : array, shape (rows,)
        The probability of the positive class, by a model that was not fitted on the row.
    weight : array, shape (rows,), optional

    Raises
    ------
    ParamsError
        Where the rows are all of one class.

    Examples
    --------
    >>> best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.8]), None)
    0.4
    """
    if truth.min() == truth.max():
        message = "model.threshold: auto needs rows of both classes in what the folds test"
        raise ParamsError(message, hint="State a number")
    false_rate, true_rate, thresholds = roc_curve(truth, score, sample_weight=weight)
    best = thresholds[1 + int(np.argmax((true_rate - false_rate)[1:]))]  # the first is infinite: nothing is positive
    return float((best + score[score < best].max(initial=0.0)) / 2) if best > score.min() else float(best)
