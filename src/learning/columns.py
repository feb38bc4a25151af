"""From typed columns to the numbers that an estimator takes, built from the schema's types and guessing nothing."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

LEVELS = 254  # histogram boosting tells at most 255 categories apart; rarer ones share a code
ONE_HOT = 50
TOPICS = 20
NUMBERS = ("integer", "number", "boolean")


def calendar(frame: pd.DataFrame) -> np.ndarray:
    """Times as seconds since 1970, year, month, day, weekday and hour; NaN where missing."""
    made = []
    for name in frame.columns:
        times = frame[name].dt
        parts = [getattr(times, part) for part in ("year", "month", "day", "weekday", "hour")]
        seconds = (frame[name] - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
        made += [part.to_numpy(dtype=float) for part in (seconds, *parts)]
    return np.column_stack(made)


def words(column: pd.Series) -> np.ndarray:
    """Free text, with nothing where it is missing."""
    return column.fillna("").to_numpy(dtype=object)


def takes_gaps(estimator: Any) -> bool:
    """True for histogram boosting, which has its own way with missing values and categories."""
    return type(estimator).__name__.startswith("HistGradientBoosting")


def default(types: dict[str, str], estimator: Any) -> Pipeline:
    """The pipeline of src/model.py as it is delivered; the yardsticks use it whatever becomes of that file."""
    return Pipeline([("columns", columns(types, estimator)), ("estimator", estimator)])


def columns(types: dict[str, str], estimator: Any) -> ColumnTransformer:
    """The transformer in front of `estimator`, in the order numbers, categories, times, texts.

    Histogram boosting gets numbers as they are and categories as codes; every other estimator gets medians for gaps
    (with a flag), one unit of scale, and a column for each frequent level. Levels not seen in fitting count as rare.
    """
    numbers = [name for name, kind in types.items() if kind in NUMBERS]
    categories = [name for name, kind in types.items() if kind == "category"]
    times = [name for name, kind in types.items() if kind == "timestamp"]
    if takes_gaps(estimator):
        gap: Any = "passthrough"
        codes: Any = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
            max_categories=LEVELS,
        )
        estimator.set_params(categorical_features=list(range(len(numbers), len(numbers) + len(categories))) or None)
    else:
        gap = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
        )
        codes = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=ONE_HOT, sparse_output=False)
    clock = FunctionTransformer(calendar)
    text = make_pipeline(
        FunctionTransformer(words),
        HashingVectorizer(n_features=2**14, alternate_sign=False),
        TfidfTransformer(),
        TruncatedSVD(TOPICS, random_state=0),
    )
    parts: list[tuple[str, Any, Any]] = [("numbers", gap, numbers), ("categories", codes, categories)]
    parts.append(
        (
            "times",
            clock if takes_gaps(estimator) else make_pipeline(clock, *[s for _, s in getattr(gap, "steps", [])]),
            times,
        )
    )
    parts += [(f"text {name}", text, name) for name, kind in types.items() if kind == "text"]
    return ColumnTransformer([part for part in parts if part[2]], verbose_feature_names_out=False)
