"""Rows for fit and predict: features with their types, and beside them target, weight, group and time."""

import pandas as pd
import pyarrow as pa

from src.names import GROUP, KEY, TARGET, TIME, WEIGHT
from src.predictor.schema import Schema, frame, types_of


def load(table: pa.Table, schema: Schema) -> pd.DataFrame:
    """A part of data/features.parquet as the frame that `fit` takes (src/recipe.py)."""
    beside = {}
    for name in (KEY, TARGET, WEIGHT, GROUP, TIME):
        if name in table.column_names:
            values = table.column(name).to_pandas()
            beside[name] = pd.factorize(values, use_na_sentinel=False)[0] if name == GROUP else values.to_numpy()
    return pd.concat([frame(table, types_of(table.schema, schema)), pd.DataFrame(beside)], axis=1)
