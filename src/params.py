"""params.yaml: every decision a machine acts on.

    python -m src.params    check the whole file: unknown key, wrong type, out of range, contradiction

A stage reads only its own keys (`read`), each strictly; the same keys stand in dvc.yaml.
"""

import difflib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from src.names import PARAMS
from src.predictor.refusal import Refusal, guarded
from src.predictor.schema import TASKS, TYPES

REQUIRED = object()


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


def _whole(low: int, high: float = float("inf")) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1


def _source(value: Any) -> bool:
    return _text(value) and not Path(value).is_absolute() and ".." not in Path(value).parts


def _moment(value: Any) -> bool:
    return value is None or isinstance(value, date) or (_text(value) and bool(re.match(r"\d{4}-\d\d-\d\d", value)))


def _types(value: Any) -> bool:
    return _named(value) and all(kind in TYPES for kind in value.values())


def _column(value: Any) -> bool:
    return value is None or _text(value)


def _auto(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value == "auto" or fits(value)


COLUMN = "a column's name, or null"
KEYS: dict[str, Key] = {
    "data.source": Key(REQUIRED, "a path in the project, without ..", _source),
    "data.target": Key(REQUIRED, "a column's name", _text),
    "data.task": Key("auto", "auto | " + " | ".join(TASKS), _auto(TASKS.__contains__)),
    "data.positive": Key("auto", "auto, or a class", lambda v: isinstance(v, str | int)),
    "data.key": Key("auto", f"auto, {COLUMN}", _column),
    "data.group": Key(None, COLUMN, _column),
    "data.time": Key(None, COLUMN, _column),
    "data.weight": Key(None, COLUMN, _column),
    "data.ignore": Key([], "a list of columns' names", _texts),
    "data.types": Key({}, "a map, column: " + " | ".join(TYPES), _types),
    "split.holdout": Key(0.2, "a number between 0 and 1", _share),
    "split.salt": Key(0, "a whole number from 0", _whole(0)),
    "split.cut": Key(None, "a date or time, or null", _moment),
    "model.estimator": Key("auto", "auto, or a dotted name", _auto(lambda v: _text(v) and "." in v)),
    "model.arguments": Key({}, "a map, argument: value", _named),
    "model.seed": Key(0, "a whole number from 0 to 4294967295", _whole(0, 2**32 - 1)),
    "model.folds": Key(5, "a whole number from 2 to 20", _whole(2, 20)),
    "model.threshold": Key(0.5, "auto, or a number between 0 and 1", _auto(_share)),
    "evaluate.metrics": Key("auto", "auto, or a list of names", _auto(lambda v: _texts(v) and v)),
    "evaluate.slices": Key("auto", "auto, or a list of columns' names", _auto(_texts)),
    "evaluate.bootstrap": Key(1000, "a whole number from 100 to 100000", _whole(100, 10**5)),
}


class _Loader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise Refusal(f"{PARAMS}, line {key.start_mark.line + 1}: {key.value} stands twice. Keep one of them")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(path: str = PARAMS) -> dict[str, Any]:
    """The file as it stands, {"group.key": value}; raises Refusal when it is not two levels of YAML."""
    try:
        groups = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)  # noqa: S506, a SafeLoader
    except OSError as error:
        raise Refusal(f"{path}: not readable ({error.strerror}). Take it from git: git restore {path}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise Refusal(f"{path}{where}: not YAML ({getattr(error, 'problem', error)}). Mend the line") from None
    if not isinstance(groups, dict) or not all(isinstance(group, dict) for group in groups.values()):
        raise Refusal(f"{path}: expected groups of keys (data, split, model, evaluate), each indented below its name")
    return {f"{group}.{key}": value for group, keys in groups.items() for key, value in keys.items()}


def read(*keys: str) -> SimpleNamespace:
    """Exactly these keys, checked, by their last names; an absent one has its default."""
    values = load()
    return SimpleNamespace(**{key.split(".")[1]: _value(key, values) for key in keys})


def _value(key: str, values: dict[str, Any]) -> Any:
    rule = KEYS[key]
    if key not in values:
        if rule.default is REQUIRED:
            raise Refusal(f"{PARAMS}: {key} is missing, expected {rule.allowed}. Add it")
        return rule.default
    if not rule.fits(values[key]):
        hint = _nearest(values[key], rule.allowed.replace(",", " ").split())
        raise Refusal(f"{PARAMS}: {key} is {values[key]!r}, expected {rule.allowed}{hint}")
    return values[key]


def _nearest(given: Any, names: list[str]) -> str:
    near = difflib.get_close_matches(str(given), names, n=1)
    return f". Did you mean {near[0]}?" if near else ""


def check() -> SimpleNamespace:
    """The whole file: each key strictly, then what contradicts. Returns all values by their last names."""
    values = load()
    for key in values:
        if key not in KEYS:
            raise Refusal(f"{PARAMS}: {key} is no key, expected one of docs/parameters.md{_nearest(key, list(KEYS))}")
    all_keys = read(*KEYS)
    _contradictions(all_keys)
    return all_keys


def _contradictions(p: SimpleNamespace) -> None:
    roles: dict[str, str] = {}
    named = {name: getattr(p, name) for name in ("target", "key", "group", "time", "weight")}
    for name, column in [(n, c) for n, c in named.items() if c not in (None, "auto")]:
        if column in roles:
            raise Refusal(f"{PARAMS}: data.{roles[column]} and data.{name} are both {column!r}. Give each its own")
        roles[column] = name
    for column in set(p.ignore) & set(roles):
        raise Refusal(f"{PARAMS}: data.ignore names {column!r}, which is data.{roles[column]}. Take it out of one")
    if p.cut is not None and p.time is None:
        raise Refusal(f"{PARAMS}: split.cut is set and data.time is null. Name the column that says when")
    for key, value, default in (("data.positive", p.positive, "auto"), ("model.threshold", p.threshold, 0.5)):
        if p.task in ("multiclass", "regression") and value != default:
            raise Refusal(f"{PARAMS}: {key} is for a binary task, and data.task is {p.task}. Leave it at {default}")


def fill() -> list[str]:
    """Writes each absent key with its default into the file: DVC refuses to track a key that is not there."""
    absent = [key for key, rule in KEYS.items() if key not in load() and rule.default is not REQUIRED]
    lines = Path(PARAMS).read_text(encoding="utf-8").splitlines()
    for key in absent:
        group, name = key.split(".")
        value = yaml.safe_dump(KEYS[key].default, default_flow_style=True).splitlines()[0]
        if f"{group}:" not in [line.split("#")[0].rstrip() for line in lines]:
            lines += ["", f"{group}:"]
        start = next(i for i, line in enumerate(lines) if line.split("#")[0].rstrip() == f"{group}:")
        end = next((i for i in range(start + 1, len(lines)) if lines[i] and lines[i][0] not in " #"), len(lines))
        while not lines[end - 1].strip():
            end -= 1
        lines.insert(end, f"  {name}: {value}")
    if absent:
        Path(PARAMS).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return absent


def main() -> int:
    check()
    print(f"{PARAMS}: every key is known, typed and within its range")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
