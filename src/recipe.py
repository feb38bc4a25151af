"""The contract of a model's making: fit(rows, schema, params, seed) and predict(model, rows), both pure.

A review calls them in two revisions, so the contract has a version (CONTRACT in src/predictor/prediction.py), which
every model carries. rows is a frame of features with the columns @target (position in classes, or value) and, where
the project has them, @weight, @group, @time.
"""

import importlib
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from src import model as user
from src.names import TARGET, WEIGHT
from src.predictor.prediction import CONTRACT, one_blas_thread, predict
from src.predictor.refusal import Refusal
from src.predictor.schema import Schema, ready, types_of

Build = Callable[[dict[str, str], Any], Pipeline]
__all__ = ["CONTRACT", "estimator", "fit", "predict"]


def estimator(params: SimpleNamespace, task: str, seed: int) -> Any:
    """The unfitted estimator that params name; `auto` is histogram gradient boosting for the task."""
    kind: Any = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    if params.estimator != "auto":
        kind = _named(params.estimator)
    accepted = sorted(kind().get_params(deep=False))
    unknown = sorted(set(params.arguments) - set(accepted))
    if unknown:
        raise Refusal(
            f"params.yaml: model.arguments has {unknown[0]}, which {kind.__name__} does not take. "
            f"It takes {', '.join(accepted)}"
        )
    made = kind(**({"random_state": seed} if "random_state" in accepted else {}) | params.arguments)
    if not (is_regressor if task == "regression" else is_classifier)(made):
        raise Refusal(
            f"params.yaml: model.estimator {params.estimator} cannot do a {task} task; name one that can, or auto"
        )
    if task != "regression" and not hasattr(made, "predict_proba"):
        return CalibratedClassifierCV(made, ensemble=False)
    return made


def _named(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Refusal(
            f"params.yaml: model.estimator {name} cannot be imported ({error}). Mend the name or install it"
        ) from None
    if not (inspect.isclass(kind) and hasattr(kind, "fit") and hasattr(kind, "get_params")):
        raise Refusal(
            f"params.yaml: model.estimator {name} is no scikit-learn estimator; expected a class with fit and predict"
        )
    return kind


def fit(
    rows: pd.DataFrame, schema: Schema, params: SimpleNamespace, seed: int, build: Build = user.build
) -> dict[str, Any]:
    """The fitted model (see prediction.py) for these rows.

    params: estimator, arguments and threshold, as in params.yaml; a threshold of "auto" is settled by train, here 0.5.
    """
    types = types_of(rows, schema)
    if not types:
        raise Refusal(
            f"data: no feature is left of {len(schema.columns)} columns; expected one at least. See data/schema.json"
        )
    made = estimator(params, schema.task, seed)
    pipeline = build(types, made)
    extra = {}
    if WEIGHT in rows:
        if not has_fit_parameter(made, "sample_weight"):
            raise Refusal(
                f"params.yaml: data.weight is set and {type(made).__name__} takes no sample_weight. Set it to null"
            )
        extra = {f"{pipeline.steps[-1][0]}__sample_weight": rows[WEIGHT].to_numpy()}
    with one_blas_thread():
        try:
            pipeline.fit(ready(rows, types), rows[TARGET].to_numpy(), **extra)
        except (ValueError, TypeError) as error:
            raise Refusal(f"model.estimator: {type(made).__name__} raised while fitting: {error}") from error
    return {
        "contract": CONTRACT,
        "task": schema.task,
        "classes": list(schema.classes),
        "positive": schema.positive,
        "threshold": params.threshold if schema.task == "binary" and params.threshold != "auto" else 0.5,
        "types": types,
        "pipeline": pipeline,
    }
