"""What the pipeline wrote, for notebooks: every row with its side, its prediction and its error."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.schema import HOLDOUT, SIDE, TARGET, Schema, to_frame
from plumbline.errors import ProjectError
from plumbline.prediction import modelfile
from plumbline.prediction.fitted_model import FittedModel
from plumbline.project import load_user_code
from plumbline.training import recipe


@dataclass(frozen=True)
class Results:
    """The last run.

    Attributes
    ----------
    rows : DataFrame
        The columns of the source with their types, and beside them @side (train or holdout) and @target. Of the
        holdout also @prediction, @probability_CLASS and @error: 1 - the probability of the true class, or
        |prediction - target| of a regression; these are missing elsewhere.
    features : DataFrame
        The same rows as `plumbline.training.recipe.fit` takes them, with the index of `rows`.
    schema : Schema
        From data/schema.json.
    model : FittedModel
        From data/model.skops.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    schema: Schema
    model: FittedModel


def load(folder: str = ".") -> Results:
    """Return what `make repro` wrote.

    Parameters
    ----------
    folder : str
        The project, or .share after `make repro SHARE=0.05`.

    Raises
    ------
    ProjectError
        Where a file is missing, or two files are of different runs.
    """
    names = (paths.TABLE, paths.SCHEMA, paths.FEATURES, paths.MODEL, paths.PREDICTIONS)
    table, schema_json, features, model, predictions = (Path(folder, name) for name in names)
    for path in (table, schema_json, features, model, predictions):
        if not path.is_file():
            message = f"{path.as_posix()} is not there"
            raise ProjectError(message, hint="Run make repro, or bring it from a remote: dvc pull")
    schema = Schema.read(schema_json.as_posix())
    rows = to_frame(pq.read_table(table), {column.name: column.type for column in schema.columns})
    features_table = pq.read_table(features)
    rows["@side"] = features_table.column(SIDE).to_numpy()
    rows["@target"] = rows[schema.target.name]
    fit_rows = recipe.read_rows(features_table, schema)
    holdout = rows.index[rows["@side"] == HOLDOUT]
    rows = rows.join(_read_predictions(predictions, holdout, fit_rows[TARGET], schema))
    return Results(rows, fit_rows, schema, modelfile.read(model.as_posix(), load_user_code()))


def _read_predictions(path: Path, holdout: pd.Index, target: pd.Series, schema: Schema) -> pd.DataFrame:
    """Prediction, probabilities and error of the rows at `holdout`."""
    predictions = pd.read_parquet(path)
    if len(predictions) != len(holdout):
        message = f"{path.as_posix()}: has {len(predictions)} rows, expected {len(holdout)}"
        raise ProjectError(message, hint="Bring all files up to date: make repro")
    predictions = predictions[["prediction", *(f"probability_{name}" for name in schema.classes)]]
    predictions = predictions.set_index(holdout).add_prefix("@")
    if schema.task == "regression":
        return predictions.assign(**{"@error": (predictions["@prediction"] - target[holdout]).abs()})
    probabilities = predictions.iloc[:, 1:].to_numpy()
    predictions["@prediction"] = predictions["@prediction"].convert_dtypes()  # keeps integers beside missing values
    return predictions.assign(**{"@error": 1 - probabilities[np.arange(len(holdout)), target[holdout]]})
