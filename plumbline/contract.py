"""What a review calls in the package of another commit: CONTRACT, `Refusal` and five functions, and nothing else.

A review compares two commits, each by its own code: it starts a process with the commit's project as working directory
and the commit's package on the path, and calls these names. They are kept for one major version of the package. Where
one of them changes its meaning, CONTRACT is raised, and a review across that change is inconclusive.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import params, paths
from plumbline.data import split, tables
from plumbline.data.schema import KEY, SIDE, TRAIN, Schema, to_frame
from plumbline.errors import PlumblineError, TableError
from plumbline.prediction import fitted_model, predictions
from plumbline.prediction.feature_function import make_features
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictor import Predictor
from plumbline.prediction.typed_rows import type_rows
from plumbline.project import load_user_code
from plumbline.training import recipe

CONTRACT = fitted_model.CONTRACT
Refusal = PlumblineError  # the name of the errors in this contract
PARAMS = ("model.estimator", "model.arguments", "model.threshold", "review.metric")


@dataclass(frozen=True)
class Rows:
    """Rows of a table, ready to fit or predict.

    Attributes
    ----------
    features : DataFrame of shape (rows, columns)
        As `fit` takes it: the features, and the columns that begin with @ where the table has them.
    units : ndarray of shape (rows,), uint64
        The name of each row for the split.
    is_train : ndarray of shape (rows,), bool
        Whether the row is in the training set; False for rows of another commit.
    """

    features: pd.DataFrame
    units: np.ndarray
    is_train: np.ndarray

    def position(self, salt: int) -> np.ndarray:
        """Return where each row falls in [0, 1) under this salt, shape (rows,)."""
        return split.position(self.units, salt)


def read_rows() -> Rows:
    """Return the rows that this commit's ingest and featurize wrote."""
    schema, table = Schema.read(paths.SCHEMA), pq.read_table(paths.FEATURES)
    source = pq.read_table(paths.TABLE, columns=split.unit_columns(schema))
    is_train = table.column(SIDE).to_numpy() == TRAIN
    return Rows(recipe.read_rows(table, schema), split.units(source, schema), is_train)


def read_other_rows(path: str, own_rows: Rows) -> Rows:
    """Return the rows of another commit's typed table, with this commit's features.

    A row that this commit has, too, by its key, keeps its own values: this commit did not learn from what the other
    commit changed in them.

    Parameters
    ----------
    path : str
        The other commit's data/table.parquet.
    own_rows : Rows
        What `read_rows` returned.

    Raises
    ------
    Refusal
        Where the table lacks a column of this commit, or a value does not fit its type.
    """
    table, schema = pq.read_table(path), Schema.read(paths.SCHEMA)
    missing = [name for name in split.unit_columns(schema) if name not in table.column_names]
    if missing:
        message = f"column {missing[0]!r}, by which rows are split, is not in the other table"
        raise TableError(message, hint="Split by a column that both tables have")
    typed_table = type_rows(table, schema).require_all("", hint="Correct the value in the other table")
    user_features, _ = load_user_code()
    inputs = to_frame(typed_table, {column.name: column.type for column in schema.inputs})
    features = _keep_own_values(make_features(user_features.features, inputs), own_rows, table, schema)
    types = {column.name: column.type for column in schema.columns}
    units = {name: tables.convert_or_null(table.column(name), types[name])[0] for name in split.unit_columns(schema)}
    return Rows(features, split.units(pa.table(units), schema), np.zeros(len(features), dtype=bool))


def _keep_own_values(features: pd.DataFrame, own_rows: Rows, table: pa.Table, schema: Schema) -> pd.DataFrame:
    """Replace the features of rows that this commit has, too, by its own."""
    key, own_features = schema.column("key"), own_rows.features
    if not key or key.name not in table.column_names or not own_features[KEY].is_unique:
        return features
    keys = tables.convert_or_null(table.column(key.name), key.type)[0].to_pandas()
    places = pd.Index(own_features[KEY]).get_indexer(keys)
    take = np.where(places >= 0, len(features) + places, np.arange(len(features)))
    both = pd.concat([features, own_features[features.columns]], ignore_index=True)
    return both.take(take).reset_index(drop=True)


def fit(features: pd.DataFrame, seed: int) -> FittedModel:
    """Return the model that this commit's recipe fits on these rows.

    Parameters
    ----------
    features : DataFrame
        As in `Rows`.
    seed : int
        In place of model.seed.
    """
    _, user_model = load_user_code()
    p = params.read(*PARAMS)
    schema = Schema.read(paths.SCHEMA)
    return recipe.fit(features, schema, p.model, user_model.build, metric=p.review.metric, seed=seed)


def scores(model: FittedModel, features: pd.DataFrame) -> np.ndarray:
    """Return probabilities, shape (rows, classes), or predicted values, shape (rows,)."""
    return predictions.predict_scores(model, features)


def predict(model: FittedModel, table: pa.Table) -> pd.DataFrame:
    """Return the predictions for typed raw rows, as the package makes them."""
    user_features, _ = load_user_code()
    return Predictor(model, Schema.read(paths.SCHEMA), user_features.features).predict_typed(table)
