"""What the figures of a review show."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Points:
    """The points of a line; null stands for NaN.

    Attributes
    ----------
    x
        Horizontal coordinates.
    y
        Vertical coordinates, as many.
    """

    x: tuple[float | None, ...]
    y: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve of both sides, of the first replica.

    Attributes
    ----------
    x_label
        What the horizontal axis shows.
    y_label
        What the vertical axis shows.
    base
        The base's points.
    head
        The head's points.
    """

    x_label: str
    y_label: str
    base: Points
    head: Points


@dataclass(frozen=True, kw_only=True)
class Curves:
    """The two curves of a review.

    Attributes
    ----------
    ranking
        The ROC curve; of a regression the share of rows within an error.
    calibration
        What is observed against what is predicted.
    """

    ranking: Curve
    calibration: Curve | None = None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """Permutation importance in the committed run of each side.

    Attributes
    ----------
    base
        Of each feature of the base, how much the loss grows when it is shuffled.
    head
        The same of the head.
    """

    base: Mapping[str, float]
    head: Mapping[str, float]
