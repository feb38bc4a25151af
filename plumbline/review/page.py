"""Render a review as a page of HTML with figures, in the style of the project's report."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from plumbline.formatting import short
from plumbline.report import plots
from plumbline.report.look import make_environment
from plumbline.review.comment import describe_changes, describe_machinery, describe_verdict
from plumbline.review.details import describe_metrics, describe_rows, interval_level, list_facts, sort_slices
from plumbline.review.markdown import clean, format_p_value
from plumbline.review.result.changes import DataChanges
from plumbline.review.result.checks import Reason
from plumbline.review.result.comparison import MetricComparison, SliceComparison
from plumbline.review.result.figures import Curve, Importance, Points
from plumbline.review.result.review import Review
from plumbline.review.secondary_metrics import AXES

MAX_LENGTH, MAX_ROWS, MAX_METRICS = 400, 30, 12  # characters of a sentence, rows of a table, small figures
COMMIT_LENGTH = 9
COLOURS = {"base": plots.LINEAR, "head": plots.MODEL}
clean_sentence = partial(clean, max_length=MAX_LENGTH)


def render_page(review: Review) -> str:
    """Return the page; sections that have no content are left out."""
    template = make_environment(Path(__file__).parent).get_template("page.html.j2")
    return template.render(
        review=review,
        base=clean(review.base_commit)[:COMMIT_LENGTH],
        head=clean(review.head_commit)[:COMMIT_LENGTH],
        level=interval_level(review),
        verdict=_without_marks(describe_verdict(review)),
        changes=_without_marks(describe_changes(review)),
        machinery=describe_machinery(change, clean_sentence) if (change := review.machinery_change) else [],
        note=_without_marks(describe_metrics(review)),
        omissions=[clean_sentence(sentence) for sentence in review.omissions[:MAX_ROWS]],
        captions=_captions(review),
        figures={name: [svg] for name, svg in _figures(review).items()},
        hidden=[_count_hidden(items) for items in (review.reasons, review.metrics, review.slices)],
        reason_rows=[_reason_row(reason) for reason in review.reasons[:MAX_ROWS]],
        metric_rows=[_metric_row(metric) for metric in review.metrics[:MAX_ROWS]],
        slice_rows=[_slice_row(part) for part in sort_slices(review.slices)[:MAX_ROWS]],
        data_rows=_data_rows(review.data_changes) if review.data_changes else [],
        provenance_rows=_provenance_rows(review),
    )


def _count_hidden(items: Sequence[object]) -> str:
    """Return how many items a table leaves out, in words; empty where it shows all."""
    hidden = len(items) - MAX_ROWS
    return f"And {hidden:,} more, in result.json." if hidden > 0 else ""


def _without_marks(markdown: str) -> str:
    """Return the text of Markdown that comment.py made; the template escapes it."""
    return re.sub(r"\*\*|`", "", markdown)


def _reason_row(reason: Reason) -> list[str]:
    acceptance = ""
    if by := reason.acceptance:
        acceptance = (
            f"{by.format_author(clean(by.author))}, {clean(by.commit)[:COMMIT_LENGTH]}: {clean_sentence(by.why)}"
        )
    return [clean(reason.name), clean_sentence(reason.message), clean_sentence(reason.hint), acceptance]


def _metric_row(metric: MetricComparison) -> list[str]:
    numbers = map(short, (metric.base, metric.head, metric.difference))
    return [clean(metric.name), *numbers, f"{short(metric.low)} to {short(metric.high)}"]


def _slice_row(part: SliceComparison) -> list[str]:
    verdict = part.verdict
    return [
        _slice_name(part) + (" (blocks)" if part.is_blocking else ""),
        short(part.rows),
        short(verdict.difference),
        f"{short(verdict.low)} to {short(verdict.high)}",
        format_p_value(part.corrected_p_worse),
    ]


def _slice_name(part: SliceComparison) -> str:
    return f"{clean(part.column)} = {clean(part.level)}"


def _data_rows(changes: DataChanges) -> list[list[str]]:
    """Return what happened to the table, in words, and to which columns."""
    rows, columns = changes.rows, changes.columns
    types = [f"{clean(c.column)} ({clean(c.base)}, now {clean(c.head)})" for c in columns.type_changes]
    values = [f"{clean(name)} in {short(count)} rows" for name, count in rows.change_count_by_column.items()]
    cells = [
        ("Rows before", short(rows.base_count) if rows.base_count else ""),
        ("Rows now", short(rows.head_count) if rows.head_count else ""),
        ("Changes", describe_rows(rows)),
        ("Columns added", ", ".join(map(clean, columns.added_names))),
        ("Columns removed", ", ".join(map(clean, columns.removed_names))),
        ("Columns of another type", ", ".join(types)),
        ("Values changed", ", ".join(values)),
    ]
    return [[name, clean_sentence(text)] for name, text in cells if text]


def _provenance_rows(review: Review) -> list[list[str]]:
    unpaired_reason = review.comparison.unpaired_reason if review.comparison else None
    cells = [
        ("Base commit", review.base_commit),
        ("Head commit", review.head_commit),
        ("Base is", review.base_origin),
        ("Reason for the verdict", review.why),
        ("Evaluated on different rows", unpaired_reason or ""),
        *list_facts(review),
        *(("Note", note) for note in review.notes[:MAX_ROWS]),
    ]
    return [[name, clean_sentence(text)] for name, text in cells if text]


def _captions(review: Review) -> list[tuple[str, str]]:
    """Return names and captions of the two curves."""
    is_roc = bool(review.curves and review.curves.ranking.x_label == AXES[0])
    ranking = "ROC curve: the nearer to the upper left the better" if is_roc else "Share of rows within an error"
    return [("ranking", ranking), ("calibration", "Calibration: the nearer to the diagonal the better")]


def _figures(review: Review) -> dict[str, str]:
    """Return SVG by name, of all figures that have something to show."""
    figures = _metric_figures(review) | _curve_figures(review)
    gains: list[tuple[str, list[float | None]]] = [
        (_slice_name(part), [part.verdict.difference, part.verdict.low, part.verdict.high])
        for part in sort_slices(review.slices)[: plots.MAX_BARS]
    ]
    if gains:
        figures["slices"] = _bars("slices", gains, "gain (above 0: head is better)")
    if shifts := _shifts(review):
        figures["shift"] = _bars("shift", shifts, "shift")
    if review.importance and (names := _most_important(review.importance)):
        size = plots.bars_size(len(names) + 1)
        figures["importance"] = plots.render_svg("importance", _plot_importance, review.importance, names, size=size)
    return figures


def _metric_figures(review: Review) -> dict[str, str]:
    metrics = [metric for metric in review.metrics if metric.difference is not None][:MAX_METRICS]
    return {
        f"metric-{place}": plots.render_svg(f"metric-{place}", _plot_metric, metric, size=(3.6, 1.2))
        for place, metric in enumerate(metrics)
    }


def _curve_figures(review: Review) -> dict[str, str]:
    if not review.curves:
        return {}
    curves = {"ranking": review.curves.ranking, "calibration": review.curves.calibration}
    return {
        name: plots.render_svg(name, _plot_curve, curve, size=plots.SIZE)
        for name, curve in curves.items()
        if curve and (_pairs(curve.base) or _pairs(curve.head))
    }


def _bars(name: str, bars: list[tuple[str, list[float | None]]], label: str) -> str:
    rows = [((text,), numbers) for text, numbers in bars]  # a label is a sequence of lines
    return plots.render_svg(name, plots.draw_bars, rows, label, 0.0, size=plots.bars_size(len(bars)))


def _shifts(review: Review) -> list[tuple[str, list[float | None]]]:
    shifts = review.data_changes.shifts if review.data_changes else {}
    largest = sorted(_by_clean_name(shifts).items(), key=lambda item: -item[1])[: plots.MAX_BARS]
    return [(name, [share, None, None]) for name, share in largest]


def _most_important(importance: Importance) -> list[str]:
    """Return the names of the features that are most important on either side."""
    base, head = _by_clean_name(importance.base), _by_clean_name(importance.head)
    names = sorted({*base, *head}, key=lambda name: -max(base.get(name, 0.0), head.get(name, 0.0)))
    return names[: plots.MAX_BARS]


def _by_clean_name(numbers: Mapping[str, float]) -> dict[str, float]:
    return {clean(name): number for name, number in numbers.items()}


def _pairs(points: Points) -> list[tuple[float, float]]:
    """Return the points that have both coordinates."""
    return [(x, y) for x, y in zip(points.x, points.y, strict=False) if x is not None and y is not None]


def _plot_metric(axis: Axes, metric: MetricComparison) -> None:
    """Plot the difference of a metric in its own unit, head minus base."""
    ends = [metric.difference, metric.low, metric.high]
    plots.draw_bars(axis, [(("",), ends)], clean(metric.name), 0.0)
    axis.locator_params(axis="x", nbins=4)


def _plot_curve(axis: Axes, curve: Curve) -> None:
    for side, points in (("base", curve.base), ("head", curve.head)):
        line: Any = zip(*_pairs(points), strict=True)
        axis.plot(*line, label=side, color=COLOURS[side], linestyle="--" if side == "base" else "-")
    axis.set_xlabel(clean(curve.x_label))
    axis.set_ylabel(clean(curve.y_label))
    axis.legend()


def _plot_importance(axis: Axes, importance: Importance, names: list[str]) -> None:
    for side, marker, numbers in (("base", "s", importance.base), ("head", "o", importance.head)):
        losses = _by_clean_name(numbers)
        points = [(losses[name], place) for place, name in enumerate(reversed(names)) if name in losses]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        axis.plot(xs, ys, marker, color=COLOURS[side], label=side, alpha=0.8)
    axis.set_yticks(range(len(names)), [plots.shorten(name) for name in reversed(names)])
    axis.set_xlabel("importance")
    axis.legend()
