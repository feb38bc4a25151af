"""What to try where a model is no better than its baselines."""

from typing import Any

import yaml

from plumbline.findings import Finding, Kind

BASELINES = {"trivial": Kind.TRIVIAL_BASELINE, "linear": Kind.LINEAR_BASELINE}
LINEAR: dict[bool, tuple[str, dict[str, Any]]] = {  # by whether numbers are predicted
    False: ("sklearn.linear_model.LogisticRegression", {"max_iter": 1000}),
    True: ("sklearn.linear_model.Ridge", {}),
}
# Where a signal is weak, boosting as it comes learns mostly noise: 100 trees of up to 31 leaves, each step 0.1.
CAUTIOUS: tuple[str, dict[str, Any]] = ("auto", {"learning_rate": 0.03, "max_leaf_nodes": 4})


def advise(findings: list[Finding], model: dict[str, Any], estimator: str, arguments: dict) -> list[str]:
    """Lines that say what to try where a model is no better than trivial or worse than linear, two of them to paste.

    findings, model: of the last evaluate, as metrics/checks-evaluate.json and metrics/metrics.json have them;
    estimator, arguments: model.estimator and model.arguments of its parameters.
    """
    counts = {finding.kind: finding.counts for finding in findings}
    trivial, linear = ({key: value or 0.0 for key, value in counts[kind].items()} for kind in BASELINES.values())
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
