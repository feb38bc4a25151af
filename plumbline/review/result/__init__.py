"""The result of a review as dataclasses, and its wire form: `Review` is what .review/result.json holds.

docs/review-result.md documents the file. Standard library only: `plumbline comment` runs where nothing is installed.
"""

from plumbline.review.result.changes import (
    Attribution,
    ChangedFiles,
    ColumnChanges,
    DataChanges,
    ExpectationCounts,
    Kind,
    LabelEffect,
    ParameterChange,
    RecipeTrials,
    RowChanges,
    TypeChange,
)
from plumbline.review.result.checks import Acceptance, MetricDifference, PackageCheck, Reason, Rerun, SecondOpinion
from plumbline.review.result.comparison import (
    NO_MARGIN,
    Comparison,
    FloorCheck,
    HeadOnly,
    MetricComparison,
    ReleaseComparison,
    SliceComparison,
    Verdict,
    Word,
)
from plumbline.review.result.figures import Curve, Curves, Importance, Points
from plumbline.review.result.review import SCHEMA_VERSION, AuthorReview, Review
from plumbline.review.result.wire import ResultError, decode, encode

__all__ = [
    "NO_MARGIN",
    "SCHEMA_VERSION",
    "Acceptance",
    "Attribution",
    "AuthorReview",
    "ChangedFiles",
    "ColumnChanges",
    "Comparison",
    "Curve",
    "Curves",
    "DataChanges",
    "ExpectationCounts",
    "FloorCheck",
    "HeadOnly",
    "Importance",
    "Kind",
    "LabelEffect",
    "MetricComparison",
    "MetricDifference",
    "PackageCheck",
    "ParameterChange",
    "Points",
    "Reason",
    "RecipeTrials",
    "ReleaseComparison",
    "Rerun",
    "ResultError",
    "Review",
    "RowChanges",
    "SecondOpinion",
    "SliceComparison",
    "TypeChange",
    "Verdict",
    "Word",
    "decode",
    "encode",
    "loads",
]


def loads(text: str | bytes, *, file: str = "result.json") -> Review:
    """Return the review that a JSON text holds; raise ResultError for a text of another form."""
    return decode(text, Review, file=file)
