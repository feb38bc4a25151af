"""The tables that the report of a run has."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from plumbline import paths
from plumbline.evaluation.error_analysis import ClassErrors, Confusion, RegressionErrors, ThresholdMetrics
from plumbline.evaluation.measurements import Measurements
from plumbline.evaluation.performance import Performance
from plumbline.evaluation.slices import SliceMetrics
from plumbline.evaluation.weak_slices import WeakSlice
from plumbline.findings import Finding
from plumbline.formatting import short
from plumbline.metrics import lower_is_better
from plumbline.report.worst_rows import WorstRow

MAX_SLICES = 30  # metrics/slices.json has all
FILES = (paths.TABLE, paths.FEATURES, paths.MODEL)
LIBRARIES = (  # which change numbers and plots
    "jinja2",
    "joblib",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
    "threadpoolctl",
)


@dataclass(frozen=True)
class Table:
    """The head and the cells of a table."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]


def performance_table(performance: Performance) -> Table:
    """Return each metric of the model with its interval, and that of the baselines."""
    model, linear, trivial = (performance.models[name] for name in ("model", "linear", "trivial"))
    return Table(
        ["metric", "better", "model", "95 % interval", "linear baseline", "trivial baseline"],
        [
            [
                name,
                "lower" if lower_is_better(name) else "higher",
                short(estimate.value),
                f"{short(estimate.low)} to {short(estimate.high)}",
                short(linear[name].value),
                short(trivial[name].value),
            ]
            for name, estimate in model.items()
        ],
    )


def error_tables(errors: ClassErrors | RegressionErrors) -> dict[str, Table]:
    """Return confusion and thresholds of classes, or residuals and bins of a regression."""
    if isinstance(errors, RegressionErrors):
        return {
            "residuals": Table(
                ["quantile", "truth - prediction"],
                [[level, short(value)] for level, value in errors.residuals.items()],
            ),
            "bins": Table(
                ["prediction from", "to", "rows", "mean absolute error"],
                [
                    [*map(short, part.prediction_range), part.rows, short(part.mean_absolute_error)]
                    for part in errors.by_prediction
                ],
            ),
        }
    tables = {"confusion": _confusion_table(errors.confusion)}
    return tables | ({"thresholds": _threshold_table(errors.thresholds)} if errors.thresholds else {})


def _confusion_table(confusion: Confusion) -> Table:
    rows = zip(confusion.classes, confusion.cells, strict=True)
    return Table(["", *confusion.classes], [[name, *map(short, cells)] for name, cells in rows])


def _threshold_table(thresholds: Sequence[ThresholdMetrics]) -> Table:
    names = [name for name, value in vars(thresholds[0]).items() if value is not None]
    return Table(
        [name.replace("_", " ") for name in names],
        [[short(getattr(row, name)) for name in names] for row in thresholds],
    )


def slice_table(worst_slices: Sequence[SliceMetrics], metric: str) -> Table:
    """Return the worst slices with one metric."""
    rows = [[s.column, s.level, s.rows, s.metrics[metric]] for s in worst_slices[:MAX_SLICES]]
    return Table(["column", "slice", "rows", metric], rows)


def weak_slice_table(weak_slices: Sequence[WeakSlice]) -> Table:
    """Return the weak slices that the search confirmed."""
    rows = [[s.conditions, s.rows, s.loss, short(s.loss_elsewhere), short(s.p_value)] for s in weak_slices]
    return Table(["slice", "rows", "loss", "loss elsewhere", "p value"], rows)


def group_table(groups: Sequence[SliceMetrics]) -> Table:
    """Return the measures of each protected group."""
    measures = [*groups[0].metrics] if groups else []
    rows = [
        [group.column, group.level, f"{group.rows}{' (too few to judge)' * group.small}"]
        + [str(group.metrics[name]) for name in measures]
        for group in groups
    ]
    return Table(["column", "group", "rows", *measures], rows)


def worst_row_table(worst_rows: Sequence[WorstRow], *, show_values: bool) -> Table:
    """Return the rows of the largest loss; their key, truth and prediction only where values may be shown."""
    head = ["row", "loss", *(["key", "truth", "prediction"] if show_values else [])]
    rows = [[row.number, short(row.loss), row.key, row.truth, row.prediction][: len(head)] for row in worst_rows]
    return Table(head, rows)


def finding_table(findings: Mapping[str, Iterable[Finding]]) -> Table:
    """Return the findings of each stage."""
    rows = [
        [stage, f.kind, f.severity, f.evidence + (f" (allowed: {f.allowed})" if f.allowed else "")]
        for stage, entries in findings.items()
        for f in entries
    ]
    return Table(["stage", "check", "severity", "evidence"], rows)


def reproduction_table() -> Table:
    """Return the digests of the files and the versions of the libraries that the numbers depend on."""
    digests = [[name, f"md5 {hashlib.md5(Path(name).read_bytes()).hexdigest()}"] for name in FILES]  # noqa: S324
    return Table(["item", "value"], digests + [[name, version(name)] for name in LIBRARIES])


def make_tables(measurements: Measurements, worst_slices: Sequence[SliceMetrics]) -> dict[str, Table]:
    """Return the tables of the measurements, by name; those of another task are absent."""
    performance = measurements.performance
    return {
        "performance": performance_table(performance),
        "slices": slice_table(worst_slices, performance.first_metric),
        "weak_slices": weak_slice_table(measurements.weak_slices),
        "groups": group_table(measurements.fairness.groups),
    } | error_tables(measurements.errors)
