"""From typed columns to the numbers that an estimator takes, built from the schema's types and guessing nothing."""

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
    """Times as seconds since 1970, year, month, day, weekday and hour; NaN where missing."""
    made = []
    for name in frame:
        made.append((frame[name] - pd.Timestamp(0).as_unit("us")) / pd.Timedelta(seconds=1))
        made += [getattr(frame[name].dt, part) for part in ("year", "month", "day", "day_of_week", "hour")]
    return np.column_stack(made).astype(float)


def words(column: pd.Series) -> pd.Series:
    """The words of free text, none where it is missing."""
    return column.fillna("").str.lower().str.findall(r"\w\w+")


def default(types: dict[str, str], estimator: Any) -> Pipeline:
    """The pipeline of src/model.py as it is delivered; the baselines use it whatever becomes of that file."""
    return Pipeline([("columns", columns(types, estimator)), ("estimator", estimator)])


def columns(types: dict[str, str], estimator: Any) -> ColumnTransformer:
    """The transformer in front of `estimator`, in the order numbers, categories, times, texts.

    Histogram boosting has its own way with gaps and categories: it gets numbers as they are and categories as codes,
    the rarest sharing one, levels not seen in fitting as gaps. Every other estimator gets medians for gaps (with a
    flag), one unit of scale, and a column for each frequent level and one for the others.
    """

    def of(*kinds: str) -> list[str]:
        return [name for name, kind in types.items() if kind in kinds]

    numbers, categories = of("integer", "number", "boolean"), of("category")
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
        ("times", make_pipeline(FunctionTransformer(calendar), *gap), of("timestamp")),
        *((f"text {name}", text, name) for name in of("text")),
    ]
    return ColumnTransformer([part for part in parts if part[2]], verbose_feature_names_out=False)
