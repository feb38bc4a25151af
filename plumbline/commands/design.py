"""List the open questions of docs/project.yaml, and whether the last run meets `requirements` of params.yaml.

Latency is measured on this machine: the median of 50 predictions of one row.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from statistics import median
from time import perf_counter

from plumbline import design, params, paths
from plumbline.data.schema import Schema
from plumbline.errors import ProjectError
from plumbline.findings import Kind, read_findings
from plumbline.prediction import modelfile
from plumbline.prediction.golden import make_rows
from plumbline.prediction.predictor import Predictor
from plumbline.project import load_user_code
from plumbline.scope import explain_omission, includes

PREDICTIONS = 50  # of one row; the median counts
MEGABYTE = 1e6


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Print open questions, use cases and requirements; return the exit code."""
    source = params.read("data.source").data.source
    answers, tables = design.read_answers(source), design.read_tables()
    if not includes(tables, source):
        print(f"WARNING: {explain_omission(paths.DESIGN, tables, source, design.TABLE_HINT)}")
    count, questions = len(design.QUESTIONS), answers.open_questions
    print(f"{paths.DESIGN}: {count - len(questions)} of {count} questions are answered for {source}")
    for name in questions:
        print(f"  not answered: {name}")
    for case in answers.use_cases:
        print(f"  {case.priority:2} = {case.value} x {case.feasibility}  {case.name}")
    if not Path(paths.MODEL).exists() or not Path(paths.checks("evaluate")).exists():
        raise ProjectError(
            "requirements: nothing has run yet, so there are no results to compare with them",
            hint="Run the pipeline: make repro",
        )
    lines = _check_requirements() or ["there are none"]
    print("\nrequirements in params.yaml:", *(f"  {line}" for line in lines), sep="\n")
    print("\nNext: answer the open questions (plumbline docs design), set requirements, make repro, read the card")
    return 0


def _check_requirements() -> list[str]:
    """Return one line for each requirement: the value of the last run, the limit, and whether it is met."""
    limits = params.read("requirements.latency", "requirements.size").requirements
    lines = [finding.evidence for finding in read_findings("evaluate") if finding.kind is Kind.REQUIREMENT]
    if limits.size is not None:
        wheel = next(Path(paths.DIST).glob("*.whl"), None)
        name = "size of the package in MB"
        size = wheel.stat().st_size / MEGABYTE if wheel else None
        lines.append(f"{name}: {paths.DIST}/ has no wheel" if size is None else _compare(name, size, limits.size))
    if limits.latency is not None:
        lines.append(_compare("milliseconds for one row", _measure_latency(), limits.latency))
    return lines


def _compare(name: str, value: float, limit: float) -> str:
    return f"{name}: {value:.3g}, at most {limit:g}: {'met' if value <= limit else 'NOT MET'}"


def _measure_latency() -> float:
    """Return the milliseconds for the prediction of one row, the median of `PREDICTIONS`."""
    features, model = load_user_code()
    predictor = Predictor(modelfile.read(paths.MODEL, [features, model]), Schema.read(paths.SCHEMA), features.features)
    row = make_rows(predictor)[:1]
    durations = []
    for _ in range(PREDICTIONS):
        start = perf_counter()
        predictor.predict(row)
        durations.append(1000 * (perf_counter() - start))
    return median(durations)
