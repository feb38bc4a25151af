"""A fitted pipeline with what is needed to turn its output into predictions."""

from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

CONTRACT = 1  # version of the fields below and of what `fit` takes


@dataclass(frozen=True)
class FittedModel:
    """A fitted pipeline and its task; data/model.skops holds its fields.

    Attributes
    ----------
    contract : int
        The version of these fields.
    task : str
        binary, multiclass or regression.
    classes : list
        Of a classification, in the order of the probabilities; empty for a regression.
    positive : object
        The positive class of a binary task.
    threshold : float
        The probability of the positive class from which on it is predicted.
    types : dict
        The type of each feature, in the order of the pipeline's columns.
    pipeline : Pipeline
        Fitted on positions in `classes`, or on values.
    """

    contract: int
    task: str
    classes: list[Any]
    positive: Any
    threshold: float
    types: dict[str, str]
    pipeline: Pipeline

    @property
    def estimator(self) -> Any:
        """The last step of the pipeline."""
        return self.pipeline.steps[-1][1]

    @property
    def positive_index(self) -> int:
        """The position of the positive class in `classes`; 1 where there is none."""
        return self.classes.index(self.positive) if self.task == "binary" else 1
