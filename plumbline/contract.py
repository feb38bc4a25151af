"""What a review calls in the version of another commit: CONTRACT, `Refusal` and the five functions, and nothing else.

A review judges two commits, each by its own code: it starts a process with the commit's project as working directory
and the commit's package on the path, and calls these. They are kept for one major version of the package; one that
means something else gets a higher CONTRACT, at which a review says that it cannot tell.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import params, paths
from plumbline.data import split, tables
from plumbline.data.schema import KEY, SIDE, TRAIN, Schema, frame
from plumbline.errors import PlumblineError
from plumbline.prediction import fitted_model, predictions
from plumbline.prediction.feature_function import make_features
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictor import Predictor
from plumbline.prediction.typed_rows import type_rows
from plumbline.project import load_user_code
from plumbline.training import recipe

CONTRACT = fitted_model.CONTRACT
Refusal = PlumblineError  # by the name that it has in this contract
PARAMS = ("model.estimator", "model.arguments", "model.threshold", "review.metric")


@dataclass(frozen=True)
class Rows:
    """Rows of a table, ready to be learned from or predicted.

    Attributes
    ----------
    features : frame
        As `fit` takes it: features, and beside them the columns that begin with @ where the table has them.
    units : array, shape (rows,), uint64
        What each row is called for the split.
    is_train : array, shape (rows,), bool
        Whether the row is of the training part; of another commit's rows False.
    """

    features: pd.DataFrame
    units: np.ndarray
    is_train: np.ndarray

    def position(self, salt: int) -> np.ndarray:
        """Where each row falls in [0, 1) under this salt, shape (rows,)."""
        return split.position(self.units, salt)


def read_rows() -> Rows:
    """The rows that this commit's ingest and featurize made."""
    schema, table = Schema.read(paths.SCHEMA), pq.read_table(paths.FEATURES)
    named = pq.read_table(paths.TABLE, columns=split.unit_columns(schema))
    is_train = table.column(SIDE).to_numpy() == TRAIN
    return Rows(recipe.read_rows(table, schema), split.units(named, schema), is_train)


def read_other_rows(path: str, own: Rows) -> Rows:
    """Another commit's typed table with this commit's features.

    A row that this commit has, too, by its key, keeps its own values: what the other did to them it did not learn from.

    Raises
    ------
    Refusal
        Where the table lacks a column of this commit's, or a value does not fit its type.
    """
    table, schema = pq.read_table(path), Schema.read(paths.SCHEMA)
    kinds = {column.name: column.type for column in schema.columns}
    absent = [name for name in split.unit_columns(schema) if name not in table.column_names]
    if absent:
        raise Refusal(f"column {absent[0]!r}, by which rows are split, is not in the other table")
    features, _ = load_user_code()
    typed = type_rows(table, schema).require_all("", hint="Fix it in the other table")
    named = {name: tables.fitted(table.column(name), kinds[name])[0] for name in split.unit_columns(schema)}
    rows, key = (
        make_features(features.features, frame(typed, {column.name: column.type for column in schema.inputs})),
        schema.column("key"),
    )
    mine = own.features
    if key and key.name in table.column_names and mine[KEY].is_unique:
        at = pd.Index(mine[KEY]).get_indexer(tables.fitted(table.column(key.name), key.type)[0].to_pandas())
        chosen = np.where(at >= 0, len(rows) + at, np.arange(len(rows)))
        rows = pd.concat([rows, mine[rows.columns]], ignore_index=True).take(chosen).reset_index(drop=True)
    return Rows(rows, split.units(pa.table(named), schema), np.zeros(len(rows), dtype=bool))


def fit(features: pd.DataFrame, seed: int) -> FittedModel:
    """The model that this commit's recipe makes of these rows, a frame as in `Rows`."""
    _, model = load_user_code()
    p = params.read(*PARAMS)
    return recipe.fit(features, Schema.read(paths.SCHEMA), p.model, model.build, metric=p.review.metric, seed=seed)


def scores(model: FittedModel, features: pd.DataFrame) -> np.ndarray:
    """Probabilities, shape (rows, classes), or predicted values, shape (rows,)."""
    return predictions.predict_scores(model, features)


def predict(model: FittedModel, table: pa.Table) -> pd.DataFrame:
    """Predictions for typed raw rows, as the package makes them."""
    features, _ = load_user_code()
    return Predictor(model, Schema.read(paths.SCHEMA), features.features).predict_typed(table)
