"""The transformers that turn typed columns into the numbers that an estimator takes."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

ONE_HOT = 50
TOPICS = 20


def calendar(frame: pd.DataFrame) -> np.ndarray:
    """Return seconds since 1970, year, month, day, weekday and hour of each column of times; NaN where missing.

    Returns
    -------
    array, shape (rows, 6 * columns)
    """
    parts = []
    for name in frame:
        parts.append((frame[name] - pd.Timestamp(0).as_unit("us")) / pd.Timedelta(seconds=1))
        parts += [getattr(frame[name].dt, part) for part in ("year", "month", "day", "day_of_week", "hour")]
    return np.column_stack(parts).astype(float)


def words(column: pd.Series) -> pd.Series:
    """Return the list of words of each text; an empty one where it is missing.

    Examples
    --------
    >>> words(pd.Series(["Not again!", None])).tolist()
    [['not', 'again'], []]
    """
    return column.fillna("").str.lower().str.findall(r"\w\w+")


def default(types: dict[str, str], estimator: Any) -> Pipeline:
    """Return the pipeline that src/model.py builds as delivered; the baselines use it whatever that file becomes.

    Parameters
    ----------
    types : dict
        The type of each feature.
    estimator : estimator
        Unfitted.
    """
    return Pipeline([("columns", columns(types, estimator)), ("estimator", estimator)])


def columns(types: dict[str, str], estimator: Any) -> ColumnTransformer:
    """Return the transformer in front of an estimator: numbers, then categories, times and texts.

    Histogram boosting handles missing values and categories itself: it gets numbers as they are and categories as
    ordinal codes, where the rarest levels share a code and unknown levels are missing values. Every other estimator
    gets medians for missing values (with an indicator), standardized numbers, and one-hot columns for the frequent
    levels and one for all others. Texts become the leading components of hashed TF-IDF features.

    Parameters
    ----------
    types : dict
        The type of each feature: integer, number, boolean, category, text or timestamp.
    estimator : estimator
        Unfitted; histogram boosting is told which of its columns are categories.
    """

    def select(*kinds: str) -> list[str]:
        return [name for name, kind in types.items() if kind in kinds]

    numbers, categories = select("integer", "number", "boolean"), select("category")
    if type(estimator).__name__.startswith("HistGradientBoosting"):
        gap: tuple[Any, ...] = ()
        codes: Any = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
            max_categories=estimator.max_bins,
        )
        estimator.set_params(categorical_features=list(range(len(numbers), len(numbers) + len(categories))) or None)
    else:
        gap = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
        codes = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=ONE_HOT, sparse_output=False)
    text = make_pipeline(
        FunctionTransformer(words),
        FeatureHasher(2**14, input_type="string", alternate_sign=False),
        TfidfTransformer(),
        TruncatedSVD(TOPICS, random_state=0),
    )
    parts = [
        ("numbers", make_pipeline(*gap) if gap else "passthrough", numbers),
        ("categories", codes, categories),
        ("times", make_pipeline(FunctionTransformer(calendar), *gap), select("timestamp")),
        *((f"text {name}", text, name) for name in select("text")),
    ]
    return ColumnTransformer([part for part in parts if part[2]], verbose_feature_names_out=False)
