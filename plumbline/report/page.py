"""The report: one page of HTML, made of what is in metrics/ and of the findings."""

from collections.abc import Sequence
from pathlib import Path

from plumbline.data.schema import Schema
from plumbline.design import Answers
from plumbline.evaluation.advice import BASELINES
from plumbline.evaluation.error_analysis import ClassErrors, RegressionErrors
from plumbline.evaluation.measurements import Measurements
from plumbline.evaluation.slices import sort_worst_first
from plumbline.evaluation.weak_slices import MIN_ROWS
from plumbline.findings import Finding, Kind, read_findings
from plumbline.report import tables
from plumbline.report.figures import render_figures
from plumbline.report.look import make_environment
from plumbline.report.worst_rows import WorstRow

EARLIER_STAGES = ("ingest", "featurize", "train")
QUESTIONS = {  # of docs/project.yaml, with the page's words for them
    "problem.question": "Question",
    "use.intended": "Intended use",
    "use.excluded": "Excluded use",
    "use.limits": "Limits",
    "data.what": "Source",
    "data.rights": "Rights",
}


def render_page(
    measurements: Measurements,
    schema: Schema,
    findings: Sequence[Finding],
    answers: Answers,
    *,
    worst_rows: Sequence[WorstRow],
    show_values: bool,
    description: str,
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    measurements : Measurements
        With numbers as in the files.
    schema : Schema
    findings : sequence of Finding
        Of evaluate; those of the earlier stages are read from metrics/.
    answers : Answers
        Of docs/project.yaml.
    worst_rows : sequence of WorstRow
    show_values : bool
        Whether keys and values of single rows may be shown.
    description : str
        Of the project, or empty.
    """
    worst_slices = sort_worst_first(measurements.slices, measurements.performance.first_metric)
    every_finding = {stage: read_findings(stage) for stage in EARLIER_STAGES} | {"evaluate": findings}
    template = make_environment(Path(__file__).parent).get_template("page.html.j2")
    return template.render(
        measurements=measurements,
        facts=measurements.performance.facts,
        target=schema.target.name,
        inputs=schema.inputs,
        description=description.rstrip("."),
        answers=[(label, text) for name, label in QUESTIONS.items() if (text := answers.texts[name])],
        open_questions=[label for name, label in QUESTIONS.items() if not answers.texts[name]],
        small_slices=sum(slice_.small for slice_ in measurements.slices),
        min_search_rows=MIN_ROWS,
        has_costs=_has_costs(measurements.errors),
        comparisons=_select(findings, *BASELINES.values()),
        requirements=_select(findings, Kind.REQUIREMENT),
        behaviours=_select(findings, Kind.BEHAVIOUR),
        figures=render_figures(measurements, worst_slices),
        tables=tables.make_tables(measurements, worst_slices)
        | {
            "worst_rows": tables.worst_row_table(worst_rows, show_values=show_values),
            "findings": tables.finding_table(every_finding),
            "reproduction": tables.reproduction_table(),
        },
    )


def _has_costs(errors: ClassErrors | RegressionErrors) -> bool:
    return isinstance(errors, ClassErrors) and any(row.cost is not None for row in errors.thresholds or ())


def _select(findings: Sequence[Finding], *kinds: Kind) -> list[Finding]:
    return [finding for finding in findings if finding.kind in kinds]
