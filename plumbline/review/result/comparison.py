"""Two sides compared: verdicts and their numbers, and metrics, slices and floors beside them.

All errors are losses, lower is better. Each difference of errors is the base's minus the head's: above 0 the head is
better.
"""

from dataclasses import dataclass
from typing import Literal

Word = Literal["better", "worse", "same", "cannot tell"]
NO_MARGIN = "base is no better than the trivial baseline, so no margin can be derived: set review.margin in params.yaml"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of the tests of one difference. Numbers are null where they cannot be estimated.

    Attributes
    ----------
    word
        The verdict.
    why
        The explanation of the verdict, a sentence.
    difference
        The base's error minus the head's; above 0 the head is better.
    margin
        The smallest difference that matters; 0 where none can be derived.
    low
        Lower end of the difference's interval, whose level is 1 - 2 alpha.
    high
        Upper end of that interval.
    standard_error
        Of the difference.
    degrees_of_freedom
        Of the t distribution.
    p_worse
        p value of the test that the head is worse by more than half the margin.
    p_better
        p value of the test that the head is better by more than half the margin.
    detectable_difference
        The smallest difference that can be detected with a power of 0.8.
    rows_needed
        How many rows it takes to detect a difference as large as the margin with that power.
    """

    word: Word
    why: str
    difference: float
    margin: float
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    degrees_of_freedom: float | None = None
    p_worse: float | None = None
    p_better: float | None = None
    detectable_difference: float | None = None
    rows_needed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The head compared with a reference (the base or a release) by the metric that decides.

    Attributes
    ----------
    metric
        The metric that decides, a loss: lower is better.
    alpha
        Level of the one-sided tests.
    base_error
        The reference's error, the mean over the replicas.
    head_error
        The head's error, the mean over the replicas.
    trivial_error
        The error of the trivial baseline (class shares, median or mean) on these rows.
    rows
        How many rows are compared.
    replicas
        How many seeds and splits of each side.
    verdict
        What the tests say of the difference.
    unpaired_reason
        Why the two sides are evaluated on different rows; null where the rows are the same.
    """

    metric: str
    alpha: float
    base_error: float
    head_error: float
    trivial_error: float
    rows: int
    replicas: int
    verdict: Verdict
    unpaired_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeadOnly:
    """The head's error where there is nothing to compare it with.

    Attributes
    ----------
    metric
        The metric that decides, a loss: lower is better.
    head_error
        The head's error, the mean over the replicas.
    trivial_error
        The error of the trivial baseline on these rows.
    """

    metric: str
    head_error: float
    trivial_error: float


@dataclass(frozen=True, kw_only=True)
class ReleaseComparison:
    """The head compared with the newest release in the base's history.

    Attributes
    ----------
    name
        The release's tag.
    word
        The verdict.
    why
        The explanation of the verdict, a sentence.
    comparison
        The numbers; null where the two are identical or cannot be compared.
    """

    name: str
    word: Word
    why: str
    comparison: Comparison | None = None


@dataclass(frozen=True, kw_only=True)
class SliceComparison:
    """The two sides compared on the rows of a slice.

    Attributes
    ----------
    column
        The column that the slice is cut by.
    level
        The slice's value or range of that column.
    rows
        How many rows the slice has.
    verdict
        What the tests say of these rows alone; its p values are not corrected.
    corrected_p_worse
        p_worse, corrected for the number of slices (Holm).
    is_blocking
        Whether requirements.must_work of the base names the slice and it is worse.
    """

    column: str
    level: str
    rows: int
    verdict: Verdict
    corrected_p_worse: float
    is_blocking: bool


@dataclass(frozen=True, kw_only=True)
class MetricComparison:
    """A metric of both sides, for information: means over the replicas, intervals at 95 %; null stands for NaN.

    Attributes
    ----------
    name
        The metric's name.
    base
        The base's value.
    head
        The head's value.
    difference
        The head's value minus the base's.
    low
        Lower end of the difference's interval; null where the sides have different rows.
    high
        Upper end of that interval.
    head_low
        Lower end of the interval of the head's value.
    head_high
        Upper end of that interval.
    """

    name: str
    base: float | None
    head: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    head_low: float | None = None
    head_high: float | None = None


@dataclass(frozen=True, kw_only=True)
class FloorCheck:
    """A floor of requirements.floors of the base.

    Attributes
    ----------
    metric
        The metric's name.
    floor
        The value that the metric must reach (a loss: must not exceed).
    head
        The head's value.
    is_broken
        Whether the whole interval of the head's value is on the wrong side of the floor.
    """

    metric: str
    floor: float
    head: float | None
    is_broken: bool
