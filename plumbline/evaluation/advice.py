"""What to try where a model is no better than its baselines."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from plumbline.findings import Finding, Kind

BASELINES = {"trivial": Kind.TRIVIAL_BASELINE, "linear": Kind.LINEAR_BASELINE}
Setting = tuple[str, dict[str, Any]]  # model.estimator and model.arguments
LINEAR: dict[bool, Setting] = {  # by whether the task is a regression
    False: ("sklearn.linear_model.LogisticRegression", {"max_iter": 1000}),
    True: ("sklearn.linear_model.Ridge", {}),
}
# With the default arguments (100 trees of up to 31 leaves, learning rate 0.1) boosting overfits a weak signal.
CAUTIOUS: Setting = ("auto", {"learning_rate": 0.03, "max_leaf_nodes": 4})
_OWN_MODEL = "Try src/model.py as it was delivered: its build() makes a model of its own, whatever params.yaml says"
_MORE_DATA = (
    "Try other features (plumbline docs your-features) or more rows: notebooks/explore.py shows where the model fails"
)


def advise(
    findings: Sequence[Finding], *, task: str, fitted_estimator: str, estimator: str, arguments: Mapping[str, Any]
) -> list[str]:
    """Return lines that say what to try where a model is no better than trivial, or worse than linear.

    Parameters
    ----------
    findings : list of Finding
        Of the last run of evaluate.
    task, fitted_estimator : str
        The task, and the class of the estimator that was evaluated, as in metrics/metrics.json.
    estimator, arguments
        model.estimator and model.arguments of that run.

    Returns
    -------
    list of str
        Empty where there is nothing to advise. Two of three lines can be pasted into params.yaml.
    """
    counts = {finding.kind: finding.counts for finding in findings}
    trivial, linear = ({key: value or 0.0 for key, value in counts[kind].items()} for kind in BASELINES.values())
    if trivial["low"] > 0 and linear["high"] >= 0:
        return []
    linear_setting = LINEAR[task == "regression"]
    class_name = estimator.rpartition(".")[2] if estimator != "auto" else "HistGradientBoosting"
    if not fitted_estimator.startswith((class_name, "CalibratedClassifierCV")):
        return [_OWN_MODEL]
    if linear["gain"] < min(0, trivial["gain"]):
        return _propose("the linear model, which is better here", linear_setting)
    if estimator != linear_setting[0] and (estimator, arguments) != CAUTIOUS:
        return _propose("a more cautious model, for a weak signal", CAUTIOUS)
    return [_MORE_DATA]


def _propose(what: str, setting: Setting) -> list[str]:
    estimator, arguments = setting
    return [
        f"Try {what}. In params.yaml, under model, instead of the two lines there:",
        f"  estimator: {estimator}",
        f"  arguments: {yaml.safe_dump(arguments, default_flow_style=True).strip()}",
    ]
