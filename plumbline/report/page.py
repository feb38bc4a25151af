"""The report: one page of HTML for people, made of what stands in metrics/ and nothing else."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from plumbline import paths
from plumbline.data.schema import Schema
from plumbline.design import Answers
from plumbline.findings import Finding, read_findings
from plumbline.formatting import short
from plumbline.metrics import lower_is_better
from plumbline.report import plots

TEMPLATE = "page.html.j2"
BEFORE = ("ingest", "featurize", "train")
BESIDE = 3  # small figures in a row
SIZE = (plots.WIDTH, 3.2)
ABOUT = {  # questions of docs/project.yaml, with the words of the page for them
    "problem.question": "Question",
    "use.intended": "Intended use",
    "use.excluded": "Excluded use",
    "use.limits": "Limits",
    "data.what": "Data",
    "data.rights": "Rights",
}
LIBRARIES = (  # that its numbers and plots depend on
    "jinja2", "joblib", "matplotlib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops", "threadpoolctl",
)  # fmt: skip
SLICES = 30  # in the table; all stand in metrics/slices.json
Rows = Iterable[Iterable[Any]]


def page(
    made: dict[str, Any],
    schema: Schema,
    worst: list[list[Any]],
    evaluated: list[Finding],
    answers: Answers,
    description: str,
) -> str:
    """The page.

    made: the contents of evaluate's files in metrics/, by their names; worst: rows of the largest loss, each its number
    in the table, its loss and, where values may be shown, key, truth and decision; evaluated: evaluate's findings;
    answers: of docs/project.yaml; description: the project's, in a line, or nothing.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["j2"]), undefined=StrictUndefined
    )
    environment.filters |= {"short": short, "interval": _interval}
    findings = {stage: read_findings(stage) for stage in BEFORE} | {"evaluate": evaluated}
    facts = {Path(name).stem.replace("baseline-", ""): content for name, content in made.items()}
    first = next(iter(facts["intervals"]))
    judged = [s for s in facts["slices"] if not s["small"] and s[first][0] is not None]
    judged.sort(key=lambda s: s[first][0], reverse=lower_is_better(first))
    return environment.get_template(TEMPLATE).render(
        facts,
        description=description.rstrip("."),
        stated=[(words, text) for name, words in ABOUT.items() if (text := answers.texts[name])],
        unstated=[words for name, words in ABOUT.items() if not answers.texts[name]],
        target=schema.target.name,
        inputs=schema.inputs,
        first=first,
        small=sum(s["small"] for s in facts["slices"]),
        findings=findings,
        figures=_figures(facts, first, judged),
        worst=[[number, short(loss), *rest] for number, loss, *rest in worst],
        worst_head=["row", "loss", "key", "truth", "decision"][: len(worst[0]) if worst else 2],
        **_rows(facts, first, judged, findings),
    )


def _interval(numbers: list[float | None]) -> str:
    value, low, high = map(short, numbers)
    return f"{value} ({low} to {high})"


def _rows(
    facts: dict[str, Any], first: str, judged: list[dict[str, Any]], findings: dict[str, list[Finding]]
) -> dict[str, Rows]:
    """The rows of each table of the page."""
    found, groups = facts["errors"], facts["fairness"]["groups"]
    measures = [name for name, value in groups[0].items() if isinstance(value, list)] if groups else []
    confusion = found.get("confusion", {"classes": [], "cells": []})
    files = (paths.TABLE, paths.FEATURES, paths.MODEL)
    return {
        "metric_rows": [
            [name, short(facts["metrics"][name]), " to ".join(map(short, ends["model"]))]
            + [short(facts[who][name]) for who in ("linear", "trivial")]
            for name, ends in facts["intervals"].items()
        ],
        "threshold_rows": [[short(value) for value in row.values()] for row in found.get("thresholds", [])],
        "confusion_rows": [
            [name, *map(short, cells)] for name, cells in zip(confusion["classes"], confusion["cells"], strict=True)
        ],
        "residual_rows": [[share, short(value)] for share, value in found.get("residuals", {}).items()],
        "size_rows": [
            [*map(short, row["predicted"]), row["rows"], short(row["mean_absolute_error"])]
            for row in found.get("by_size", [])
        ],
        "slice_rows": [[s["column"], s["level"], s["rows"], _interval(s[first])] for s in judged[:SLICES]],
        "weak_rows": [
            [w["slice"], w["rows"], _interval(w["loss"]), short(w["rest"]), short(w["p"])] for w in facts["weak-slices"]
        ],
        "fairness_head": ["column", "group", "rows", *measures],
        "fairness_rows": [
            [g["column"], g["level"], f"{g['rows']}{' (too few to judge)' * g['small']}"]
            + [_interval(g[name]) for name in measures]
            for g in groups
        ],
        "alike": [each["features"] for each in facts["importance"]["features"] if len(each["features"]) > 1],
        "finding_rows": [
            [stage, f.kind, f.severity, f.evidence + f" (allowed: {f.allowed})" * bool(f.allowed)]
            for stage, found_there in findings.items()
            for f in found_there
        ],
        "again_rows": [[name, f"md5 {hashlib.md5(Path(name).read_bytes()).hexdigest()}"] for name in files]  # noqa: S324
        + [[name, version(name)] for name in LIBRARIES],
    }


def _figures(facts: dict[str, Any], first: str, judged: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The figures that this run has something to show in, by name; of those that belong together each its own."""
    metrics, used = facts["metrics"], facts["importance"]
    measured = {
        name: {who: [facts["metrics" if who == "model" else who][name], *ends] for who, ends in found.items()}
        for name, found in [*facts["intervals"].items()][:BESIDE]
    }
    axes = ("false positive rate", "true positive rate")
    if metrics["task"] == "regression":
        axes = ("error allowed, as a share of the range", "share of rows")
    bars = [(each["features"][0], each["loss"]) for each in used["features"][: plots.MOST]]
    figure, small = plots.figure, plots.SMALL
    made = {
        "intervals": [
            figure(f"intervals {name}", plots.intervals, found, name.rpartition(".")[2], size=small)
            for name, found in measured.items()
        ],
        "ranking": [figure("ranking", plots.curve, facts["ranking"], *axes, size=SIZE)],
        "calibration": [figure("calibration", plots.curve, facts["calibration"], "predicted", "observed", size=SIZE)],
        "importance": [
            figure("importance", plots.bars, bars, "growth of the loss", used["probe"], size=plots.tall(len(bars)))
        ],
        "partial": [
            figure(f"partial {name}", plots.partial, points, name, used["predicts"], size=small)
            for name, points in [*used["partial"].items()][:BESIDE]
        ],
    }
    if rows := facts["errors"].get("thresholds"):
        made["thresholds"] = [figure("thresholds", plots.thresholds, rows, metrics["threshold"], size=SIZE)]
    if lines := [(f"{s['column']}: {s['level']}", s[first]) for s in judged[: plots.MOST]]:
        made["slices"] = [figure("slices", plots.bars, lines, first, metrics[first], size=plots.tall(len(lines)))]
    return {name: figures for name, figures in made.items() if figures}
