"""The two baselines, a plain linear model and one that learns the target's distribution alone, and the comparison."""

from collections.abc import Mapping
from typing import Any

from plumbline.bootstrap import Bootstrap, interval
from plumbline.evaluation.advice import BASELINES, LINEAR
from plumbline.findings import Findings, Severity
from plumbline.formatting import short
from plumbline.keys import Model
from plumbline.metrics import lower_is_better, main_metric


def baseline_settings(metric: str, task: str) -> dict[str, Model]:
    """Return the settings of the linear and of the trivial baseline.

    The trivial baseline predicts the class shares, or of a regression the constant that minimizes the main metric: the
    mean for the squared error, the median for the absolute error.

    Parameters
    ----------
    metric : str
        review.metric.
    task : str
    """
    is_regression = task == "regression"
    constant = "mean" if main_metric(metric, task) == "root_mean_squared_error" else "median"
    name, strategy = ("Regressor", constant) if is_regression else ("Classifier", "prior")
    return {
        "linear": model_settings(*LINEAR[is_regression]),
        "trivial": model_settings(f"sklearn.dummy.Dummy{name}", {"strategy": strategy}),
    }


def model_settings(estimator: str = "auto", arguments: dict[str, Any] | None = None) -> Model:
    """Return the settings of a model that is not the project's own: the user's threshold is not in them."""
    return Model(estimator=estimator, arguments=arguments or {}, threshold=0.5)


def compare_with_baselines(models: Mapping[str, Bootstrap], metric: str, findings: Findings) -> None:
    """Add a finding for each baseline: whether the model is clearly better, by the paired difference of a metric.

    Parameters
    ----------
    models : mapping
        The metrics of "model", "linear" and "trivial" on the same draws.
    metric : str
    findings : Findings
    """
    sign = 1 if lower_is_better(metric) else -1
    model = models["model"]
    for name, kind in BASELINES.items():
        baseline = models[name]
        gain = sign * (baseline.values[metric] - model.values[metric])
        low, high = interval(sign * (baseline.draws[metric] - model.draws[metric]))
        difference = _describe_difference(gain, low, high, sign)
        findings.add(
            kind,
            f"the model {_judge(low, high)} the {name} baseline: {metric} is {difference}",
            Severity.NOTE if name == "linear" or low > 0 else Severity.WARNING,
            gain=gain,
            low=low,
            high=high,
        )


def _judge(low: float, high: float) -> str:
    return (
        "is clearly better than" if low > 0 else "is clearly worse than" if high < 0 else "is not clearly better than"
    )


def _describe_difference(gain: float, low: float, high: float, sign: int) -> str:
    """Return the difference as people read it: positive as the sentence says, which sign is better where it is open."""
    direction = "lower" if (gain >= 0) == (sign > 0) else "higher"
    ends = (low, high) if gain >= 0 else (-high, -low)
    open_sign = f"; below 0 the model is {'worse' if gain >= 0 else 'better'}" if low <= 0 <= high else ""
    interval_text = f"95 % interval of the difference: {short(ends[0])} to {short(ends[1])}{open_sign}"
    return f"{short(abs(gain))} {direction} ({interval_text})"
