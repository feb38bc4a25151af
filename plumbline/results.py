"""What the pipeline made, for people: every row with its side, its prediction and its error, and what `fit` takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.schema import HOLDOUT, SIDE, TARGET, Schema, frame
from plumbline.errors import PlumblineError
from plumbline.prediction import modelfile
from plumbline.prediction.fitted_model import FittedModel
from plumbline.project import load_user_code
from plumbline.training import recipe


@dataclass(frozen=True)
class Results:
    """The last run.

    rows: the source's columns, typed, and beside them @side (train or holdout) and @target; of the holdout, empty
        elsewhere, @prediction, @probability_CLASS and @error, which is 1 - the probability of the true class, or
        |prediction - target| of a regression.
    features: the same rows as `fit` of plumbline/training/recipe.py takes them, with the index of `rows`.
    schema, model: as in data/schema.json and data/model.skops.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    schema: Schema
    model: FittedModel


def load(folder: str = ".") -> Results:
    """What `make repro` made, or of another folder: .share after `make repro SHARE=0.05`."""
    table, schema_json, made, model, predicted = (
        Path(folder, name) for name in (paths.TABLE, paths.SCHEMA, paths.FEATURES, paths.MODEL, paths.PREDICTIONS)
    )
    for path in (table, schema_json, made, model, predicted):
        if not path.is_file():
            raise PlumblineError(
                f"{path.as_posix()} is not there: make repro makes it, dvc pull brings it from a remote"
            )
    schema = Schema.loads(schema_json.read_text(encoding="utf-8"))
    rows = frame(pq.read_table(table), {column.name: column.type for column in schema.columns})
    features = pq.read_table(made)
    rows["@side"] = features.column(SIDE).to_numpy()
    rows["@target"] = rows[schema.target.name]
    taken = recipe.load(features, schema)
    found = _predictions(predicted, rows.index[rows["@side"] == HOLDOUT], taken[TARGET], schema)
    return Results(rows.join(found), taken, schema, modelfile.read(model.as_posix(), load_user_code()))


def _predictions(path: Path, held: pd.Index, target: pd.Series, schema: Schema) -> pd.DataFrame:
    """Prediction, probabilities and error of the holdout, whose positions among all rows are `held`."""
    found = pd.read_parquet(path)
    if len(found) != len(held):
        raise PlumblineError(
            f"{path.as_posix()}: has {len(found)} rows, expected {len(held)}. Bring all up to date: make repro"
        )
    found = found[["prediction", *(f"probability_{name}" for name in schema.classes)]]
    found = found.set_index(held).add_prefix("@")
    if schema.task == "regression":
        return found.assign(**{"@error": (found["@prediction"] - target[held]).abs()})
    chances = found.iloc[:, 1:].to_numpy()
    found["@prediction"] = found["@prediction"].convert_dtypes()  # whole numbers and flags stay so beside empty rows
    return found.assign(**{"@error": 1 - chances[np.arange(len(held)), target[held]]})
