"""The design of the project: what people said in docs/project.yaml, and whether what they ask for is met.

Answers flow into the model card. Nothing here stops a pipeline and nothing here is learned from.
"""

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.errors import Refusal
from plumbline.findings import is_about, read_findings, tables
from plumbline.prediction import golden, modelfile
from plumbline.prediction.predictor import Predictor
from plumbline.project import load_user_code

QUESTIONS = (
    "problem.question",
    "problem.users",
    "problem.today",
    "priority.use_cases",
    "data.what",
    "data.owner",
    "data.refresh",
    "data.rights",
    "data.lead_time",
    "requirements.why",
    "use.intended",
    "use.excluded",
    "use.limits",
    "care.owner",
    "care.retire",
)
CASES = "priority.use_cases"
USE_CASE = ("name", "value", "feasibility", "why")
CURE = f"in {paths.DESIGN}: table: {{}}"
TIMED = 50  # predictions of one row, of which the median counts
MEGABYTE = 1e6


def about() -> tuple[str, ...]:
    """The tables that docs/project.yaml is about, and with it the description in pyproject.toml."""
    content = params.parse(paths.DESIGN)
    return tables(content.get("table"), paths.DESIGN) if isinstance(content, dict) else ()


def answers(source: str) -> dict[str, Any]:
    """Every question of docs/project.yaml and its answer for this table, None where there is none.

    priority.use_cases: maps of name, value, feasibility and why, the highest product of value and feasibility first.
    Raises Refusal for what is no YAML, no question, or no prose.
    """
    if not is_about(about(), source):
        return dict.fromkeys(QUESTIONS)
    content = params.parse(paths.DESIGN)
    groups = {key: keys for key, keys in content.items() if key != "table"} if isinstance(content, dict) else content
    given = params.flatten(groups, paths.DESIGN)
    for name in given:
        if name not in QUESTIONS:
            raise Refusal(f"{paths.DESIGN}: {name} is no question{params.nearest(name, QUESTIONS)}. See docs/design.md")
    found = {name: given.get(name) for name in QUESTIONS}
    for name, answer in found.items():
        if name != CASES and not (answer is None or isinstance(answer, str)):
            raise Refusal(f"{paths.DESIGN}: {name} is {answer!r}, expected a sentence or null. Put it in quotes")
    return found | {CASES: None if found[CASES] is None else _use_cases(found[CASES])}


def _use_cases(given: Any) -> list[dict[str, Any]]:
    for case in given if isinstance(given, list) and given else [given]:
        fits = isinstance(case, dict) and set(case) == set(USE_CASE)
        fits = fits and all(isinstance(case[key], str) and case[key].strip() for key in ("name", "why"))
        if not fits or not all(type(case[key]) is int and 1 <= case[key] <= 5 for key in ("value", "feasibility")):
            raise Refusal(
                f"{paths.DESIGN}: use_cases has {case!r}, expected a list of {{{', '.join(USE_CASE)}}}, "
                "value and feasibility whole numbers from 1 to 5, name and why in words; or null"
            )
    return sorted(given, key=lambda case: -case["value"] * case["feasibility"])


def met() -> list[str]:
    """What was asked for and what the last run gives, a line each; latency is measured here and now."""
    asked = params.read("requirements.latency", "requirements.size")
    lines = [f["evidence"] for f in read_findings("evaluate") if f["rule"] == "requirement"]
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
    row, taken = golden.rows(predictor)[:1], []
    for _ in range(TIMED):
        start = perf_counter()
        predictor.predict(row)
        taken.append(1000 * (perf_counter() - start))
    return median(taken)
