"""src/features.py applied to a batch, in the pipeline and in the package alike."""

from collections.abc import Callable

import pandas as pd

from .refusal import Refusal, raised_in

PROBLEM: Exception | None = None
try:
    from .. import features as user
except Exception as error:  # the user's affair: said in one line where the function is asked for
    PROBLEM = error


def load_features() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function in src/features.py; refused when there is none, or when the file cannot be imported."""
    try:
        if PROBLEM is not None:
            raise PROBLEM
        return user.features
    except Exception as error:
        raise Refusal(raised_in("src/features.py", error)) from error


def make_features(rows: pd.DataFrame) -> pd.DataFrame:
    """The features of these rows; refused when they are not one row for each row given, in its order."""
    features = load_features()
    try:
        made = features(rows)
    except Exception as error:
        raise Refusal(raised_in("src/features.py", error)) from error
    if not isinstance(made, pd.DataFrame):
        raise Refusal(f"src/features.py: expected features() to return a frame, found {type(made).__name__}")
    if len(made) != len(rows) or not made.index.equals(rows.index):
        raise Refusal(f"src/features.py: expected the {len(rows)} rows it was given, in their order, found {len(made)}")
    return made
