"""YOURS: the pipeline that is fitted. What is learned from rows (imputation, encoding, scaling) is learned here."""

from typing import Any

from sklearn.pipeline import Pipeline

from plumbline.columns import columns

# Types of other libraries that a fitted model of yours is made of, as "module.Class": read them, then list them here.
TRUSTED: tuple[str, ...] = ()


def build(types: dict[str, str], estimator: Any) -> Pipeline:
    """The unfitted pipeline.

    types: each feature's type (integer, number, boolean, category, text, timestamp), as settled in data/schema.json.
    estimator: unfitted, from model.estimator, model.arguments and model.seed in params.yaml.
    """
    return Pipeline([("columns", columns(types, estimator)), ("estimator", estimator)])
