"""The metrics of the model and of the baselines on the holdout: metrics.json and three files beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plumbline import paths
from plumbline.bootstrap import Estimate
from plumbline.evaluation.encoding import decode_estimate, encode, read_file

BASELINE_FILES = {"linear": paths.LINEAR, "trivial": paths.TRIVIAL}


@dataclass(frozen=True)
class Facts:
    """The first lines of metrics/metrics.json; positive and threshold are None unless the task is binary."""

    task: str
    estimator: str
    rows_train: int
    rows_holdout: int
    positive: str | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Performance:
    """The metrics of the model and of the baselines on the holdout.

    Attributes
    ----------
    facts : Facts
    models : mapping of str to mapping of str to Estimate
        For "model", "linear" and "trivial" each metric with its interval.
    """

    facts: Facts
    models: Mapping[str, Mapping[str, Estimate]]

    @property
    def first_metric(self) -> str:
        """The metric by which slices are ordered."""
        return next(iter(self.models["model"]))

    @classmethod
    def read(cls) -> "Performance":
        """Return what metrics/metrics.json, intervals.json and the files of the baselines have."""
        intervals, model = read_file(paths.INTERVALS), read_file(paths.METRICS)
        values = {"model": model} | {name: read_file(path) for name, path in BASELINE_FILES.items()}
        models = {
            name: {metric: decode_estimate([values[name][metric], *ends[name]]) for metric, ends in intervals.items()}
            for name in values
        }
        return cls(Facts(**{name: value for name, value in model.items() if name not in intervals}), models)

    def files(self) -> dict[str, Any]:
        """Return the wire form: the content of each file."""
        values = {name: {metric: e.value for metric, e in model.items()} for name, model in self.models.items()}
        metrics = self.models["model"]
        return {
            paths.METRICS: encode(self.facts) | values["model"],
            **{path: values[name] for name, path in BASELINE_FILES.items()},
            paths.INTERVALS: {
                metric: {name: [model[metric].low, model[metric].high] for name, model in self.models.items()}
                for metric in metrics
            },
        }
