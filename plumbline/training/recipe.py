"""How a model is fitted: pure functions of rows, schema and parameters, which a review calls for two commits."""

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

from plumbline.data.schema import GROUP, KEY, TARGET, TIME, WEIGHT, Schema, feature_types, to_estimator_input, to_frame
from plumbline.errors import ModelError, ParamsError, TableError, UserCodeError, user_code_error
from plumbline.keys import Model
from plumbline.prediction.fitted_model import CONTRACT, FittedModel
from plumbline.prediction.predictions import limit_threads

Build = Callable[[dict[str, str], Any], Pipeline]
# Of `auto`: without it boosting is so sure of itself on few rows that one bad miss costs more than all it learned.
STEADY = {"l2_regularization": 5.0}
SQUARED = "root_mean_squared_error"  # the one metric of numbers that a mean is best by; by the other it is a median


def make_estimator(params: Model, task: str, *, metric: str, seed: int) -> Any:
    """Return the unfitted estimator of model.estimator.

    Parameters
    ----------
    params : Model
        `auto` is histogram gradient boosting.
    task : str
        binary, multiclass or regression.
    metric : str
        review.metric: the automatic regressor minimizes its error.
    seed : int
        The random state, unless model.arguments has one.

    Raises
    ------
    ParamsError
        Where the estimator cannot be imported, does not take the arguments, or is for another task.
    """
    kind: Any = HistGradientBoostingClassifier
    arguments: dict[str, Any] = STEADY | params.arguments
    if params.estimator != "auto":
        kind, arguments = _import_estimator(params.estimator), params.arguments
    elif task == "regression":
        loss = "squared_error" if metric == SQUARED else "absolute_error"
        kind, arguments = HistGradientBoostingRegressor, {"loss": loss} | arguments
    try:
        estimator = kind(**arguments)
        is_able = (is_regressor if task == "regression" else is_classifier)(estimator)
    except (TypeError, AttributeError) as error:
        names = ", ".join(inspect.signature(kind).parameters)
        message = f"params.yaml: model.arguments do not fit ({error}). {kind.__name__} takes {names}"
        raise ParamsError(message, hint="Use only these names in model.arguments") from None
    if not is_able:
        message = f"params.yaml: model.estimator {params.estimator} cannot do a {task} task"
        raise ParamsError(message, hint="Set model.estimator to one that can, or to auto")
    if "random_state" in estimator.get_params() and "random_state" not in params.arguments:
        estimator.set_params(random_state=seed)
    if task != "regression" and not hasattr(estimator, "predict_proba"):
        return CalibratedClassifierCV(estimator, ensemble=False)
    return estimator


def _import_estimator(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"params.yaml: model.estimator {name} cannot be imported ({error})"
        raise ParamsError(
            message, hint="Correct the name, or add its package to pyproject.toml and run make lock setup"
        ) from None
    if not (inspect.isclass(kind) and hasattr(kind, "fit") and hasattr(kind, "get_params")):
        message = f"params.yaml: model.estimator {name} is not a scikit-learn estimator"
        raise ParamsError(message, hint="Name a class with fit and predict, such as sklearn.linear_model.Ridge")
    return kind


def build_pipeline(
    rows: pd.DataFrame, schema: Schema, params: Model, build: Build, *, metric: str, seed: int
) -> tuple[dict[str, str], Pipeline]:
    """Return the types of the features that have a value in these rows, and the unfitted pipeline for them.

    Raises
    ------
    TableError
        Where no feature has a value.
    UserCodeError
        Where build() of src/model.py raises an error, or returns no pipeline.
    ParamsError
        See `make_estimator`.
    """
    types = {name: kind for name, kind in feature_types(rows, schema).items() if rows[name].notna().any()}
    if not types:
        message = "data: no feature with a value is left, expected at least one"
        raise TableError(message, hint="Add a column that has values; data/schema.json has the roles of all columns")
    estimator = make_estimator(params, schema.task, metric=metric, seed=seed)
    try:
        pipeline = build(types, estimator)
    except Exception as error:
        raise user_code_error("src/model.py", error) from error
    if not isinstance(pipeline, Pipeline):
        message = f"src/model.py: expected build() to return a Pipeline, found {type(pipeline).__name__}"
        raise UserCodeError(message, hint="Return sklearn.pipeline.Pipeline([...])")
    return types, pipeline


def fit(
    rows: pd.DataFrame, schema: Schema, params: Model, build: Build, *, metric: str = "auto", seed: int
) -> FittedModel:
    """Fit a model.

    Parameters
    ----------
    rows : DataFrame
        As of `read_rows`: features, and beside them @target and, where the project has it, @weight.
    schema : Schema
    params : Model
        estimator, arguments and threshold. The threshold "auto" is 0.5 here: train chooses it afterwards.
    build : callable
        build() of src/model.py.
    metric : str
        review.metric.
    seed : int

    Returns
    -------
    FittedModel

    Raises
    ------
    ParamsError
        Where the estimator takes no weights and data.weight is set; and see `make_estimator`.
    ModelError
        Where the estimator raises an error.
    """
    types, pipeline = build_pipeline(rows, schema, params, build, metric=metric, seed=seed)
    name, estimator = pipeline.steps[-1]
    arguments = {f"{name}__sample_weight": rows[WEIGHT].to_numpy()} if WEIGHT in rows else {}
    if arguments:
        taker = getattr(estimator, "estimator", None) or estimator  # what is wrapped decides whether weights reach it
        if not has_fit_parameter(taker, "sample_weight"):
            message = f"params.yaml: data.weight is set and {type(taker).__name__} takes no sample_weight"
            raise ParamsError(message, hint="Set data.weight: null, or choose an estimator that takes weights")
    with limit_threads(len(rows)):
        try:
            pipeline.fit(to_estimator_input(rows, types), rows[TARGET].to_numpy(), **arguments)
        except Exception as error:
            message = f"model.estimator: {type(estimator).__name__} raised while fitting: {error}"
            raise ModelError(message, hint="Change model.arguments or src/model.py") from error
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


def read_rows(table: pa.Table, schema: Schema) -> pd.DataFrame:
    """Return a part of data/features.parquet as the frame that `fit` takes.

    Returns
    -------
    DataFrame
        The features, and beside them @key, @target (a position in the classes, or a value) and, where the project has
        them, @weight, @group (a number for each group) and @time.
    """
    beside = {}
    for name in (KEY, TARGET, WEIGHT, GROUP, TIME):
        if name in table.column_names:
            values = table.column(name).to_pandas()
            beside[name] = pd.factorize(values, use_na_sentinel=False)[0] if name == GROUP else values.to_numpy()
    return pd.concat([to_frame(table, feature_types(table.schema, schema)), pd.DataFrame(beside)], axis=1)
