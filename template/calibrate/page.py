"""The page and the plot of the calibration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import beta

from template.calibrate.cells import list_cells
from template.records import format_row

Record = dict[str, Any]  # n, commit, and how often each statement is true
VERDICTS = ("worse", "better", "same", "cannot tell")
RULES = {
    "worse": "the review",
    "fell": "a metric fell",
    "by 1 %": "the first fell by 1 %",
    "bootstrap": "bootstrap, Holm",
}


def _rate(record: Record, statement: str) -> float:
    """Per cent of the comparisons."""
    return 100 * record.get(statement, 0) / record["n"]


def _rate_with_interval(record: Record, statement: str) -> str:
    """Per cent of the comparisons, with the 95 % interval of Clopper and Pearson (1934)."""
    n, k = record["n"], record.get(statement, 0)
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    return f"{100 * k / n:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _table(
    heading: list[str], records: dict[str, Record], starts: tuple[str, ...], columns: Callable[[Record], list[str]]
) -> list[str]:
    """The lines of a table of the cells whose names start so."""
    names = [name for name, _ in list_cells() if name in records and name.startswith(starts)]
    rows = [format_row([name, *columns(records[name])]) for name in names]
    return [format_row(heading), "|" + "---|" * len(heading), *rows, ""]


def _recipe_columns(record: Record) -> list[str]:
    rates = [f"{_rate(record, name):.0f}" for name in (*VERDICTS[1:], "fell", "by 1 %", "bootstrap")]
    return [str(record["n"]), _rate_with_interval(record, "worse"), *rates]


def _equal_columns(record: Record) -> list[str]:
    intervals = [_rate_with_interval(record, f"{side} before") for side in ("worse", "better")]
    return [str(record["n"]), *intervals, *(f"{_rate(record, name):.0f}" for name in VERDICTS)]


def _coverage_columns(record: Record) -> list[str]:
    rates = [f"{name} {_rate(record, name):.1f}" for name in record if name not in ("n", "commit")]
    return [str(record["n"]), ", ".join(rates)]


def _mean_of_seeds(records: dict[str, Record], statement: str) -> float:
    rates = [_rate(record, statement) for name, record in records.items() if name.startswith("seed")]
    return float(np.mean(rates or [np.nan]))


def render_page(records: dict[str, Record], plot: str) -> str:
    """Return calibration.md for the records of calibration.json; `plot` is the name of the plot's file."""
    means = ", ".join(f"{label} {_mean_of_seeds(records, rule):.1f}" for rule, label in RULES.items())
    recipe_heading = ["case", "n", "worse", *VERDICTS[1:], *list(RULES.values())[1:]]
    equal_heading = ["case", "n", "worse before the margin", "better before the margin", *VERDICTS]
    lines = [
        "# How often is the verdict right?\n",
        "Written by `python -m template.calibrate`. Numbers are % of comparisons, in brackets",
        "the 95 % interval.\n",
        f"![What a review and other rules call worse]({plot})\n",
        f"## Two recipes on one table\n\nOnly the seed changed, called worse on average: {means}.\n",
        *_table(recipe_heading, records, ("harm", "appended", "seed"), _recipe_columns),
        "## Two equally good pipelines, a new table each time\n\nBefore the margin, 5 % is expected on each side.\n",
        *_table(equal_heading, records, ("equal",), _equal_columns),
        "## How often evaluate's 95 % intervals cover the value of the same model on 40,000 rows\n",
        *_table(["case", "n", "covers"], records, ("coverage",), _coverage_columns),
        f"Measured at {', '.join(sorted({record['commit'] for record in records.values()}))}.",
    ]
    missing = [name for name, _ in list_cells() if name not in records]
    return "\n".join([*lines, *([f"\nNot measured yet: {'; '.join(missing)}."] if missing else [])]) + "\n"


def draw_plot(records: dict[str, Record], path: Path) -> None:
    """Draw what each rule calls worse: in the cells in which only the seed changed, and in those with harm."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
    panels = {"seed": "only the seed changed", "harm: ": "harm was done"}
    for panel, (start, title) in zip(axes, panels.items(), strict=True):
        cells = [record for name, record in records.items() if name.startswith(start)]
        for height, rule in enumerate(RULES):
            rates = [_rate(record, rule) for record in cells]
            panel.barh(height, np.mean(rates) if rates else 0, color="#c8d4e0")
            panel.plot(rates, height + np.linspace(-0.2, 0.2, len(rates)), "o", markersize=3, color="#27496d")
        panel.set(title=title, xlabel="called worse, % (dots: cells; bars: their mean)", xlim=(-2, 102))
    axes[0].set_yticks(range(len(RULES)), list(RULES.values()))
    axes[0].invert_yaxis()
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)
