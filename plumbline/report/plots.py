"""The figures of the report: SVG that takes its text colour from the page, and whose bytes depend on facts alone."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

# Okabe and Ito (2008): told apart by colour-blind readers, and legible on white and on black.
MODEL, LINEAR, TRIVIAL, OTHER = "#0072b2", "#e69f00", "#999999", "#d55e00"
COLOURS = {"model": MODEL, "linear": LINEAR, "trivial": TRIVIAL}
INK = "#010203"  # stands for the page's own text colour
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "text.parse_math": False,
    "axes.spines.right": False, "legend.frameon": False, "figure.constrained_layout.use": True,
}  # fmt: skip
# In inches. The page scales a figure to its own width: at these widths the text is legible on a phone, too.
WIDTH, SMALL = 4.6, (3.2, 2.2)
LONG = 30  # characters of a name in a figure
MOST = 15  # bars


def figure(name: str, draw: Callable[..., None], *facts: Any, size: tuple[float, float]) -> str:
    """The SVG of `draw(axes, *facts)`; name makes the ids in it its own."""
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        fig, axes = plt.subplots(figsize=size)
        draw(axes, *facts)
        out = io.StringIO()
        fig.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(fig)
    text = out.getvalue()[out.getvalue().index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="presentation"', text, count=1)
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


def tall(lines: int) -> tuple[float, float]:
    """The size of a figure with this many lines."""
    return WIDTH, 0.9 + 0.28 * lines


def short(name: Any) -> str:
    words = " ".join(str(name).split())
    return words if len(words) <= LONG else f"{words[: LONG // 2 - 1]}…{words[-LONG // 2 :]}"


def intervals(axis: Axes, found: dict[str, list[float | None]], label: str) -> None:
    """Of one metric the value and interval of model, linear and trivial."""
    for place, (who, (value, low, high)) in enumerate(reversed(found.items())):
        if value is not None and low is not None and high is not None:
            axis.plot([low, high], [place, place], color=COLOURS[who], linewidth=3, solid_capstyle="butt")
        if value is not None:
            axis.plot(value, place, "o", color=COLOURS[who], markersize=8)
    axis.set_yticks(range(len(found)), [*reversed(found)])
    axis.set_ylim(-0.6, len(found) - 0.4)
    axis.locator_params(axis="x", nbins=4)  # five-digit numbers would touch each other
    axis.set_xlabel(label)


def curve(axis: Axes, points: list[dict[str, float]], x: str, y: str) -> None:
    """Points of metrics/ranking.json or calibration.json beside the diagonal."""
    xs, ys = ([point[at] for point in points] for at in "xy")
    ends = [min([*xs, *ys]), max([*xs, *ys])]
    axis.plot(ends, ends, color=TRIVIAL, linestyle="--", linewidth=1)
    axis.plot(xs, ys, color=MODEL, marker="o" if len(xs) < 30 else None)
    axis.set_xlabel(x)
    axis.set_ylabel(y)


def thresholds(axis: Axes, rows: list[dict[str, Any]], chosen: float) -> None:
    at = [row["threshold"] for row in rows]
    for name, colour, style in (("precision", MODEL, "-"), ("recall", LINEAR, "--"), ("cost", OTHER, ":")):
        if name in rows[0]:
            known = [row[name] if row[name] is not None else float("nan") for row in rows]
            axis.plot(at, known, style, color=colour, label=name, linewidth=2)
    axis.axvline(chosen, color=TRIVIAL, linewidth=1)
    axis.set_xlabel("threshold (the line: the one in use)")
    axis.legend()


def bars(axis: Axes, rows: list[tuple[str, list[float | None]]], label: str, line: float | None = None) -> None:
    """Values with intervals, the first on top; line: what they are to be held against."""
    for place, (_, (value, low, high)) in enumerate(reversed(rows)):
        if value is not None and low is not None and high is not None:
            axis.plot([low, high], [place, place], color=MODEL, linewidth=2)
        if value is not None:
            axis.plot(value, place, "o", color=MODEL)
    if line is not None:
        axis.axvline(line, color=OTHER, linestyle="--", linewidth=1)
    axis.set_yticks(range(len(rows)), [short(name) for name, _ in reversed(rows)])
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.set_xlabel(label)


def partial(axis: Axes, points: list[list[float]], name: str, label: str) -> None:
    axis.plot([x for x, _ in points], [y for _, y in points], color=MODEL, marker=".")
    axis.set_xlabel(short(name))
    axis.set_ylabel(label)
