"""src/features.py applied to a batch, in the pipeline and in the package alike."""

from collections.abc import Callable

import pandas as pd

from ..errors import PlumblineError, user_code_error

Features = Callable[[pd.DataFrame], pd.DataFrame]


def make_features(features: Features, rows: pd.DataFrame) -> pd.DataFrame:
    """The features of these rows; refused when they are not one row for each row given, in its order."""
    try:
        made = features(rows)
    except Exception as error:
        raise user_code_error("src/features.py", error) from error
    if not isinstance(made, pd.DataFrame):
        raise PlumblineError(f"src/features.py: expected features() to return a frame, found {type(made).__name__}")
    if len(made) != len(rows) or not made.index.equals(rows.index):
        raise PlumblineError(
            f"src/features.py: expected the {len(rows)} rows it was given, in their order, found {len(made)}"
        )
    return made
