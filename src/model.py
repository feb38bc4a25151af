"""YOURS: the model. Everything that is learned from rows (imputation, encoding, scaling) is part of this pipeline."""

from typing import Any

from sklearn.pipeline import Pipeline

from plumbline.columns import columns

# Types of other libraries in your fitted model, as "module.Class". Read their code before you list them here.
TRUSTED: tuple[str, ...] = ()


def build(types: dict[str, str], estimator: Any) -> Pipeline:
    """Return the pipeline, not yet fitted.

    `types` has the type of each feature (integer, number, boolean, category, text, timestamp), as in data/schema.json.
    `estimator` is not fitted; it is made from model.estimator, model.arguments and model.seed of params.yaml.
    """
    return Pipeline([("columns", columns(types, estimator)), ("estimator", estimator)])
