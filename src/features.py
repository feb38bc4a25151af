"""YOURS: row-wise features. The same function runs in the pipeline and inside the packaged model."""

import pandas as pd


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """The model's columns, one row for each row given.

    rows: the source's columns without target, key, group, weight and what is ignored. Numbers are float64, flags
    boolean, times datetime64, words str; missing is NaN. A row may be made of nothing but itself: it is computed in
    batches here and alone in production, so anything learned from other rows belongs into src/model.py.

    For example: rows.assign(ratio=rows["a"] / rows["b"]); docs/your-features.md has more, and what is refused.
    """
    return rows
