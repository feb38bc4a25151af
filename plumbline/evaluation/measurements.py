"""What evaluate measures, as values, and its wire form: the JSON files in metrics/."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plumbline import paths
from plumbline.evaluation.curves import Point
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
            paths.SLICES: [slice_.encode() for slice_ in self.slices],
            paths.FAIRNESS: self.fairness.encode(),
            paths.WEAK: encode(self.weak_slices),
            paths.RANKING: self.ranking,
            paths.CALIBRATION: self.calibration,
            paths.ERRORS: encode(self.errors),
            paths.IMPORTANCE: encode(self.explanations),
        }

    def write(self) -> None:
        """Write the files in metrics/."""
        for path, content in self.files().items():
            write_json(path, content)

    def round(self) -> "Measurements":
        """Return the same with each number as in the files."""
        measurements: Measurements = round_numbers(self)
        return measurements
