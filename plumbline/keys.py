# ruff: noqa: RUF009  # the fields are made by a function
"""The keys of params.yaml: each group is a frozen dataclass, each field has its default and its allowed values."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

Test = Callable[[Any], bool]
REQUIRED = object()
TASKS = ("binary", "multiclass", "regression")
TYPES = ("integer", "number", "boolean", "category", "text", "timestamp")
COLUMN = "a column's name, or null"
GATES = ("log_loss", "mean_absolute_error", "root_mean_squared_error")  # metrics that can decide a review
ROLES = ("data.target", "data.key", "data.group", "data.time", "data.weight")


@dataclass(frozen=True)
class Key:
    """One key: its default, and which values are allowed, in words and as a test (plumbline docs parameters)."""

    default: Any
    allowed: str
    accepts: Test


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value)


def _is_map(value: Any, accepts: Test = lambda _: True) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value)) and all(map(accepts, value.values()))


def _is_type(value: Any) -> bool:
    """A timestamp may have its format behind it: "timestamp %d.%m.%Y"."""
    name, _, pattern = str(value).partition(" ")
    return name in TYPES and (not pattern or (name == "timestamp" and "%" in pattern))


def _whole(low: int, high: float = float("inf")) -> Test:
    return lambda value: type(value) is int and low <= value <= high


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_costs(value: Any) -> bool:
    return _is_map(value, _is_positive) and set(value) == {"false_positive", "false_negative"}


def _is_source(value: Any) -> bool:
    return _is_text(value) and value[0] != "/" and not set(":\\") & set(value) and ".." not in value.split("/")


def _is_moment(value: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except (ValueError, TypeError):  # TypeError: without quotes YAML makes a date of it, which DVC refuses
        return False


def _or(word: Any, accepts: Test) -> Test:
    return lambda value: value == word or accepts(value)


def _key(default: Any, allowed: str, accepts: Test) -> Any:
    metadata = {"key": Key(default, allowed, accepts)}
    return (
        field(metadata=metadata) if default is REQUIRED else field(default_factory=lambda: default, metadata=metadata)
    )


class Group:
    """A group of params.yaml. A key that was not read is not an attribute: a stage that uses it fails."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__.lower()}.{name} is not among the keys that were read")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


@dataclass(frozen=True, repr=False)
class Data(Group):
    """The table: where it is, what its columns mean."""

    source: str = _key(REQUIRED, "a path in the project, without ..", _is_source)
    target: str = _key(REQUIRED, "a column's name", _is_text)
    task: str = _key("auto", "auto | " + " | ".join(TASKS), ("auto", *TASKS).__contains__)
    positive: str | int = _key("auto", "auto, or a class", lambda value: isinstance(value, str | int))
    key: str | None = _key("auto", f"auto, {COLUMN}", _or(None, _is_text))
    group: str | None = _key(None, COLUMN, _or(None, _is_text))
    time: str | None = _key(None, COLUMN, _or(None, _is_text))
    weight: str | None = _key(None, COLUMN, _or(None, _is_text))
    ignore: list[str] = _key([], "a list of columns' names", _is_texts)
    types: dict[str, str] = _key({}, "a map, column: " + " | ".join(TYPES), lambda value: _is_map(value, _is_type))
    unlabelled: str = _key("stop", "stop | drop", ("stop", "drop").__contains__)
    missing: list[str] = _key([], "a list of words", _is_texts)
    allow: dict[str, str] = _key({}, "a map, column: the reason", lambda value: _is_map(value, _is_text))
    show_values: bool = _key(False, "true or false", lambda value: isinstance(value, bool))


@dataclass(frozen=True, repr=False)
class Split(Group):
    """Which rows are the holdout."""

    holdout: float = _key(0.2, "a number between 0 and 1", _is_share)
    salt: int = _key(0, "a whole number from 0", _whole(0))
    cut: str | None = _key(None, "a date or time in quotes, or null", _or(None, _is_moment))


@dataclass(frozen=True, repr=False)
class Model(Group):
    """How a model is trained."""

    estimator: str = _key("auto", "auto, or a dotted name", lambda v: v == "auto" or (_is_text(v) and "." in v))
    arguments: dict[str, Any] = _key({}, "a map, argument: value", _is_map)
    seed: int = _key(0, "a whole number from 0 to 4294967295", _whole(0, 2**32 - 1))
    folds: int = _key(5, "a whole number from 2 to 20", _whole(2, 20))
    threshold: float | Literal["auto"] = _key(0.5, "auto, or a number between 0 and 1", _or("auto", _is_share))


@dataclass(frozen=True, repr=False)
class Evaluate(Group):
    """What is measured on the holdout."""

    metrics: list[str] | Literal["auto"] = _key(
        "auto", "auto, or a list of names", _or("auto", lambda value: _is_texts(value) and value != [])
    )
    slices: list[str] | Literal["auto"] = _key("auto", "auto, or a list of columns' names", _or("auto", _is_texts))
    bootstrap: int = _key(1000, "a whole number from 100 to 100000", _whole(100, 10**5))


@dataclass(frozen=True, repr=False)
class Requirements(Group):
    """What the model must reach."""

    floors: dict[str, float] = _key({}, "a map, metric: number", lambda value: _is_map(value, _is_number))
    must_work: list[str] = _key(
        [],
        "a list of slices, COLUMN = LEVEL",
        lambda value: _is_texts(value) and all(" = " in slice_ for slice_ in value),
    )
    costs: dict[str, float] | None = _key(
        None, "null, or {false_positive: a number, false_negative: a number}", _or(None, _is_costs)
    )
    protected: list[str] = _key([], "a list of columns' names", _is_texts)
    latency: float | None = _key(None, "milliseconds for one row, or null", _or(None, _is_positive))
    size: float | None = _key(None, "megabytes of the package, or null", _or(None, _is_positive))


@dataclass(frozen=True, repr=False)
class Review(Group):
    """How two commits are compared."""

    metric: str = _key("auto", "auto | " + " | ".join(GATES), ("auto", *GATES).__contains__)
    margin: float | Literal["auto"] = _key("auto", "auto, or a number above 0", _or("auto", _is_positive))
    gap: float = _key(0.05, "a number between 0 and 1", _is_share)
    loss: float = _key(0.1, "a number between 0 and 1", _is_share)
    replicas: int = _key(5, "a whole number from 3 to 50", _whole(3, 50))
    folds: int = _key(5, "a whole number from 2 to 20", _whole(2, 20))
    alpha: float = _key(0.05, "a number between 0 and 1", _is_share)
    require: str | None = _key(None, "null | same | better", (None, "same", "better").__contains__)


@dataclass(frozen=True)
class Params:
    """The groups of params.yaml, with the keys that were read."""

    data: Data
    split: Split
    model: Model
    evaluate: Evaluate
    requirements: Requirements
    review: Review


GROUPS: dict[str, type[Group]] = {
    "data": Data,
    "split": Split,
    "model": Model,
    "evaluate": Evaluate,
    "requirements": Requirements,
    "review": Review,
}
KEYS: dict[str, Key] = {
    f"{group}.{item.name}": item.metadata["key"]
    for group, kind in GROUPS.items()
    for item in fields(kind)  # type: ignore[arg-type]
}
