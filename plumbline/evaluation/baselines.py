"""What a model must beat: a plain linear model, and one that learns nothing but the target."""

from typing import Any

from plumbline.evaluation.advice import LINEAR
from plumbline.keys import Model
from plumbline.metrics import main_metric


def baselines(metric: str, task: str) -> dict[str, Model]:
    """What the recipe takes for a plain linear model, and for the class shares, the median or the mean.

    metric: review.metric; the mean is trivial where the squared error decides, the median where the absolute one does.
    """
    is_number = task == "regression"
    constant = "mean" if main_metric(metric, task) == "root_mean_squared_error" else "median"
    trivial = ("Regressor", constant) if is_number else ("Classifier", "prior")
    return {
        "linear": parameters(*LINEAR[is_number]),
        "trivial": parameters(f"sklearn.dummy.Dummy{trivial[0]}", {"strategy": trivial[1]}),
    }


def parameters(estimator: str = "auto", arguments: dict[str, Any] | None = None) -> Model:
    """What the recipe takes for a model beside the project's own: no threshold of the user's is in it."""
    return Model(estimator=estimator, arguments=arguments or {}, threshold=0.5)
