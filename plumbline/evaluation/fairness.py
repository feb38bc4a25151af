"""Fairness: metrics of the groups of protected columns, and the gaps between groups.

Of a binary task these are the rate of positive predictions (selection rate), and that rate among true positives and
among true negatives; of several classes the accuracy; of a regression the mean error (the bias) and the mean absolute
error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from plumbline import paths
from plumbline.bootstrap import LEVEL, Bootstrap, Estimate, interval
from plumbline.evaluation.encoding import decode_estimate, encode, read_file
from plumbline.evaluation.slices import SMALL, Slice, SliceMetrics

MEASURES = {
    "binary": ("selection_rate", "true_positive_rate", "false_positive_rate"),
    "multiclass": ("accuracy",),
    "regression": ("mean_error", "mean_absolute_error"),
}
Group = tuple[Slice, Bootstrap]


@dataclass(frozen=True)
class FairnessGap:
    """The largest difference of a measure between two groups of a protected column."""

    column: str
    measure: str
    levels: tuple[str, str]  # the lower one first
    gap: Estimate

    @classmethod
    def decode(cls, entry: Mapping[str, Any]) -> "FairnessGap":
        """Return a gap from its wire form."""
        low, high = entry["levels"]
        return cls(entry["column"], entry["measure"], (low, high), decode_estimate(entry["gap"]))


@dataclass(frozen=True)
class Fairness:
    """The metrics of the groups of protected columns, and their gaps; "fairness" in metrics/slices.json."""

    groups: Sequence[SliceMetrics]
    gaps: Sequence[FairnessGap]

    @classmethod
    def read(cls) -> "Fairness":
        """Return what metrics/slices.json has."""
        content = read_file(paths.SLICES)["fairness"]
        groups = [SliceMetrics.decode(group) for group in content["groups"]]
        return cls(groups, [FairnessGap.decode(gap) for gap in content["gaps"]])

    def encode(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"groups": [group.encode() for group in self.groups], "gaps": encode(self.gaps)}


def measure_fairness(groups: Sequence[Group]) -> Fairness:
    """Return the measures of each group, and the largest gap between groups that are large enough to judge.

    The largest gap of several groups is large by chance, too: its interval is at the level at which the intervals of
    all pairs hold together (Bonferroni).

    Parameters
    ----------
    groups : sequence of (Slice, Bootstrap)
        The levels of protected columns in the holdout, with the measures of each, all on the same draws; those of a
        column follow each other.
    """
    gaps: list[FairnessGap] = []
    for _, group in groupby(groups, key=lambda group: group[0].column):
        gaps += _largest_gaps([(slice_, metrics) for slice_, metrics in group if len(slice_.rows) >= SMALL])
    return Fairness([SliceMetrics.of(slice_, metrics) for slice_, metrics in groups], gaps)


def _largest_gaps(groups: Sequence[Group]) -> Iterator[FairnessGap]:
    if len(groups) < 2:
        return
    for name in groups[0][1].values:
        candidates = [group for group in groups if not np.isnan(group[1].values[name])]
        if len(candidates) < 2:
            continue
        low, high = (extreme(candidates, key=lambda group: group[1].values[name]) for extreme in (min, max))
        pairs = len(candidates) * (len(candidates) - 1) / 2
        ends = interval(high[1].draws[name] - low[1].draws[name], 1 - (1 - LEVEL) / pairs)
        gap = Estimate(high[1].values[name] - low[1].values[name], *ends)
        yield FairnessGap(low[0].column, name, (low[0].level, high[0].level), gap)
