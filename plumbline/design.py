"""Read docs/project.yaml: the answers of people to the questions of the design, and the tables that they are about.

The answers are shown in the report and in the model card. No stage stops because of them and no model learns from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plumbline import params, paths
from plumbline.errors import ProjectError
from plumbline.scope import includes, parse_tables
from plumbline.strictyaml import read_yaml

USE_CASES = "priority.use_cases"
QUESTIONS = (
    "problem.question",
    "problem.users",
    "problem.today",
    USE_CASES,
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
TABLE_HINT = f"in {paths.DESIGN}: table: {{}}"


@dataclass(frozen=True)
class UseCase:
    """A use of the model, with its value and its feasibility as whole numbers from 1 to 5."""

    name: str
    value: int
    feasibility: int
    why: str

    @property
    def priority(self) -> int:
        """The product of value and feasibility.

        Examples
        --------
        >>> UseCase("triage", value=5, feasibility=3, why="most of the waiting time").priority
        15
        """
        return self.value * self.feasibility


@dataclass(frozen=True)
class Answers:
    """The answers of docs/project.yaml for one table.

    Attributes
    ----------
    texts : mapping of str to str or None
        The answer to each question but `priority.use_cases`; None where the question is open.
    use_cases : tuple of UseCase
        The highest priority first; empty where the question is open.
    """

    texts: Mapping[str, str | None]
    use_cases: tuple[UseCase, ...] = ()

    @property
    def open_questions(self) -> list[str]:
        """The questions without an answer, in the order of `QUESTIONS`."""
        return [name for name in QUESTIONS if not (self.use_cases if name == USE_CASES else self.texts[name])]


def read_tables() -> tuple[str, ...]:
    """Return the tables that docs/project.yaml and the description in pyproject.toml are about; empty means any."""
    content = read_yaml(paths.DESIGN)
    return parse_tables(content.get("table"), paths.DESIGN) if isinstance(content, dict) else ()


def read_answers(source: str) -> Answers:
    """Read docs/project.yaml.

    Parameters
    ----------
    source : str
        The table, as in `data.source`. All questions are open where the file is about another table.

    Raises
    ------
    ProjectError
        The file is not YAML, has a key that is not a question, or an answer that is not a sentence.
    """
    if not includes(read_tables(), source):
        return Answers(dict.fromkeys(_text_questions()))
    content = read_yaml(paths.DESIGN)
    groups = {key: keys for key, keys in content.items() if key != "table"} if isinstance(content, dict) else content
    values = params.flatten(groups, paths.DESIGN)
    for name in values:
        if name not in QUESTIONS:
            hint = params.suggest(name, QUESTIONS) or "Remove it: docs/project.yaml of the template has all questions"
            raise ProjectError(f"{paths.DESIGN}: {name} is not a question", hint=hint)
    cases = values.get(USE_CASES)
    texts = {name: _parse_text(name, values.get(name)) for name in _text_questions()}
    return Answers(texts, () if cases is None else _parse_use_cases(cases))


def _text_questions() -> list[str]:
    return [name for name in QUESTIONS if name != USE_CASES]


def _parse_text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ProjectError(
        f"{paths.DESIGN}: {name} is {value!r}, expected a sentence or null", hint="Put the sentence in quotes"
    )


def _parse_use_cases(value: Any) -> tuple[UseCase, ...]:
    items = value if isinstance(value, list) and value else [value]
    return tuple(sorted(map(_parse_use_case, items), key=lambda case: -case.priority))


def _parse_use_case(item: Any) -> UseCase:
    names = tuple(UseCase.__annotations__)
    fits = isinstance(item, dict) and set(item) == set(names)
    fits = fits and all(isinstance(item[key], str) and item[key].strip() for key in ("name", "why"))
    if not fits or not all(type(item[key]) is int and 1 <= item[key] <= 5 for key in ("value", "feasibility")):
        raise ProjectError(
            f"{paths.DESIGN}: use_cases has {item!r}, expected a list of {{{', '.join(names)}}}, "
            "value and feasibility whole numbers from 1 to 5, name and why in words; or null",
            hint="Write each use case in this form, as in plumbline docs design",
        )
    return UseCase(**item)
