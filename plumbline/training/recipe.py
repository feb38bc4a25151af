"""How a model is fitted: pure functions of rows, schema and parameters.

A review calls them in two commits; `CONTRACT` of plumbline/prediction/fitted_model.py is their version. `rows` is a
frame of features with the columns @target (position in classes, or value) and, where the project has them, @weight,
@group (a number for each group), @time.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from plumbline.data.schema import GROUP, KEY, TARGET, TIME, WEIGHT, Schema, frame, ready, types_of
from plumbline.errors import PlumblineError, user_code_error
from plumbline.keys import Model
from plumbline.prediction.fitted_model import CONTRACT, FittedModel
from plumbline.prediction.scores import steady_threads

Build = Callable[[dict[str, str], Any], Pipeline]
# Of `auto`: without it boosting is so sure of itself on few rows that one bad miss costs more than all it learned.
STEADY = {"l2_regularization": 5.0}
SQUARED = "root_mean_squared_error"  # the one metric of numbers that a mean is best by; by the other it is a median


def make_estimator(params: Model, task: str, *, metric: str, seed: int) -> Any:
    """The unfitted estimator that params name; `auto` is histogram gradient boosting for what the task is judged by."""
    kind: Any = HistGradientBoostingClassifier
    arguments: dict[str, Any] = STEADY | params.arguments
    if params.estimator != "auto":
        kind, arguments = _named(params.estimator), params.arguments
    elif task == "regression":
        loss = "squared_error" if metric == SQUARED else "absolute_error"
        kind, arguments = HistGradientBoostingRegressor, {"loss": loss} | arguments
    try:
        made = kind(**arguments)
        able = (is_regressor if task == "regression" else is_classifier)(made)
    except (TypeError, AttributeError) as error:
        raise PlumblineError(
            f"params.yaml: model.arguments do not fit ({error}). {kind.__name__} takes "
            f"{', '.join(inspect.signature(kind).parameters)}"
        ) from None
    if not able:
        raise PlumblineError(
            f"params.yaml: model.estimator {params.estimator} cannot do a {task} task; name one that can, or auto"
        )
    if "random_state" in made.get_params() and "random_state" not in params.arguments:
        made.set_params(random_state=seed)
    if task != "regression" and not hasattr(made, "predict_proba"):
        return CalibratedClassifierCV(made, ensemble=False)
    return made


def _named(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise PlumblineError(
            f"params.yaml: model.estimator {name} cannot be imported ({error}). Fix the name or install it"
        ) from None
    if not (inspect.isclass(kind) and hasattr(kind, "fit") and hasattr(kind, "get_params")):
        raise PlumblineError(
            f"params.yaml: model.estimator {name} is no scikit-learn estimator; expected a class with fit and predict"
        )
    return kind


def unfitted(
    rows: pd.DataFrame, schema: Schema, params: Model, build: Build, *, metric: str, seed: int
) -> tuple[dict[str, str], Pipeline]:
    """The types of the features that have a value in these rows, and the pipeline for them."""
    types = {name: kind for name, kind in types_of(rows, schema).items() if rows[name].notna().any()}
    if not types:
        raise PlumblineError(
            "data: no feature with a value is left, expected one at least. See the roles in data/schema.json"
        )
    last = make_estimator(params, schema.task, metric=metric, seed=seed)
    try:
        pipeline = build(types, last)
    except Exception as error:
        raise user_code_error("src/model.py", error) from error
    if not isinstance(pipeline, Pipeline):
        raise PlumblineError(f"src/model.py: expected build() to return a Pipeline, found {type(pipeline).__name__}")
    return types, pipeline


def fit(
    rows: pd.DataFrame, schema: Schema, params: Model, build: Build, *, metric: str = "auto", seed: int
) -> FittedModel:
    """The fitted model (see FittedModel) for these rows.

    params: model.estimator, arguments and threshold and review.metric, as in params.yaml; a threshold of "auto" is
        settled by train, here 0.5. build: of src/model.py.
    """
    types, pipeline = unfitted(rows, schema, params, build, metric=metric, seed=seed)
    name, made = pipeline.steps[-1]
    extra = {}
    if WEIGHT in rows:
        taker = getattr(made, "estimator", None) or made  # what is wrapped decides whether weights reach it
        if not has_fit_parameter(taker, "sample_weight"):
            raise PlumblineError(
                f"params.yaml: data.weight is set and {type(taker).__name__} takes no sample_weight. Set it to null"
            )
        extra = {f"{name}__sample_weight": rows[WEIGHT].to_numpy()}
    with steady_threads(len(rows)):
        try:
            pipeline.fit(ready(rows, types), rows[TARGET].to_numpy(), **extra)
        except Exception as error:
            raise PlumblineError(f"model.estimator: {type(made).__name__} raised while fitting: {error}") from error
    # Threads add up in the order in which they end: alone, the same rows get the same bits.
    pipeline.set_params(**{key: None for key in pipeline.get_params() if key.endswith("n_jobs")})
    return FittedModel(
        contract=CONTRACT,
        task=schema.task,
        classes=list(schema.classes),
        positive=schema.positive,
        threshold=params.threshold if schema.task == "binary" and params.threshold != "auto" else 0.5,
        types=types,
        pipeline=pipeline,
    )


def load(table: pa.Table, schema: Schema) -> pd.DataFrame:
    """A part of data/features.parquet as the frame that `fit` takes here."""
    beside = {}
    for name in (KEY, TARGET, WEIGHT, GROUP, TIME):
        if name in table.column_names:
            values = table.column(name).to_pandas()
            beside[name] = pd.factorize(values, use_na_sentinel=False)[0] if name == GROUP else values.to_numpy()
    return pd.concat([frame(table, types_of(table.schema, schema)), pd.DataFrame(beside)], axis=1)
