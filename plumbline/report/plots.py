"""The figures of the report: SVG that takes its text colour from the page, with the same bytes for the same numbers."""

import io
import re
from collections.abc import Callable, Sequence
from math import isnan
from typing import Any, TypeGuard

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plumbline.evaluation.curves import Point
from plumbline.evaluation.error_analysis import ThresholdMetrics

# Okabe and Ito (2008): colour-blind readers can distinguish them, on white and on black.
MODEL, LINEAR, TRIVIAL, ACCENT = "#0072b2", "#e69f00", "#999999", "#d55e00"
COLOURS = {"model": MODEL, "linear": LINEAR, "trivial": TRIVIAL}
INK = "#010203"  # replaced by the page's own text colour
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
# In inches. The page scales a figure to its own width: at these widths the text is legible on a phone, too.
WIDTH = 4.6
SIZE, SMALL_SIZE = (WIDTH, 3.2), (3.2, 2.2)
MAX_LABEL = 30  # characters
MAX_BARS = 15
MAX_MARKERS = 30
Numbers = Sequence[float | None]  # a value and the ends of its interval, such as an Estimate


def render_svg(name: str, draw: Callable[..., None], *arguments: Any, size: tuple[float, float] = SIZE) -> str:
    """Return a figure as SVG.

    Parameters
    ----------
    name : str
        Makes the ids in the SVG unique in the page.
    draw : callable
        Is called with the axes and the arguments.
    size : (float, float)
        Width and height in inches.
    """
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        figure, buffer = Figure(figsize=size), io.StringIO()  # without pyplot, which no figure without a window needs
        draw(figure.subplots(), *arguments)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()[buffer.getvalue().index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="presentation"', text, count=1)
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


def bars_size(lines: int) -> tuple[float, float]:
    """Return the size of a figure with this many lines."""
    return WIDTH, 0.9 + 0.28 * lines


def shorten(name: str, length: int = MAX_LABEL) -> str:
    """Return a label without its middle where it is too long for a figure.

    Examples
    --------
    >>> shorten("short"), shorten("a" * 20 + "b" * 20)
    ('short', 'aaaaaaaaaaaaaa…bbbbbbbbbbbbbbb')
    """
    words = " ".join(name.split())
    return words if len(words) <= length else f"{words[: (length - 1) // 2]}…{words[-(length // 2) :]}"


def draw_intervals(axis: Axes, models: dict[str, Numbers], label: str) -> None:
    """Draw one metric of the model and of the baselines, with intervals."""
    for place, (name, numbers) in enumerate(reversed(models.items())):
        _draw_interval(axis, place, numbers, color=COLOURS[name], linewidth=3, markersize=8)
    axis.set_yticks(range(len(models)), [*reversed(models)])
    axis.set_ylim(-0.6, len(models) - 0.4)
    axis.locator_params(axis="x", nbins=4)  # five-digit numbers would touch each other
    axis.set_xlabel(label)


def draw_bars(
    axis: Axes, rows: Sequence[tuple[tuple[str, ...], Numbers]], label: str, line: float | None = None
) -> None:
    """Draw values with intervals, the first on top, and a dashed line at a reference value.

    Parameters
    ----------
    axis : Axes
    rows : sequence of (lines, numbers)
        The lines of a label, and a value with the ends of its interval.
    label : str
        Of the values.
    line : float, optional
        The reference value.
    """
    for place, (_, numbers) in enumerate(reversed(rows)):
        _draw_interval(axis, place, numbers, color=MODEL, linewidth=2)
    if line is not None:
        axis.axvline(line, color=ACCENT, linestyle="--", linewidth=1)
    axis.set_yticks(range(len(rows)), ["\n".join(map(shorten, lines)) for lines, _ in reversed(rows)])
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.set_xlabel(label)


def _draw_interval(
    axis: Axes, place: int, numbers: Numbers, *, color: str, linewidth: float, markersize: float | None = None
) -> None:
    value, low, high = numbers
    if _is_number(value) and _is_number(low) and _is_number(high):
        axis.plot([low, high], [place, place], color=color, linewidth=linewidth, solid_capstyle="butt")
    if _is_number(value):
        axis.plot(value, place, "o", color=color, markersize=markersize)


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and not isnan(value)


def draw_curve(axis: Axes, points: Sequence[Point], x_label: str, y_label: str) -> None:
    """Draw a curve of metrics/curves.json, and the diagonal."""
    xs, ys = [point["x"] for point in points], [point["y"] for point in points]
    ends = [min([*xs, *ys]), max([*xs, *ys])]
    axis.plot(ends, ends, color=TRIVIAL, linestyle="--", linewidth=1)
    axis.plot(xs, ys, color=MODEL, marker="o" if len(xs) < MAX_MARKERS else None)
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)


def draw_thresholds(axis: Axes, rows: Sequence[ThresholdMetrics], threshold: float) -> None:
    """Draw precision, recall and cost over the thresholds, and a line at the threshold of the model."""
    xs = [row.threshold for row in rows]
    axis.plot(xs, [row.precision for row in rows], "-", color=MODEL, label="precision", linewidth=2)
    axis.plot(xs, [row.recall for row in rows], "--", color=LINEAR, label="recall", linewidth=2)
    if costs := [row.cost for row in rows if row.cost is not None]:
        axis.plot(xs, costs, ":", color=ACCENT, label="mean cost", linewidth=2)
    axis.axvline(threshold, color=TRIVIAL, linewidth=1)
    axis.set_xlabel("threshold (vertical line: the model's)")
    axis.legend()


def draw_dependence(
    axis: Axes, points: Sequence[tuple[float, float]], name: str, label: str, limits: tuple[float, float]
) -> None:
    """Draw the partial dependence of the prediction on one feature; the y axis has these limits and a margin."""
    axis.plot([x for x, _ in points], [y for _, y in points], color=MODEL, marker=".")
    axis.set_xlabel(shorten(name))
    axis.set_ylabel(label)
    margin = 0.05 * (limits[1] - limits[0]) or 0.05
    axis.locator_params(axis="x", nbins=4)
    axis.set_ylim(limits[0] - margin, limits[1] + margin)
