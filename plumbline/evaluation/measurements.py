"""What evaluate measures, as values, and its wire form: the JSON files in metrics/."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plumbline import paths
from plumbline.evaluation.curves import CALIBRATION_FIELDS, RANKING_FIELDS, Point, encode_curve
from plumbline.evaluation.encoding import encode, round_numbers
from plumbline.evaluation.error_analysis import ClassErrors, RegressionErrors
from plumbline.evaluation.fairness import Fairness
from plumbline.evaluation.importance import Explanations
from plumbline.evaluation.performance import Performance
from plumbline.evaluation.slices import SliceMetrics
from plumbline.evaluation.weak_slices import WeakSlice
from plumbline.files import write_json


@dataclass(frozen=True)
class Measurements:
    """Everything that evaluate measures."""

    performance: Performance
    slices: Sequence[SliceMetrics]
    weak_slices: Sequence[WeakSlice]
    fairness: Fairness
    ranking: Sequence[Point]
    calibration: Sequence[Point]
    errors: ClassErrors | RegressionErrors
    explanations: Explanations

    def files(self) -> dict[str, Any]:
        """Return the wire form: the content of each file."""
        return self.performance.files() | {
            paths.SLICES: {
                "slices": [slice_.encode() for slice_ in self.slices],
                "weak_slices": encode(self.weak_slices),
                "fairness": self.fairness.encode(),
            },
            paths.CURVES: {
                "ranking": encode_curve(self.ranking, RANKING_FIELDS),
                "calibration": encode_curve(self.calibration, CALIBRATION_FIELDS),
            },
            paths.DIAGNOSTICS: {"errors": encode(self.errors), "explanations": encode(self.explanations)},
        }

    def write(self) -> None:
        """Write the files in metrics/."""
        for path, content in self.files().items():
            write_json(path, content, depth=2)

    def round(self) -> "Measurements":
        """Return the same with each number as in the files."""
        measurements: Measurements = round_numbers(self)
        return measurements
