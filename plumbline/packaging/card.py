"""The model card: what the model is for, how it performs and where it fails, with numbers from the files of a run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plumbline.data.schema import Column, Schema
from plumbline.design import Answers
from plumbline.evaluation.advice import BASELINES
from plumbline.evaluation.fairness import Fairness
from plumbline.evaluation.performance import Performance
from plumbline.evaluation.slices import SliceMetrics, sort_worst_first
from plumbline.findings import Finding, Kind, Severity
from plumbline.packaging.wheel import Project

# Fitted attributes of scikit-learn's estimators that hold rows.
ROW_ATTRIBUTES = {
    "_fit_X": "the training rows",
    "X_train_": "the training rows",
    "X_fit_": "the training rows",
    "support_vectors_": "training rows (its support vectors)",
}
MAX_SLICES = 5
# Findings that have a section of their own.
_OWN_SECTION = (Kind.BEHAVIOUR, Kind.REQUIREMENT, Kind.WEAK_SLICE, *BASELINES.values(), Kind.SCOPE)
# Questions of docs/project.yaml, with the card's words for them.
_DETAILS = {"care.owner": "Owner"}
_USE = {
    "problem.question": "Question",
    "problem.users": "Users",
    "problem.today": "Without the model",
    "use.intended": "Intended",
    "use.excluded": "Excluded",
}
_CAVEATS = {"use.limits": "Known limits", "care.retire": "To be retired"}
_DATA = {
    "data.what": "What it is",
    "data.owner": "Owner",
    "data.rights": "Rights",
    "data.refresh": "Refreshed",
    "data.lead_time": "Time to get more",
}


@dataclass(frozen=True)
class CardContent:
    """What a model card is made of.

    Attributes
    ----------
    project : Project
    schema : Schema
    performance : Performance
    slices : sequence of SliceMetrics
    fairness : Fairness
    findings : sequence of Finding
        Of all stages.
    answers : Answers
        Of docs/project.yaml.
    limits : mapping of str to float
        What requirements.latency and requirements.size ask for, by their words; None where nothing is asked for.
    model_json : str
        The JSON in the model file, which names each fitted attribute.
    """

    project: Project
    schema: Schema
    performance: Performance
    slices: Sequence[SliceMetrics]
    fairness: Fairness
    findings: Sequence[Finding]
    answers: Answers
    limits: Mapping[str, float | None]
    model_json: str

    def select(self, *kinds: Kind) -> list[Finding]:
        """Return the findings of some kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]


def render_card(content: CardContent) -> str:
    """Return the card as Markdown.

    References
    ----------
    Mitchell et al. (2019). Model cards for model reporting. FAT* '19. The sections follow its order.
    """
    project = content.project
    sections = {
        "Model details": _model_details(content),
        "Intended use": _intended_use(content),
        "Factors": _factors(content),
        "Data": _data(content),
        "Performance": _performance(content),
        "Requirements": _requirements(content),
        "Weak slices": _weak_slices(content),
        "Behaviour tests": _list_findings(content.select(Kind.BEHAVIOUR)),
        "Ethical considerations": _ethical_considerations(content),
        "Checks": _list_findings(finding for finding in content.findings if finding.kind not in _OWN_SECTION),
        "Caveats and recommendations": _caveats(content),
    }
    parts = [f"# {project.name} {project.version}", f"{_safe(project.description.rstrip('.'))}."]
    parts += [f"## {title}\n\n{text}" for title, text in sections.items()]
    return "\n\n".join(parts) + "\n"


def _model_details(content: CardContent) -> str:
    schema, facts = content.schema, content.performance.facts
    lines = [
        f"- Predicts: {_safe(schema.target.name)} ({facts.task})",
        f"- Estimator: {facts.estimator}, fitted on {facts.rows_train} rows",
    ]
    if schema.classes:
        lines.append(f"- Classes: {', '.join(map(_safe, schema.classes))}")
    if facts.task == "binary":
        lines.append(f"- Positive class: {_safe(facts.positive)}, from a probability of {facts.threshold:g} on")
    lines += [f"- Licence: {_safe(content.project.license)}", _list_answers(content, _DETAILS)]
    return "\n".join(lines)


def _intended_use(content: CardContent) -> str:
    cases = content.answers.use_cases
    lines = [f"  - {_safe(case.name)} ({case.value} x {case.feasibility}): {_safe(case.why)}" for case in cases]
    head = "- Use cases by value and feasibility:" + ("" if cases else " not stated")
    return "\n".join([_list_answers(content, _USE), head, *lines])


def _factors(content: CardContent) -> str:
    slice_columns = dict.fromkeys(_safe(slice_.column) for slice_ in content.slices)
    protected_columns = [_safe(column.name) for column in content.schema.columns if column.role == "protected"]
    return (
        f"- Slices by the levels or quarters of: {', '.join(slice_columns) or 'none'}\n"
        f"- Protected columns: {', '.join(protected_columns) or 'none is stated'}"
    )


def _data(content: CardContent) -> str:
    schema = content.schema
    size = f"{schema.rows} rows, {len(schema.columns)} columns, of which {len(schema.inputs)} are inputs of the model."
    table = _table(["input", "type", "missing", "range"], map(_describe_input, schema.inputs))
    return "\n\n".join([_list_answers(content, _DATA), size, table])


def _describe_input(column: Column) -> list[str]:
    extent = f"{column.low} to {column.high}" if column.low is not None else f"{column.distinct} distinct"
    return [_safe(column.name), column.type, f"{column.missing:g}", extent]


def _performance(content: CardContent) -> str:
    performance = content.performance
    intro = (
        f"Metrics on the holdout ({performance.facts.rows_holdout} rows that were not used for fitting), with 95 % "
        "bootstrap intervals, for the model and two baselines."
    )
    rows = (
        [f"`{name}`", *(str(model[name]) for model in performance.models.values())]
        for name in performance.models["model"]
    )
    comparisons = "\n".join(f"- {finding.evidence}" for finding in content.select(*BASELINES.values()))
    return "\n\n".join([intro, _table(["metric", *performance.models], rows), comparisons])


def _requirements(content: CardContent) -> str:
    lines = [f"- {_safe(finding.evidence)}" for finding in content.select(Kind.REQUIREMENT)]
    lines = lines or ["- Of metrics: none are set"]
    for words, limit in content.limits.items():
        lines.append(f"- {words}: {'not stated' if limit is None else f'at most {limit:g}'}")
    return "\n".join([*lines, _list_answers(content, {"requirements.why": "Why"})])


def _weak_slices(content: CardContent) -> str:
    name = content.performance.first_metric
    worst = sort_worst_first(content.slices, name)[:MAX_SLICES]
    small = sum(slice_.small for slice_ in content.slices)
    parts = ["No slice is large enough to judge."]
    if worst:
        rows = ([_safe(s.column), _safe(s.level), str(s.rows), str(s.metrics[name])] for s in worst)
        parts = [f"The worst slices by {name}:", _table(["column", "slice", "rows", name], rows)]
    if small:
        parts.append(f"{small} of {len(content.slices)} slices are too small to judge.")
    return "\n\n".join([*parts, _list_findings(content.select(Kind.WEAK_SLICE))])


def _ethical_considerations(content: CardContent) -> str:
    return "\n\n".join(
        [
            f"What the package holds of the data: {_describe_row_storage(content.model_json)}",
            "### Protected groups",
            _groups(content.fairness),
        ]
    )


def _describe_row_storage(model_json: str) -> str:
    contents = sorted({words for name, words in ROW_ATTRIBUTES.items() if f'"{name}":' in model_json})
    if contents:
        return f"**The estimator itself keeps {' and '.join(contents)}**: who has the package has them."
    return "no row; only the levels of categories that the encoder learned, and the ranges of columns."


def _groups(fairness: Fairness) -> str:
    if not fairness.groups:
        return "No protected column is stated (`requirements.protected`), so nothing was measured by group."
    names = [*fairness.groups[0].metrics]
    rows = (
        [_safe(group.column), _safe(group.level), f"{group.rows}{' (too few to judge)' if group.small else ''}"]
        + [str(group.metrics[name]) for name in names]
        for group in fairness.groups
    )
    gaps = (
        f"- {_safe(gap.column)}: {_safe(gap.measure)} differs by {gap.gap} between "
        f"{' and '.join(map(_safe, gap.levels))}"
        for gap in fairness.gaps
    )
    return _table(["column", "group", "rows", *names], rows) + "\n\n" + "\n".join(gaps)


def _caveats(content: CardContent) -> str:
    warnings = [f for f in content.findings if f.severity is Severity.WARNING and f.kind is not Kind.SCOPE]
    return "\n\n".join(
        [_list_answers(content, _CAVEATS), _list_findings(warnings) or "No check of this run ended in a warning."]
    )


def _list_answers(content: CardContent, questions: Mapping[str, str]) -> str:
    """List the answers of docs/project.yaml, and the questions that have none."""
    return "\n".join(
        f"- {label}: {_safe(content.answers.texts[name] or 'not stated')}" for name, label in questions.items()
    )


def _list_findings(findings: Iterable[Finding]) -> str:
    return "\n".join(map(_describe_finding, findings))


def _describe_finding(finding: Finding) -> str:
    severity = f" ({finding.severity})" if finding.severity is not Severity.NOTE else ""
    return f"- {finding.kind}: {_safe(finding.evidence)}{severity}"


def _safe(value: object) -> str:
    """Escape text of the data, so that as Markdown it means nothing but itself: no markup, no link and no mention."""
    text = re.sub(r"[\\`*_{}\[\]<>#!|~&$]", r"\\\g<0>", " ".join(str(value).split()))
    return re.sub(r"@|:(?=//)|(?i:www)(?=\.)", r"\g<0><!-- -->", text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])
