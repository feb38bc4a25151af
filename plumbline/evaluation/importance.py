"""What the model uses: permutation importance of features, and how predictions depend on them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from plumbline.bootstrap import Estimate
from plumbline.data.schema import NUMERIC, TARGET
from plumbline.outcome import losses
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictions import predict_scores

RANDOM_COLUMN = "(a random column)"
MAX_ROWS, MAX_CELLS = 10_000, 1_000_000  # in one call of predict: some models need memory for each row they predict
Predict = Callable[[pd.DataFrame], np.ndarray]
Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FeatureImportance:
    """The importance of features that are shuffled together.

    Attributes
    ----------
    features : sequence of str
    loss_increase : Estimate
        How much the mean loss grows: the mean, the least and the largest of the repeats.
    """

    features: Sequence[str]
    loss_increase: Estimate


@dataclass(frozen=True)
class Explanations:
    """What the model uses; "explanations" in metrics/diagnostics.json.

    Attributes
    ----------
    features : sequence of FeatureImportance
        The most important first.
    random_column : float
        The largest increase of the loss when a column of random numbers is shuffled in a model that was fitted with it:
        a smaller one may be chance.
    output : str
        What the partial dependence shows, such as "probability of yes".
    partial_dependence : mapping of str to sequence of (x, y)
        For the most important numbers: a value, and the mean output when all rows have it.
    """

    features: Sequence[FeatureImportance]
    random_column: float
    output: str
    partial_dependence: Mapping[str, Sequence[tuple[float, float]]]


def group_correlated_features(
    rows: pd.DataFrame, types: Mapping[str, str], *, threshold: float = 0.95, max_rows: int = 20_000
) -> list[list[str]]:
    """Return the features in groups that carry the same information; most groups have one feature.

    If one of two such features were shuffled alone, it would look unimportant, since the model still has the other.

    Parameters
    ----------
    rows : DataFrame, shape (rows, features)
    types : mapping of str to str
        The type of each feature.
    threshold : float
        The absolute rank correlation of two numbers above which they are in one group.
    max_rows : int
        How many rows are used.
    """
    numbers = [name for name, kind in types.items() if kind in NUMERIC]
    ranks = rows[numbers].head(max_rows).rank().fillna(0).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        is_close = (
            np.abs(np.atleast_2d(np.corrcoef(ranks, rowvar=False))) > threshold if len(numbers) > 1 else np.eye(1)
        )
    head: dict[str, str] = {}
    for i, name in enumerate(numbers):
        first = next((numbers[j] for j in range(i) if is_close[i, j]), name)
        head[name] = head.get(first, first)
    groups: dict[str, list[str]] = {}
    for name in types:
        groups.setdefault(head.get(name, name), []).append(name)
    return list(groups.values())


def permutation_importance(
    rows: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    loss: Loss,
    predict: Predict,
    *,
    n_repeats: int = 5,
    max_rows: int = 1000,
    max_predictions: int = 150_000,
    random_state: int = 0,
) -> list[FeatureImportance]:
    """Return how much the mean loss grows when the values of features are shuffled.

    Parameters
    ----------
    rows : DataFrame, shape (rows, features)
    groups : sequence of sequence of str
        The features; those of a group are shuffled together.
    loss : callable
        Takes positions in `rows`, shape (n,), and the scores of these rows; returns the loss of each, shape (n,).
    predict : callable
        Takes features and returns scores.
    n_repeats : int
        How often each group is shuffled.
    max_rows : int
        How many rows are used at most, a random sample.
    max_predictions : int
        How many rows are predicted at most in one repeat over all groups. Many groups get fewer rows each, at least
        100, and are shuffled once where not even `max_rows` rows each are left.
    random_state : int
        Seed of the sample and of the permutations.

    Returns
    -------
    list of FeatureImportance
        The most important first.

    References
    ----------
    Breiman (2001). Random forests. Machine Learning 45, 5-32.

    Examples
    --------
    >>> rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "noise": [1.0, 0.0, 1.0, 0.0]})
    >>> truth = rows.x.to_numpy()
    >>> result = permutation_importance(
    ...     rows, [["noise"], ["x"]], lambda at, scores: np.abs(truth[at] - scores), lambda part: part.x.to_numpy()
    ... )
    >>> [entry.features for entry in result]
    [['x'], ['noise']]
    """
    random = np.random.default_rng(random_state)
    count = min(len(rows), max_rows, max(100, max_predictions // max(len(groups), 1)))
    repeats = n_repeats if len(groups) <= max_predictions // max_rows else 1
    positions = np.sort(random.permutation(len(rows))[:count])
    sample = rows.iloc[positions]
    baseline = loss(positions, predict(sample)).mean()
    shuffles = ((features, random.permutation(count)) for features in groups for _ in range(repeats))
    variants = ({name: sample[name].array.take(order) for name in features} for features, order in shuffles)
    scores = _predict_variants(sample, variants, predict)
    importances = []
    for features in map(list, groups):
        increases = [float(loss(positions, next(scores)).mean() - baseline) for _ in range(repeats)]
        estimate = Estimate(float(np.mean(increases)), min(increases), max(increases))
        importances.append(FeatureImportance(features, estimate))
    return sorted(importances, key=lambda importance: -importance.loss_increase.value)


def _predict_variants(
    rows: pd.DataFrame, variants: Iterable[Mapping[str, Any]], predict: Predict
) -> Iterator[np.ndarray]:
    """Yield the scores of the rows with other values in some columns, for each variant.

    Many variants are predicted in one call: a call takes as long for a hundred rows as for thousands.
    """
    variants, count = iter(variants), max(1, min(MAX_ROWS, MAX_CELLS // rows.shape[1]) // max(1, len(rows)))
    while bundle := [*islice(variants, count)]:
        copies = pd.concat([_replace_columns(rows, variant) for variant in bundle], ignore_index=True)
        yield from np.split(predict(copies), len(bundle))


def _replace_columns(rows: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    copy = rows.copy()
    for name, values in columns.items():  # not by assign(): a column may be called self
        copy[name] = values
    return copy


def partial_dependence(
    rows: pd.DataFrame, names: Sequence[str], predict: Predict, *, max_rows: int = 1000, grid_resolution: int = 20
) -> dict[str, list[tuple[float, float]]]:
    """Return the mean prediction when a number is set to each of its quantiles in turn.

    Parameters
    ----------
    rows : DataFrame, shape (rows, features)
    names : sequence of str
        Features that are numbers.
    predict : callable
        Takes features and returns one number for each row.
    max_rows : int
        How many rows are used at most, evenly spaced.
    grid_resolution : int
        The number of quantiles.

    Returns
    -------
    dict
        For each feature the pairs (x, y): its value, and the mean prediction.

    References
    ----------
    Friedman (2001). Greedy function approximation. Annals of Statistics 29, 1189-1232.
    """
    sample = rows.iloc[:: max(1, len(rows) // max_rows)].head(max_rows)
    levels = np.linspace(0.02, 0.98, grid_resolution)
    curves = {}
    for name in names:
        grid = np.unique(sample[name].quantile(levels, interpolation="nearest").dropna())
        scores = _predict_variants(sample, ({name: float(x)} for x in grid), predict)
        curves[name] = [(float(x), float(y.mean())) for x, y in zip(grid, scores, strict=True)]
    return curves


def explain_model(
    model: FittedModel,
    rows: pd.DataFrame,
    train: pd.DataFrame,
    fit: Callable[[pd.DataFrame], FittedModel],
    *,
    max_curves: int = 3,
    max_train_rows: int = 20_000,
) -> Explanations:
    """Return what a model uses.

    Parameters
    ----------
    model : FittedModel
    rows, train : DataFrame
        The holdout and the training set: features, and the target.
    fit : callable
        Fits a model on rows; it gets training rows with a column of random numbers.
    max_curves : int
        For how many of the most important numbers the partial dependence is computed.
    max_train_rows : int
        On how many training rows the model with the random column is fitted at most.
    """
    task, truth = model.task, rows[TARGET].to_numpy()

    def loss(positions: np.ndarray, output: np.ndarray) -> np.ndarray:
        return losses(task, truth[positions], output)

    features = rows[[*model.types]]
    groups = group_correlated_features(features, model.types)
    importances = permutation_importance(features, groups, loss, partial(predict_scores, model))
    random = np.random.default_rng(1)
    random_model = fit(_add_random_column(train.iloc[:: -(-len(train) // max_train_rows)], random))
    rows_with_random = _add_random_column(features, random)
    (random_column,) = permutation_importance(
        rows_with_random, [[RANDOM_COLUMN]], loss, partial(predict_scores, random_model)
    )
    numbers = [entry.features[0] for entry in importances if model.types[entry.features[0]] in NUMERIC]
    predict, output = _single_output(model, truth)
    curves = partial_dependence(features, numbers[:max_curves], predict)
    return Explanations(importances, random_column.loss_increase.high, output, curves)


def _single_output(model: FittedModel, truth: np.ndarray) -> tuple[Predict, str]:
    """Return what predicts one number for each row, and its name: of classes the positive or most frequent one's."""
    if model.task == "regression":
        return partial(predict_scores, model), "prediction"
    place: Any = model.positive_index if model.task == "binary" else np.bincount(truth).argmax()
    return lambda rows: predict_scores(model, rows)[:, place], f"probability of {model.classes[place]}"


def _add_random_column(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return pd.concat([rows, pd.DataFrame({RANDOM_COLUMN: random.normal(size=len(rows))}, index=rows.index)], axis=1)
