"""A small fitted predictor with a column of each type, and the rows it was fitted on."""

import pandas as pd
import pytest

from plumbline.columns import default
from plumbline.data.schema import Column, Schema
from plumbline.keys import Model
from plumbline.prediction.predictor import Predictor
from plumbline.testing.projects import make_table
from plumbline.training.recipe import fit

COLUMNS = (
    Column("x1", "number", low=-3.0, high=3.0),
    Column("größe", "number", missing=0.1, low=-3.0, high=3.0),
    Column("row_id", "integer", low=0, high=1199),
    Column("colour", "category"),
    Column("flag", "boolean"),
    Column("seen", "timestamp", low="2020-01-01 00:00:00", high="2020-02-01 00:00:00"),
    Column("y", "text", "target"),
)
SCHEMA = Schema(COLUMNS, 200, "binary", ("no", "yes"), "yes")
TABLE = make_table(rows=200).rename(columns={"x2": "größe"}).assign(seen=pd.date_range("2020-01-01", periods=200))


def make_model(estimator: str = "auto", **arguments) -> dict:
    rows = TABLE.drop(columns="target").assign(**{"@target": (TABLE["target"] == "yes").astype(int)})
    return fit(rows, SCHEMA, Model(estimator=estimator, arguments=arguments, threshold=0.4), default, seed=0)


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return Predictor(make_model(max_iter=5), SCHEMA, lambda rows: rows)
