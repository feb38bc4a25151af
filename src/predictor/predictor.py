"""Raw rows to predictions: types, then features, then the model. This is what a package is for."""

from importlib import resources
from typing import Any

import pandas as pd
import pyarrow as pa

from . import modelfile, tables
from .featurizing import make_features
from .prediction import predict
from .refusal import Refusal
from .schema import ARROW, Schema, frame

EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a date or time as 2024-12-31 or 2024-12-31 23:59:59",
    "category": "text",
    "text": "text",
}


class Predictor:
    """A fitted model with its schema.

    model: see prediction.py; schema: the source's columns as ingest settled them.
    """

    def __init__(self, model: dict[str, Any], schema: Schema) -> None:
        self.model, self.schema = model, schema
        self.types = {column.name: column.type for column in schema.inputs}

    @classmethod
    def load(cls) -> "Predictor":
        """The model that lies in this package."""
        here = resources.files(__package__)
        schema = Schema.loads(here.joinpath("schema.json").read_text(encoding="utf-8"))
        return cls(modelfile.loads(here.joinpath("model.skops").read_bytes(), "model.skops"), schema)

    def typed(self, table: pa.Table, decimal: str = ".") -> tuple[pa.Table, list[dict[str, Any]]]:
        """The inputs with their types, and the values that have none: position, column, expected, found."""
        absent = [name for name in self.types if name not in table.column_names]
        if absent:
            raise Refusal(
                f"input: column {absent[0]!r} is missing ({len(absent)} of {len(self.types)} are); "
                f"found {table.num_columns} columns"
            )
        made: dict[str, Any] = {}
        bad: list[dict[str, Any]] = []
        for name, kind in self.types.items():
            values = table.column(name)
            try:
                made[name] = tables.convert(values, kind, decimal)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                made[name] = pa.chunked_array([pa.nulls(len(values), ARROW[kind])])
                bad += [
                    {"position": i, "column": name, "expected": EXPECTED[kind], "found": str(values[i].as_py())}
                    for i in tables.misfits(values, kind, decimal)
                ]
        return pa.table(made), bad

    def predict(self, rows: pd.DataFrame | pa.Table | list[dict[str, Any]]) -> pd.DataFrame:
        """Predictions for raw rows: `prediction`, and `probability_CLASS` for each class of a classification.

        rows: a frame, an Arrow table or a list of dicts with the source's columns; others are passed over.
        Raises Refusal when a column is missing or a value does not fit its type.
        """
        index = rows.index if isinstance(rows, pd.DataFrame) else None
        if isinstance(rows, pd.DataFrame):
            rows = pa.Table.from_pandas(rows[[n for n in self.types if n in rows.columns]], preserve_index=False)
        elif isinstance(rows, list):
            rows = pa.table(
                {n: _array([row.get(n) for row in rows]) for n in self.types if any(n in row for row in rows)}
            )
        typed, bad = self.typed(rows)
        if bad:
            raise Refusal(
                f"input, row {bad[0]['position'] + 1}, column {bad[0]['column']!r}: expected {bad[0]['expected']}"
            )
        found = self.predict_typed(typed)
        return found if index is None else found.set_index(index)

    def predict_typed(self, table: pa.Table) -> pd.DataFrame:
        """Predictions for rows that have their types already, as data/table.parquet holds them."""
        return predict(self.model, make_features(frame(table, self.types)))


def _array(values: list[Any]) -> pa.ChunkedArray:
    try:
        return pa.chunked_array([pa.array(values)])
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # mixed: as text, so that `typed` finds the value that does not fit
        return pa.chunked_array([pa.array([None if value is None else str(value) for value in values])])
