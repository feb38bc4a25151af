"""The design of the project: what people said in docs/project.yaml, and whether what they ask for is met.

Answers flow into the model card. Nothing here stops a pipeline and nothing here is learned from.
"""

from typing import Any

from plumbline import params, paths
from plumbline.errors import PlumblineError
from plumbline.scope import includes, parse_tables
from plumbline.strictyaml import read_yaml

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


def about() -> tuple[str, ...]:
    """The tables that docs/project.yaml is about, and with it the description in pyproject.toml."""
    content = read_yaml(paths.DESIGN)
    return parse_tables(content.get("table"), paths.DESIGN) if isinstance(content, dict) else ()


def answers(source: str) -> dict[str, Any]:
    """Every question of docs/project.yaml and its answer for this table, None where there is none.

    priority.use_cases: maps of name, value, feasibility and why, the highest product of value and feasibility first.
    Raises PlumblineError for what is no YAML, no question, or no prose.
    """
    if not includes(about(), source):
        return dict.fromkeys(QUESTIONS)
    content = read_yaml(paths.DESIGN)
    groups = {key: keys for key, keys in content.items() if key != "table"} if isinstance(content, dict) else content
    given = params.flatten(groups, paths.DESIGN)
    for name in given:
        if name not in QUESTIONS:
            raise PlumblineError(
                f"{paths.DESIGN}: {name} is no question", hint=params.suggest(name, QUESTIONS) or "See docs/design.md"
            )
    found = {name: given.get(name) for name in QUESTIONS}
    for name, answer in found.items():
        if name != CASES and not (answer is None or isinstance(answer, str)):
            raise PlumblineError(f"{paths.DESIGN}: {name} is {answer!r}, expected a sentence or null. Put it in quotes")
    return found | {CASES: None if found[CASES] is None else _use_cases(found[CASES])}


def _use_cases(given: Any) -> list[dict[str, Any]]:
    for case in given if isinstance(given, list) and given else [given]:
        fits = isinstance(case, dict) and set(case) == set(USE_CASE)
        fits = fits and all(isinstance(case[key], str) and case[key].strip() for key in ("name", "why"))
        if not fits or not all(type(case[key]) is int and 1 <= case[key] <= 5 for key in ("value", "feasibility")):
            raise PlumblineError(
                f"{paths.DESIGN}: use_cases has {case!r}, expected a list of {{{', '.join(USE_CASE)}}}, "
                "value and feasibility whole numbers from 1 to 5, name and why in words; or null"
            )
    return sorted(given, key=lambda case: -case["value"] * case["feasibility"])
