"""List what is still open in docs/project.yaml, and say whether the last run meets `requirements` of params.yaml."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from statistics import median
from time import perf_counter

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.design import CASES, CURE, about, answers
from plumbline.errors import PlumblineError
from plumbline.findings import Kind, read_findings
from plumbline.prediction import modelfile
from plumbline.prediction.golden import make_rows
from plumbline.prediction.predictor import Predictor
from plumbline.project import load_user_code
from plumbline.scope import explain_omission, includes

TIMED = 50  # predictions of one row, of which the median counts
MEGABYTE = 1e6


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    source = params.read("data.source").data.source
    found = answers(source)
    if not includes(about(), source):
        print(f"WARNING: {explain_omission(paths.DESIGN, about(), source, CURE)}")
    unanswered = [name for name, answer in found.items() if not answer]
    print(f"{paths.DESIGN}: {len(found) - len(unanswered)} of {len(found)} questions are answered for {source}")
    for name in unanswered:
        print(f"  not stated: {name}")
    for case in found[CASES] or []:
        print(f"  {case['value'] * case['feasibility']:2} = {case['value']} x {case['feasibility']}  {case['name']}")
    if not Path(paths.MODEL).exists() or not Path(paths.checks("evaluate")).exists():
        raise PlumblineError(
            "requirements: nothing has run yet, so there is nothing to hold them against. First: make repro"
        )
    lines = met()
    print("\n".join(["\nrequirements in params.yaml:", *(f"  {line}" for line in lines or ["none is stated"])]))
    print("\nNext: answer what is open (docs/design.md), state what you require, make repro, read the card")
    return 0


def met() -> list[str]:
    """What was asked for and what the last run gives, a line each; latency is measured here and now."""
    asked = params.read("requirements.latency", "requirements.size").requirements
    lines = [f.evidence for f in read_findings("evaluate") if f.kind is Kind.REQUIREMENT]
    if asked.size is not None:
        made = next(Path(paths.DIST).glob("*.whl"), None)
        what = "size of the package in MB"
        lines.append(
            verdict(what, made.stat().st_size / MEGABYTE, asked.size) if made else f"{what}: no package is there"
        )
    if asked.latency is not None:
        lines.append(verdict("milliseconds for one row", _latency(), asked.latency))
    return lines


def verdict(what: str, value: float, limit: float) -> str:
    return f"{what}: {value:.3g}, at most {limit:g}: {'met' if value <= limit else 'NOT MET'}"


def _latency() -> float:
    schema = Schema.loads(Path(paths.SCHEMA).read_text(encoding="utf-8"))
    features, model = load_user_code()
    predictor = Predictor(modelfile.read(paths.MODEL, [features, model]), schema, features.features)
    row, taken = make_rows(predictor)[:1], []
    for _ in range(TIMED):
        start = perf_counter()
        predictor.predict(row)
        taken.append(1000 * (perf_counter() - start))
    return median(taken)
