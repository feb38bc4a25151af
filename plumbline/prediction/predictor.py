"""From raw rows to predictions: types, then features, then the model. This is what a package is for."""

from importlib import import_module, resources

import pandas as pd
import pyarrow as pa

from ..data.schema import Schema, to_frame
from . import modelfile
from .feature_function import FeatureFunction, make_features
from .fitted_model import FittedModel
from .predictions import predict
from .typed_rows import RawRows, to_table, type_rows
from .unusual import find_unusual, join_columns


class Predictor:
    """A fitted model with the schema of its rows and the function that makes its features.

    Parameters
    ----------
    model : FittedModel
    schema : Schema
        The columns of the source and their types.
    features : callable
        features() of src/features.py.

    Attributes
    ----------
    types : dict
        The type of each input.
    """

    def __init__(self, model: FittedModel, schema: Schema, features: FeatureFunction) -> None:
        self.model, self.schema, self.features = model, schema, features
        self.types = {column.name: column.type for column in schema.inputs}

    @classmethod
    def load(cls) -> "Predictor":
        """Return the predictor of the package that this module is in."""
        here = resources.files(__package__)
        schema = Schema.loads(here.joinpath("schema.json").read_text(encoding="utf-8"))
        root = __package__.partition(".")[0]
        features, user = (import_module(f"{root}.{name}") for name in ("features", "model"))
        content = here.joinpath("model.skops").read_bytes()
        return cls(modelfile.loads(content, "model.skops", [features, user]), schema, features.features)

    def predict(self, rows: RawRows, *, flag: bool = False, strict: bool = False) -> pd.DataFrame:
        """Predict raw rows.

        A value is unusual when it is outside the range of the table that the model was fitted on by more than half of
        the range's width, or when it is missing in a column where that table missed none.

        Parameters
        ----------
        rows : DataFrame, Table or list of dict
            With the columns of the source; others are ignored.
        flag : bool
            Whether to add the column `unusual`: the names of the columns with unusual values, joined by "; ", or "".
        strict : bool
            Whether to refuse unusual values.

        Returns
        -------
        DataFrame
            `prediction`, and `probability_CLASS` for each class of a classification; the index is that of `rows`.

        Raises
        ------
        TableError
            Where a column is missing, or a value does not fit its type.
        """
        typed_rows = type_rows(to_table(rows, self.schema), self.schema, strict=strict)
        typed = typed_rows.require_all("input, ", hint="Correct the value, or predict without this row")
        predictions = self.predict_typed(typed)
        if flag:
            predictions["unusual"] = join_columns(find_unusual(typed, self.schema.inputs), len(predictions))
        return predictions.set_index(rows.index) if isinstance(rows, pd.DataFrame) else predictions

    def predict_typed(self, table: pa.Table) -> pd.DataFrame:
        """Predict rows that have their types already, as in data/table.parquet."""
        return predict(self.model, make_features(self.features, to_frame(table, self.types)))
