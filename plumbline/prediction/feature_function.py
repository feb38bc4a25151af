"""Apply features() of src/features.py to a batch of rows, in the pipeline and in the package alike."""

from collections.abc import Callable

import pandas as pd

from ..errors import UserCodeError, user_code_error

FILE = "src/features.py"
FeatureFunction = Callable[[pd.DataFrame], pd.DataFrame]


def make_features(function: FeatureFunction, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features of these rows.

    Parameters
    ----------
    function : callable
        features() of src/features.py.
    rows : DataFrame
        The inputs, with the types of the schema.

    Returns
    -------
    DataFrame
        One row for each row of `rows`, with its index.

    Raises
    ------
    UserCodeError
        Where the function raises an error, or returns anything else.
    """
    try:
        features = function(rows)
    except Exception as error:
        raise user_code_error(FILE, error) from error
    if not isinstance(features, pd.DataFrame):
        message = f"{FILE}: expected features() to return a frame, found {type(features).__name__}"
        raise UserCodeError(message, hint="Return a DataFrame with a column for each feature")
    if len(features) != len(rows) or not features.index.equals(rows.index):
        message = f"{FILE}: expected the {len(rows)} rows it was given, in their order, found {len(features)}"
        raise UserCodeError(message, hint="Keep every row and its index: drop, sort and add no rows")
    return features
