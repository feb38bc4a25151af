"""params.yaml: every decision a machine acts on.

A stage reads only its own keys (`read`), each strictly; the same keys stand in dvc.yaml.
"""

import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from plumbline.errors import PlumblineError, nearest_name
from plumbline.files import replacing
from plumbline.paths import PARAMS, PROJECT

REQUIRED = object()
TASKS = ("binary", "multiclass", "regression")
TYPES = ("integer", "number", "boolean", "category", "text", "timestamp")


@dataclass(frozen=True)
class Key:
    """One key: its default and what is allowed, in words and as a test; docs/parameters.md says what it decides."""

    default: Any
    allowed: str
    fits: Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value)) and len(set(value)) == len(value)


def _named(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value))


def _types(value: Any) -> bool:
    """A type each; a timestamp may have its format behind it: "timestamp %d.%m.%Y"."""
    kinds = [str(kind).partition(" ") for kind in value.values()] if _named(value) else [("", "", "")]
    return all(kind in TYPES and (not form or (kind == "timestamp" and "%" in form)) for kind, _, form in kinds)


def _whole(low: int, high: float = float("inf")) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < 1


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _above_zero(value: Any) -> bool:
    return _number(value) and value > 0


def _costs(value: Any) -> bool:
    return (
        _named(value) and set(value) == {"false_positive", "false_negative"} and all(map(_above_zero, value.values()))
    )


def _source(value: Any) -> bool:
    return _text(value) and value[0] != "/" and not set(":\\") & set(value) and ".." not in value.split("/")


def _moment(value: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except (ValueError, TypeError):  # TypeError: without quotes YAML makes a date of it, at which DVC stops
        return False


def _or(word: Any, fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value == word or fits(value)


COLUMN = "a column's name, or null"
GATES = ("log_loss", "mean_absolute_error", "root_mean_squared_error")  # what a review can decide by
ROLES = ("data.target", "data.key", "data.group", "data.time", "data.weight")
KEYS: dict[str, Key] = {
    "data.source": Key(REQUIRED, "a path in the project, without ..", _source),
    "data.target": Key(REQUIRED, "a column's name", _text),
    "data.task": Key("auto", "auto | " + " | ".join(TASKS), ("auto", *TASKS).__contains__),
    "data.positive": Key("auto", "auto, or a class", lambda v: isinstance(v, str | int)),
    "data.key": Key("auto", f"auto, {COLUMN}", _or(None, _text)),
    "data.group": Key(None, COLUMN, _or(None, _text)),
    "data.time": Key(None, COLUMN, _or(None, _text)),
    "data.weight": Key(None, COLUMN, _or(None, _text)),
    "data.ignore": Key([], "a list of columns' names", _texts),
    "data.types": Key({}, "a map, column: " + " | ".join(TYPES), _types),
    "data.unlabelled": Key("stop", "stop | drop", ("stop", "drop").__contains__),
    "data.missing": Key([], "a list of words", _texts),
    "data.allow": Key({}, "a map, column: the reason", lambda value: _named(value) and all(map(_text, value.values()))),
    "data.show_values": Key(False, "true or false", lambda value: isinstance(value, bool)),
    "split.holdout": Key(0.2, "a number between 0 and 1", _share),
    "split.salt": Key(0, "a whole number from 0", _whole(0)),
    "split.cut": Key(None, "a date or time in quotes, or null", _or(None, _moment)),
    "model.estimator": Key("auto", "auto, or a dotted name", lambda v: v == "auto" or (_text(v) and "." in v)),
    "model.arguments": Key({}, "a map, argument: value", _named),
    "model.seed": Key(0, "a whole number from 0 to 4294967295", _whole(0, 2**32 - 1)),
    "model.folds": Key(5, "a whole number from 2 to 20", _whole(2, 20)),
    "model.threshold": Key(0.5, "auto, or a number between 0 and 1", _or("auto", _share)),
    "evaluate.metrics": Key("auto", "auto, or a list of names", _or("auto", lambda v: _texts(v) and v != [])),
    "evaluate.slices": Key("auto", "auto, or a list of columns' names", _or("auto", _texts)),
    "evaluate.bootstrap": Key(1000, "a whole number from 100 to 100000", _whole(100, 10**5)),
    "requirements.floors": Key({}, "a map, metric: number", lambda v: _named(v) and all(map(_number, v.values()))),
    "requirements.must_work": Key(
        [], "a list of slices, COLUMN = LEVEL", lambda v: _texts(v) and all(" = " in s for s in v)
    ),
    "requirements.costs": Key(None, "null, or {false_positive: a number, false_negative: a number}", _or(None, _costs)),
    "requirements.protected": Key([], "a list of columns' names", _texts),
    "requirements.latency": Key(None, "milliseconds for one row, or null", _or(None, _above_zero)),
    "requirements.size": Key(None, "megabytes of the package, or null", _or(None, _above_zero)),
    "review.metric": Key("auto", "auto | " + " | ".join(GATES), ("auto", *GATES).__contains__),
    "review.margin": Key("auto", "auto, or a number above 0", _or("auto", _above_zero)),
    "review.gap": Key(0.05, "a number between 0 and 1", _share),
    "review.loss": Key(0.1, "a number between 0 and 1", _share),
    "review.replicas": Key(5, "a whole number from 3 to 50", _whole(3, 50)),
    "review.folds": Key(5, "a whole number from 2 to 20", _whole(2, 20)),
    "review.alpha": Key(0.05, "a number between 0 and 1", _share),
    "review.require": Key(None, "null | same | better", (None, "same", "better").__contains__),
}


class Loader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Ten lines of aliases can stand for more than any memory holds."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="an alias stands here", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)


def parse(file: str) -> Any:
    """What a YAML file holds; raises PlumblineError for one that is none, and for what could run or grow."""
    try:
        return yaml.load(Path(file).read_bytes(), Loader)  # noqa: S506, a SafeLoader
    except FileNotFoundError:
        raise PlumblineError(f"{file} is not there. Bring it back: git restore {file}") from None
    except RecursionError:
        raise PlumblineError(f"{file}: is nested too deep. Fix it") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise PlumblineError(f"{file}{where}: {getattr(error, 'problem', error)}. Fix the line") from None


def load(file: str = PARAMS) -> dict[str, Any]:
    """The file as it stands, {"group.key": value}; raises PlumblineError when it is not two levels of YAML."""
    return flatten(parse(file), file)


def flatten(groups: Any, file: str) -> dict[str, Any]:
    if not isinstance(groups, dict) or not all(isinstance(keys, dict | None) for keys in groups.values()):
        raise PlumblineError(f"{file}: expected groups of keys, each key indented below the name of its group")
    return {f"{group}.{key}": value for group, keys in groups.items() for key, value in (keys or {}).items()}


def read(*keys: str) -> SimpleNamespace:
    """Exactly these keys, each checked and against each other, by their last names; an absent one has its default."""
    sys.audit("params.read", PARAMS, keys)  # heard by a hermetic run
    given = load()
    values = {key: _value(key, given) for key in keys}
    _contradictions(values)
    return SimpleNamespace(**{key.split(".")[1]: value for key, value in values.items()})


def project(*keys: str) -> list[str]:
    """What pyproject.toml says of the project."""
    sys.audit("params.read", PROJECT, tuple(f"project.{key}" for key in keys))  # heard by a hermetic run
    content = tomllib.loads(Path(PROJECT).read_text(encoding="utf-8"))["project"]
    return [content[key] for key in keys]


def _value(key: str, given: dict[str, Any]) -> Any:
    rule = KEYS[key]
    value = given.get(key, rule.default)
    if value is REQUIRED:
        raise PlumblineError(f"{PARAMS}: {key} is missing, expected {rule.allowed}. Add it")
    if value is None and rule.default in ([], {}):
        return rule.default  # left blank
    if not rule.fits(value):
        hint = nearest(str(value), rule.allowed.split(" | "))
        if isinstance(value, int | float | date) and rule.fits(str(value)):
            hint = ". Put it in quotes"  # YAML reads yes as true, and 007 as 7
        given_as = "blank" if value is None else repr(value)
        raise PlumblineError(f"{PARAMS}: {key} is {given_as}, expected {rule.allowed}{hint}")
    return value


def nearest(given: str, names: Iterable[str]) -> str:
    """A question to end a refusal with: the name that may have been meant, or nothing."""
    near = nearest_name(given, names)
    return f". Did you mean {near!r}?" if near else ""


def check() -> SimpleNamespace:
    """The whole file: each key strictly, then what contradicts. Returns all values by their last names."""
    for key in load():
        name = key.split(".")[0]
        group = [known for known in KEYS if known.startswith(f"{name}.")]
        if key not in KEYS and (
            group or not Path(f"src/stages/{name}.py").is_file()
        ):  # its own keys are a stage's affair
            raise PlumblineError(f"{PARAMS}: {key} is no key, expected {', '.join(group or KEYS)}{nearest(key, KEYS)}")
    return read(*KEYS)


def _contradictions(values: dict[str, Any]) -> None:
    taken: dict[str, str] = {}
    for key in ("data.ignore", "requirements.protected", *ROLES):
        given = values.get(key)
        for column in given if isinstance(given, list) else [given]:
            if column is None or (key, column) == ("data.key", "auto"):
                continue
            if column in taken:
                raise PlumblineError(f"{PARAMS}: {taken[column]} and {key} both name {column!r}. Take it out of one")
            taken[column] = key
    if values.get("split.cut") is not None and values.get("data.time", "") is None:
        raise PlumblineError(f"{PARAMS}: split.cut is set and data.time is null. Name the column that says when")
    for key in ("data.positive", "model.threshold"):
        task, default = values.get("data.task"), KEYS[key].default
        if task in ("multiclass", "regression") and values.get(key, default) != default:
            raise PlumblineError(
                f"{PARAMS}: {key} is for a binary task, and data.task is {task}. Leave it at {default}"
            )


def fill() -> list[str]:
    """Writes each absent key with its default into the file: DVC refuses to track a key that is not there."""
    given = load()
    absent = [key for key, rule in KEYS.items() if key not in given and rule.default is not REQUIRED]
    text = Path(PARAMS).read_bytes().decode("utf-8")  # bytes: line ends stay as they are
    for key in absent:
        text = _with(text, *key.split("."))
    if absent:
        with replacing(PARAMS) as path:
            path.write_bytes(text.encode("utf-8"))
    return absent


def _with(text: str, group: str, name: str) -> str:
    """The file with one more key, at its default, at the end of its group."""
    value = yaml.safe_dump(KEYS[f"{group}.{name}"].default, default_flow_style=True).splitlines()[0]
    end = "\r\n" if "\r\n" in text else "\n"
    root: Any = yaml.compose(text, yaml.SafeLoader)
    node = next((node for key, node in root.value if key.value == group), None)
    if node is None:
        return f"{text}{'' if text.endswith(end) else end}{end}{group}:{end}  {name}: {value}{end}"
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        start = node.start_mark.index + 1
        return f"{text[:start]}{name}: {value}, {text[start:]}"
    indent = node.start_mark.column if node.value else 2
    while isinstance(node, yaml.CollectionNode) and not node.flow_style:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    at = text.find("\n", node.end_mark.index) + 1 or len(text)
    return f"{text[:at]}{'' if text[:at].endswith(end) else end}{' ' * indent}{name}: {value}{end}{text[at:]}"
