"""YOURS: the features. The pipeline and the packaged model call the same function."""

import pandas as pd


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features of the model, one row for each row of `rows`.

    `rows` has the columns of the source without target, key, group, weight and ignored columns. Numbers are float64,
    flags boolean, times datetime64 and words str; a missing value is NaN. Compute each row from its own values only:
    rows come in batches here and one by one in production. What is learned from other rows belongs into src/model.py.

    For example: rows.assign(ratio=rows["a"] / rows["b"]). More in plumbline docs your-features.
    """
    return rows
