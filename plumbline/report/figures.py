"""The figures that the report of a run has, by name."""

from collections.abc import Sequence

from plumbline.evaluation.error_analysis import ClassErrors
from plumbline.evaluation.importance import Explanations
from plumbline.evaluation.measurements import Measurements
from plumbline.evaluation.performance import Performance
from plumbline.evaluation.slices import SliceMetrics
from plumbline.metrics import lower_is_better
from plumbline.report import plots

MAX_PANELS = 3  # small figures in a row
CALIBRATION_AXES = {
    "binary": ("mean predicted probability", "fraction of positives"),
    "multiclass": ("mean confidence", "accuracy"),
    "regression": ("mean prediction", "mean truth"),
}
Figures = dict[str, list[str]]  # each figure is one SVG, or several panels


def render_figures(measurements: Measurements, worst_slices: Sequence[SliceMetrics]) -> Figures:
    """Return the figures as SVG, by name; those without anything to show are absent.

    Parameters
    ----------
    measurements : Measurements
    worst_slices : sequence of SliceMetrics
        Slices that are large enough to judge, the worst first.
    """
    performance = measurements.performance
    figures = (
        _performance_figures(performance)
        | _curve_figures(measurements)
        | _slice_figures(performance, worst_slices)
        | _explanation_figures(measurements.explanations)
    )
    return {name: panels for name, panels in figures.items() if panels}


def _performance_figures(performance: Performance) -> Figures:
    metrics = [*performance.models["model"]][:MAX_PANELS]
    return {
        "intervals": [
            plots.render_svg(
                f"intervals {metric}",
                plots.draw_intervals,
                {name: model[metric] for name, model in performance.models.items()},
                f"{metric.rpartition('.')[2]} ({'lower' if lower_is_better(metric) else 'higher'} is better)",
                size=plots.SMALL_SIZE,
            )
            for metric in metrics
        ]
    }


def _curve_figures(measurements: Measurements) -> Figures:
    facts, errors = measurements.performance.facts, measurements.errors
    axes = ("false positive rate", "true positive rate")
    if facts.task == "regression":
        axes = ("tolerated error, as a share of the range", "share of rows")
    figures = {
        "ranking": [plots.render_svg("ranking", plots.draw_curve, measurements.ranking, *axes)],
        "calibration": [
            plots.render_svg("calibration", plots.draw_curve, measurements.calibration, *CALIBRATION_AXES[facts.task])
        ],
    }
    if isinstance(errors, ClassErrors) and errors.thresholds:
        svg = plots.render_svg("thresholds", plots.draw_thresholds, errors.thresholds, facts.threshold)
        figures["thresholds"] = [svg]
    return figures


def _slice_figures(performance: Performance, worst_slices: Sequence[SliceMetrics]) -> Figures:
    metric = performance.first_metric
    rows = [((s.column, s.level), s.metrics[metric]) for s in worst_slices[: plots.MAX_BARS]]
    overall = performance.models["model"][metric].value
    size = plots.bars_size(2 * len(rows))
    return {"slices": [plots.render_svg("slices", plots.draw_bars, rows, metric, overall, size=size)] if rows else []}


def _label_features(features: Sequence[str]) -> tuple[str]:
    """Return the first feature, and how many more are shuffled together with it."""
    more = f" (+{len(features) - 1})" if len(features) > 1 else ""
    return (plots.shorten(features[0], plots.MAX_LABEL - len(more)) + more,)


def _explanation_figures(explanations: Explanations) -> Figures:
    rows = [(_label_features(entry.features), entry.loss_increase) for entry in explanations.features[: plots.MAX_BARS]]
    curves = [*explanations.partial_dependence.items()][:MAX_PANELS]
    outputs = [y for _, points in curves for _, y in points]
    return {
        "importance": [
            plots.render_svg(
                "importance",
                plots.draw_bars,
                rows,
                "increase of the loss",
                explanations.random_column,
                size=plots.bars_size(len(rows)),
            )
        ],
        "dependence": [
            plots.render_svg(
                f"dependence {name}",
                plots.draw_dependence,
                points,
                name,
                explanations.output,
                (min(outputs), max(outputs)),
                size=plots.SMALL_SIZE,
            )
            for name, points in curves
        ],
    }
