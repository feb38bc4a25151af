"""The model card: what the model is, how good, against what, where it fails; every number from a file of this run."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from plumbline import paths
from plumbline.data.schema import Column, Schema
from plumbline.design import Answers, UseCase
from plumbline.findings import Finding, Kind, Severity
from plumbline.formatting import short
from plumbline.metrics import lower_is_better

# Fitted attributes of scikit-learn's that hold rows.
STORES_ROWS = {
    "_fit_X": "the training rows",
    "X_train_": "the training rows",
    "X_fit_": "the training rows",
    "support_vectors_": "training rows (its support vectors)",
}
WORST = 5
BASELINES = (Kind.TRIVIAL_BASELINE, Kind.LINEAR_BASELINE)
# Findings that have a section of their own.
ELSEWHERE = (
    Kind.BEHAVIOUR,
    Kind.REQUIREMENT,
    Kind.WEAK_SLICE,
    *BASELINES,
    Kind.SCOPE,
)
# Questions of docs/project.yaml, with the words of the card for them.
MODEL = {"care.owner": "Owner"}
USE = {
    "problem.question": "Question",
    "problem.users": "Users",
    "problem.today": "Without the model",
    "use.intended": "Intended",
    "use.excluded": "Excluded",
}
CAVEATS = {"use.limits": "Known limits", "care.retire": "To be retired"}
DATA = {
    "data.what": "What it is",
    "data.owner": "Owner",
    "data.rights": "Rights",
    "data.refresh": "Refreshed",
    "data.lead_time": "Time to get more",
}


def write(
    project: Any,
    schema: Schema,
    made: dict[str, Any],
    findings: list[Finding],
    written: str,
    answers: Answers,
    limits: dict[str, float | None],
) -> str:
    """The card as Markdown.

    made: contents of files in metrics/, by their names; findings: of all stages; written: the JSON in the model file,
    which names each fitted attribute; answers: of docs/project.yaml; limits: requirements of latency and size, by their
    words. The order is that of Mitchell et al., Model Cards for Model Reporting (2019).
    """
    metrics, intervals, slices = made[paths.METRICS], made[paths.INTERVALS], made[paths.SLICES]
    measured = {"model": metrics, "linear": made[paths.LINEAR], "trivial": made[paths.TRIVIAL]}
    against = [f"- {f.evidence}" for f in findings if f.kind in BASELINES]
    required = [f"- {_safe(f.evidence)}" for f in findings if f.kind is Kind.REQUIREMENT]
    required = required or ["- Of metrics: not stated"]
    required += [
        f"- {words}: {'not stated' if most is None else f'at most {most:g}'}" for words, most in limits.items()
    ]
    parts = [
        f"# {project.name} {project.version}",
        f"{_safe(project.description.rstrip('.'))}.",
        "## Model",
        _facts(schema, metrics) + f"\n- Licence: {_safe(project.license)}\n" + _said(answers, MODEL),
        "## Intended use",
        _said(answers, USE) + "\n" + _use_cases(answers.use_cases),
        "## Factors",
        _factors(schema, slices),
        "## Data",
        _said(answers, DATA),
        f"{schema.rows} rows, {len(schema.columns)} columns, of which {len(schema.inputs)} are inputs of the model.",
        _table(["input", "type", "missing", "range"], map(_input, schema.inputs)),
        "## How good",
        f"On {metrics['rows_holdout']} rows that no fit saw, with 95 % bootstrap intervals, beside two baselines.",
        _table(["metric", *measured], (_metric(name, measured, found) for name, found in intervals.items())),
        "\n".join(against),
        "## What is required",
        "\n".join(required) + "\n" + _said(answers, {"requirements.why": "Why"}),
        "## Where it fails",
        _slices(slices, next(iter(intervals))),
        _told(f for f in findings if f.kind is Kind.WEAK_SLICE),
        "## Behaviour",
        _told(f for f in findings if f.kind is Kind.BEHAVIOUR),
        "## Ethical considerations",
        f"What the package holds of the data: {_stored(written)}",
        "### By protected group",
        _fairness(made[paths.FAIRNESS]),
        "## What was checked",
        _told(f for f in findings if f.kind not in ELSEWHERE),
        "## Caveats and recommendations",
        _said(answers, CAVEATS),
        _told(f for f in findings if f.severity is Severity.WARNING and f.kind is not Kind.SCOPE)
        or "No check of this run ended in a warning.",
    ]
    return "\n\n".join(parts) + "\n"


def _use_cases(cases: Sequence[UseCase]) -> str:
    ranked = (f"  - {_safe(case.name)} ({case.value} x {case.feasibility}): {_safe(case.why)}" for case in cases)
    return "\n".join(["- Use cases by value and feasibility:" + ("" if cases else " not stated"), *ranked])


def _factors(schema: Schema, slices: list[dict]) -> str:
    by = ", ".join(dict.fromkeys(_safe(s["column"]) for s in slices)) or "none"
    protected = ", ".join(_safe(column.name) for column in schema.columns if column.role == "protected")
    return f"- Measured apart by the levels or quarters of: {by}\n- Protected columns: {protected or 'none is stated'}"


def _said(answers: Answers, questions: dict[str, str]) -> str:
    """What people said in docs/project.yaml, and what they have not."""
    return "\n".join(f"- {words}: {_safe(answers.texts[name] or 'not stated')}" for name, words in questions.items())


def _facts(schema: Schema, metrics: dict) -> str:
    target = schema.target.name
    lines = [
        f"- Predicts: {_safe(target)} ({metrics['task']})",
        f"- Estimator: {metrics['estimator']}, fitted on {metrics['rows_train']} rows",
    ]
    if schema.classes:
        lines.append(f"- Classes: {', '.join(map(_safe, schema.classes))}")
    if metrics["task"] == "binary":
        lines.append(f"- Looks for: {_safe(metrics['positive'])}, from a probability of {metrics['threshold']:g} on")
    return "\n".join(lines)


def _input(column: Column) -> list[str]:
    extent = f"{column.low} to {column.high}" if column.low is not None else f"{column.distinct} distinct"
    return [_safe(column.name), column.type, f"{column.missing:g}", extent]


def _metric(name: str, measured: dict[str, dict], intervals: dict[str, list]) -> list[str]:
    return [f"`{name}`", *(_with_interval(found[name], *intervals[part]) for part, found in measured.items())]


def _with_interval(*numbers: float | None) -> str:
    value, low, high = map(short, numbers)
    return f"{value} ({low} to {high})"


def _slices(slices: list[dict], name: str) -> str:
    known = [s for s in slices if not s["small"] and s[name][0] is not None]
    worst = sorted(known, key=lambda s: s[name][0], reverse=lower_is_better(name))[:WORST]
    small = sum(s["small"] for s in slices)
    note = f"\n\n{small} of {len(slices)} slices are too small to judge." if small else ""
    if not worst:
        return f"No slice is large enough to judge.{note}"
    rows = ([_safe(s["column"]), _safe(s["level"]), str(s["rows"]), _with_interval(*s[name])] for s in worst)
    return f"The worst slices by {name}:\n\n" + _table(["column", "slice", "rows", name], rows) + note


def _fairness(found: dict[str, list[dict]]) -> str:
    if not found["groups"]:
        return "No protected column is stated (`requirements.protected`), so nothing was measured by group."
    names = [name for name, value in found["groups"][0].items() if isinstance(value, list)]
    rows = (
        [_safe(g["column"]), _safe(g["level"]), f"{g['rows']}{' (too few to judge)' if g['small'] else ''}"]
        + [_with_interval(*g[name]) for name in names]
        for g in found["groups"]
    )
    gaps = (
        f"- {_safe(gap['column'])}: {_safe(gap['measure'])} differs by {_with_interval(*gap['gap'])} between "
        f"{' and '.join(map(_safe, gap['between']))}"
        for gap in found["gaps"]
    )
    return _table(["column", "group", "rows", *names], rows) + "\n\n" + "\n".join(gaps)


def _told(findings: Iterable[Finding]) -> str:
    return "\n".join(map(_finding, findings))


def _finding(finding: Finding) -> str:
    severity = f" ({finding.severity})" if finding.severity is not Severity.NOTE else ""
    return f"- {finding.kind}: {_safe(finding.evidence)}{severity}"


def _stored(written: str) -> str:
    kept = sorted({words for name, words in STORES_ROWS.items() if f'"{name}":' in written})
    if kept:
        return f"**The estimator itself keeps {' and '.join(kept)}**: who has the package has them."
    return "no row; only the levels of categories that the encoder learned, and the ranges of columns."


def _safe(value: Any) -> str:
    """Text of the data as Markdown that means nothing but itself: no markup, and no link, no mention either."""
    text = re.sub(r"[\\`*_{}\[\]<>#!|~&$]", r"\\\g<0>", " ".join(str(value).split()))
    return re.sub(r"@|:(?=//)|(?i:www)(?=\.)", r"\g<0><!-- -->", text)


def _table(head: list[str], rows: Any) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])
