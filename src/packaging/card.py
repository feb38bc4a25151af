"""The model card: what the model is, how good, against what, where it fails; every number from a file of this run."""

from typing import Any

from src.learning.metrics import lower_is_better
from src.predictor.schema import Schema

STORES_ROWS = {
    "_fit_X": "the training rows",
    "support_vectors_": "training rows (its support vectors)",
    "X_train_": "the training rows",
    "X_fit_": "the training rows",
}
WORST = 5


def write(
    project: Any,
    schema: Schema,
    measured: dict[str, dict],
    intervals: dict[str, dict],
    slices: list[dict],
    findings: list[dict],
    stored: set[str],
) -> str:
    """The card as Markdown.

    measured: the metrics of model, linear and trivial; intervals, slices: the contents of the files in metrics/;
    findings: of all stages; stored: names of the fitted attributes in the model file.
    """
    metrics = measured["model"]
    target = next(column for column in schema.columns if column.role == "target")
    parts = [
        f"# {project.name} {project.version}",
        f"{project.description}.",
        "## Model",
        _facts(target.name, schema, metrics),
        "## Data",
        f"{schema.rows} rows, {len(schema.columns)} columns, of which {len(schema.inputs)} are inputs of the model.",
        _table(
            ["input", "type", "missing", "range"],
            [[_safe(c.name), c.type, f"{c.missing:g}", _range(c)] for c in schema.inputs],
        ),
        "## How good",
        f"On {metrics['rows_holdout']} rows that no fit saw, with 95 % bootstrap intervals, beside two yardsticks.",
        _metrics(measured, intervals),
        "\n".join(f"- {f['evidence']}" for f in findings if f["rule"].startswith("against the")),
        "## Where it fails",
        _slices(slices, next(iter(intervals))),
        "## What was checked",
        "\n".join(
            f"- {f['rule']}: {_safe(f['evidence'])}" + (f" ({f['severity']})" if f["severity"] != "note" else "")
            for f in findings
        ),
        "## What the package holds of the data",
        _stored(stored),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(target: str, schema: Schema, metrics: dict) -> str:
    lines = [
        f"- Predicts: `{_safe(target)}` ({metrics['task']})",
        f"- Estimator: {metrics['estimator']}, fitted on {metrics['rows_train']} rows",
    ]
    if metrics["task"] != "regression":
        lines.append(f"- Classes: {', '.join(_safe(c) for c in schema.classes)}")
    if metrics["task"] == "binary":
        lines.append(f"- Looks for: {_safe(metrics['positive'])}, from a probability of {metrics['threshold']:g} on")
    return "\n".join(lines)


def _metrics(measured: dict[str, dict], intervals: dict[str, dict]) -> str:
    parts = ("model", "linear", "trivial")
    rows = [
        [f"`{name}`", *(_with_interval(measured[part][name], *found[part]) for part in parts)]
        for name, found in intervals.items()
    ]
    return _table(["metric", *parts], rows)


def _with_interval(*numbers: float | None) -> str:
    value, low, high = ("-" if number is None else f"{number:.4g}" for number in numbers)
    return f"{value} ({low} to {high})"


def _slices(slices: list[dict], name: str) -> str:
    known = [s for s in slices if not s["small"] and s[name][0] is not None]
    worst = sorted(known, key=lambda s: s[name][0], reverse=lower_is_better(name))[:WORST]
    small = sum(s["small"] for s in slices)
    note = f"\n\n{small} of {len(slices)} slices are too small to judge." if small else ""
    if not worst:
        return f"No slice is large enough to judge.{note}"
    rows = [[_safe(s["column"]), _safe(s["level"]), s["rows"], _with_interval(*s[name])] for s in worst]
    return f"The worst slices by {name}:\n\n" + _table(["column", "slice", "rows", name], rows) + note


def _stored(stored: set[str]) -> str:
    kept = sorted({words for name, words in STORES_ROWS.items() if name in stored})
    if kept:
        return f"**The estimator itself keeps {' and '.join(kept)}**: who has the package has them."
    return "No row of the data. It holds the levels of categories that the encoder learned, and ranges of columns."


def _range(column: Any) -> str:
    return f"{column.low} to {column.high}" if column.low is not None else f"{column.distinct} distinct"


def _safe(value: Any) -> str:
    """Text of the data as Markdown that means nothing but itself."""
    text = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in r"\`*_{}[]<>#!|~&@" else c for c in text)


def _table(head: list[str], rows: list[list[Any]]) -> str:
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, ["---"] * len(head), *rows])
