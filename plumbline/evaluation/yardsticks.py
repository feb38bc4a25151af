"""What a model must beat, and what to try where it does not."""

from types import SimpleNamespace
from typing import Any

import yaml

from plumbline.metrics import main_metric

AGAINST = "against the {} model"  # the rule of evaluate's findings
LINEAR: dict[bool, tuple[str, dict[str, Any]]] = {  # by whether numbers are predicted
    False: ("sklearn.linear_model.LogisticRegression", {"max_iter": 1000}),
    True: ("sklearn.linear_model.Ridge", {}),
}
# Where a signal is weak, boosting as it comes learns mostly noise: 100 trees of up to 31 leaves, each step 0.1.
CAUTIOUS: tuple[str, dict[str, Any]] = ("auto", {"learning_rate": 0.03, "max_leaf_nodes": 4})


def yardsticks(metric: str, task: str) -> dict[str, SimpleNamespace]:
    """What the recipe takes for a plain linear model, and for the class shares, the median or the mean.

    metric: review.metric; the mean is trivial where the squared error decides, the median where the absolute one does.
    """
    is_number = task == "regression"
    constant = "mean" if main_metric(metric, task) == "root_mean_squared_error" else "median"
    trivial = ("Regressor", constant) if is_number else ("Classifier", "prior")
    return {
        "linear": parameters(*LINEAR[is_number], metric=metric),
        "trivial": parameters(f"sklearn.dummy.Dummy{trivial[0]}", {"strategy": trivial[1]}, metric=metric),
    }


def parameters(
    estimator: str = "auto", arguments: dict[str, Any] | None = None, metric: str = "auto"
) -> SimpleNamespace:
    """What the recipe takes for a model beside the project's own: no threshold of the user's is in it."""
    return SimpleNamespace(estimator=estimator, arguments=arguments or {}, threshold=0.5, metric=metric)


def advise(findings: list[dict[str, Any]], model: dict[str, Any], estimator: str, arguments: dict) -> list[str]:
    """Lines that say what to try where a model is no better than trivial or worse than linear, two of them to paste.

    findings, model: of the last evaluate, as metrics/checks-evaluate.json and metrics/metrics.json have them;
    estimator, arguments: model.estimator and model.arguments of its parameters.
    """
    counts = {finding["rule"]: finding["counts"] for finding in findings}
    trivial, linear = (
        {key: value or 0.0 for key, value in counts[AGAINST.format(name)].items()} for name in ("trivial", "linear")
    )
    if trivial["low"] > 0 and linear["high"] >= 0:
        return []
    plain = LINEAR[model["task"] == "regression"]
    built = estimator.rpartition(".")[2] if estimator != "auto" else "HistGradientBoosting"
    if not model["estimator"].startswith((built, "CalibratedClassifierCV")):
        return ["Try src/model.py as it was delivered: its build() makes a model of its own, whatever params.yaml says"]
    if linear["gain"] < min(0, trivial["gain"]):
        return _lines("the linear model, which is better here", *plain)
    if estimator != plain[0] and (estimator, arguments) != CAUTIOUS:
        return _lines("a more cautious model, for a weak signal", *CAUTIOUS)
    return ["Try other features (docs/your-features.md) or more rows: notebooks/explore.py shows where the model fails"]


def _lines(what: str, estimator: str, arguments: dict[str, Any]) -> list[str]:
    written = yaml.safe_dump(arguments, default_flow_style=True).strip()
    return [
        f"Try {what}. In params.yaml, under model, instead of the two lines there:",
        f"  estimator: {estimator}",
        f"  arguments: {written}",
    ]
