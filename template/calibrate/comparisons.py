"""What the calibration compares: recipes on tables, and changes of rows, labels and predictions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline

from plumbline.columns import default
from plumbline.contract import Rows
from plumbline.data.schema import TARGET, Schema
from plumbline.keys import Model
from plumbline.prediction.fitted_model import FittedModel
from plumbline.review.worker import predict_unseen
from plumbline.training.recipe import fit
from template.calibrate.tables import Table, draw_table

CACHE = Path(".review/calibration")  # scores of recipes, so that another rule is measured without a fit
REPLICAS, FOLDS = 5, 5
SEEDS, REPEATS, DRAWS, TABLES, CORRUPTED, WRONG = 100, 20, 5, 120, 0.03, 0.1
FOREST = "sklearn.ensemble.RandomForest"
BOOSTING = "sklearn.ensemble.HistGradientBoosting"
LINEAR = {"classification": "sklearn.linear_model.LogisticRegression", "regression": "sklearn.linear_model.Ridge"}
ESTIMATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "forest": (FOREST, {"n_estimators": 20}),
    "boosting, a third of the columns": (BOOSTING, {"max_iter": 20, "max_features": 0.3, "l2_regularization": 5.0}),
    "extra trees": ("sklearn.ensemble.ExtraTrees", {"n_estimators": 20}),
}
Harm = Callable[[pd.DataFrame, int], pd.DataFrame]  # what happens to the training rows, by a seed


@dataclass(frozen=True)
class Pair:
    """Out-of-fold scores of two sides on a table, each of shape (replicas, rows[, classes])."""

    table: Table
    base: np.ndarray
    head: np.ndarray


def _build_bare(types: dict[str, str], estimator: Any) -> Pipeline:
    """A pipeline for columns that need no preparation: the estimator alone takes a third of the time."""
    return Pipeline([("estimator", estimator)])


def score_recipe(
    table: Table,
    estimator: str,
    arguments: dict[str, Any],
    seed: int,
    salts: range,
    *,
    harm: Harm | None = None,
    first: int | None = None,
    columns: range | None = None,
) -> np.ndarray:
    """Return the out-of-fold scores of a recipe.

    Parameters
    ----------
    table : Table
        The rows to predict.
    estimator : str
        Its class, without Classifier or Regressor at the end, unless it is linear.
    arguments : dict
        Of the estimator.
    seed : int
        Of the fits.
    salts : range
        A replica for each.
    harm : callable, optional
        What happens to the training rows.
    first : int, optional
        Only so many rows, the first, are in the training set.
    columns : range, optional
        The features, by their numbers.

    Returns
    -------
    array, shape (replicas, rows[, classes])
        NaN for rows that no model predicts.
    """
    kind = "Regressor" if table.schema.task == "regression" else "Classifier"
    full_name = estimator if "linear_model" in estimator else estimator + kind
    params = Model(estimator=full_name, arguments=arguments)
    hashes = np.random.default_rng(1).integers(0, 2**63, len(table.rows)).astype(np.uint64)
    units = hashes if table.group is None else hashes[table.group]
    rows = table.rows if columns is None else table.rows[[*(f"x{i}" for i in columns), TARGET]]
    is_train = np.ones(len(rows), bool) if table.holdout is None else ~table.holdout
    build = default if columns is None else _build_bare
    folds = FOLDS if table.holdout is None else None
    replicas = []
    for number, salt in enumerate(salts):
        fit_seed = seed * 1000 + number
        fit_replica = partial(_fit_with_harm, table.schema, params, fit_seed, build, harm)
        train = Rows(rows[:first], units[:first], is_train[:first])
        replicas.append(predict_unseen(fit_replica, train, Rows(rows, units, is_train), folds, salt))
    return np.stack(replicas)


def _fit_with_harm(
    schema: Schema, params: Model, seed: int, build: Any, harm: Harm | None, rows: pd.DataFrame
) -> FittedModel:
    return fit(harm(rows, seed) if harm else rows, schema=schema, params=params, seed=seed, build=build)


cached_scores: Callable[..., np.ndarray] = Memory(CACHE, verbose=0).cache(score_recipe)


def drop_half(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a random half of the rows."""
    return rows.sample(frac=0.5, random_state=seed % 2**32)


def flip_labels(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the rows, 10 % of them with the other label."""
    random = np.random.default_rng(seed)
    is_wrong = random.random(len(rows)) < WRONG
    return rows.assign(**{TARGET: np.where(is_wrong, 1 - rows[TARGET], rows[TARGET])})


def _salts(repeat: int) -> range:
    return range(REPLICAS * repeat, REPLICAS * (repeat + 1))


def change_seed(table: Table, estimator: str, columns: range | None = None) -> Iterator[Pair]:
    """Yield pairs in which only the seed changes: SEEDS recipes in a ring, with the product's own salts."""
    runs = [
        cached_scores(table, *ESTIMATORS[estimator], seed, range(REPLICAS), columns=columns) for seed in range(SEEDS)
    ]
    yield from (Pair(table, runs[i], runs[(i + 1) % SEEDS]) for i in range(SEEDS))


def change_recipe(
    table: Table, estimator: str, before: dict[str, Any], after: dict[str, Any], harm: Harm | None = None
) -> Iterator[Pair]:
    """Yield pairs in which the arguments change: REPEATS draws of salts, each with a seed that both sides share."""
    for repeat in range(REPEATS):
        base = cached_scores(table, estimator, before, repeat, _salts(repeat))
        yield Pair(table, base, cached_scores(table, estimator, after, repeat, _salts(repeat), harm=harm))


def corrupt_predictions(
    table: Table, estimator: str, arguments: dict[str, Any], repeats: int = REPEATS
) -> Iterator[Pair]:
    """Yield pairs in which a share of head's predictions is reversed, DRAWS times for each draw of salts."""
    for repeat in range(repeats):
        base = cached_scores(table, estimator, arguments, repeat, _salts(repeat))
        for draw in range(DRAWS):
            order = np.random.default_rng(draw + 100 * repeat).permutation(len(table.rows))
            rows = order[: round(CORRUPTED * len(order))]
            head = base.copy()
            head[:, rows] = head[:, rows][:, :, ::-1]
            yield Pair(table, base, head)


def append_rows(
    table: Table, estimator: str, arguments: dict[str, Any], share: float, has_wrong_labels: bool
) -> Iterator[Pair]:
    """Yield pairs in which head is trained on all rows and base on a share of them.

    With `has_wrong_labels`, 10 % of the rows that only head has get the other label.
    """
    for repeat in range(REPEATS):
        rows = table.rows.sample(frac=1, random_state=repeat).reset_index(drop=True)
        first = round(share * len(rows))
        if has_wrong_labels:
            rows = pd.concat([rows[:first], flip_labels(rows[first:], repeat)])
        larger = Table(rows, table.schema)
        base = cached_scores(larger, estimator, arguments, repeat, _salts(repeat), first=first)
        yield Pair(larger, base, cached_scores(larger, estimator, arguments, repeat, _salts(repeat)))


def compare_equals(estimator: str, arguments: dict[str, Any], size: int, **options: Any) -> Iterator[Pair]:
    """Yield pairs of pipelines of equal quality, each with ten columns of its own, on TABLES drawn tables."""
    for repeat in range(TABLES):
        table = draw_table(np.random.default_rng(repeat), size, **options)
        replicas = range(1) if table.holdout is not None and "linear_model" in estimator else range(REPLICAS)
        base, head = (
            cached_scores(table, estimator, arguments, repeat, replicas, columns=range(i, i + 10)) for i in (0, 10)
        )
        yield Pair(table, base, head)


def fit_model(table: Table, estimator: str, seed: int) -> FittedModel:
    """Return a model that is fitted on all rows of a table."""
    return fit(table.rows, table.schema, Model(estimator=estimator), _build_bare, seed=seed)
