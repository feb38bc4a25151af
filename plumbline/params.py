"""params.yaml: every decision that a machine acts on.

A stage reads its own keys alone (`read`), each checked; dvc.yaml names the same keys.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from plumbline.errors import ParamsError, nearest_name
from plumbline.files import replacing
from plumbline.keys import GROUPS, KEYS, REQUIRED, ROLES, Group, Key, Params
from plumbline.paths import PARAMS, PROJECT
from plumbline.strictyaml import read_yaml


def load(path: str = PARAMS) -> dict[str, Any]:
    """Return the file as it is, {"group.key": value}, without checking a value.

    Raises
    ------
    PlumblineError
        Where the file is not two levels of YAML.
    """
    return flatten(read_yaml(path), path)


def flatten(groups: Any, path: str) -> dict[str, Any]:
    """Return {"group.key": value} for the content of `path`."""
    if not isinstance(groups, dict) or not all(isinstance(keys, dict | None) for keys in groups.values()):
        raise ParamsError(f"{path}: expected groups of keys", hint="Indent each key below the name of its group")
    return {f"{group}.{key}": value for group, keys in groups.items() for key, value in (keys or {}).items()}


def read(*keys: str) -> Params:
    """Read these keys of params.yaml and no others.

    Parameters
    ----------
    *keys : str
        Such as "model.folds". A key that is absent from the file has its default.

    Returns
    -------
    Params
        Its groups have these keys as attributes, `params.model.folds`.

    Raises
    ------
    ParamsError
        Where a value is not allowed, or two keys contradict each other.
    """
    sys.audit("params.read", PARAMS, keys)  # a hermetic run listens
    content = load()
    values = {key: _check_value(key, content) for key in keys}
    _check_contradictions(values)
    return Params(**{name: _fill_group(kind, name, values) for name, kind in GROUPS.items()})  # type: ignore[arg-type]


def _fill_group(kind: type[Group], name: str, values: Mapping[str, Any]) -> Group:
    group = kind.__new__(kind)
    for key, value in values.items():
        if key.startswith(f"{name}."):
            object.__setattr__(group, key.split(".")[1], value)
    return group


def read_project(*keys: str) -> list[str]:
    """Return these keys of [project] in pyproject.toml."""
    sys.audit("params.read", PROJECT, tuple(f"project.{key}" for key in keys))  # a hermetic run listens
    content = tomllib.loads(Path(PROJECT).read_text(encoding="utf-8"))["project"]
    return [content[key] for key in keys]


def _check_value(name: str, content: Mapping[str, Any]) -> Any:
    key = KEYS[name]
    value = content.get(name, key.default)
    if value is REQUIRED:
        raise ParamsError(
            f"{PARAMS}: {name} is missing, expected {key.allowed}", hint=f"Add it under {name.split('.')[0]}"
        )
    if value is None and key.default in ([], {}):
        return key.default  # left blank
    if not key.accepts(value):
        hint = suggest(str(value), key.allowed.split(" | ")) or _hint_default(key)
        if isinstance(value, int | float | date) and key.accepts(str(value)):
            hint = "Put it in quotes"  # YAML reads yes as true, and 007 as 7
        text = "blank" if value is None else repr(value)
        raise ParamsError(f"{PARAMS}: {name} is {text}, expected {key.allowed}", hint=hint)
    return value


def _hint_default(key: Key) -> str:
    is_required = key.default is REQUIRED
    return (
        "Set such a value"
        if is_required
        else f"Set such a value, or delete the line: the default is {_dump(key.default)}"
    )


def _dump(value: Any) -> str:
    """One line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True).splitlines()[0]


def suggest(name: str, candidates: Iterable[str]) -> str:
    """Return a question for the hint of an error: which name may be meant; empty where none is similar.

    Examples
    --------
    >>> suggest("traget", ["target", "source"])
    "Did you mean 'target'?"
    """
    nearest = nearest_name(name, candidates)
    return f"Did you mean {nearest!r}?" if nearest else ""


def check() -> Params:
    """Check the whole file: that it has no unknown key, each value, and contradictions. Return all of it.

    Raises
    ------
    ParamsError
        For the first thing that is wrong.
    """
    for key in load():
        name = key.split(".")[0]
        group = [member for member in KEYS if member.startswith(f"{name}.")]
        is_own_stage = not group and Path(f"src/stages/{name}.py").is_file()  # it checks its keys itself
        if key not in KEYS and not is_own_stage:
            hint = suggest(key, KEYS) or "Remove it"
            raise ParamsError(
                f"{PARAMS}: {key} is not a known parameter, expected {', '.join(group or KEYS)}", hint=hint
            )
    return read(*KEYS)


def _check_contradictions(values: Mapping[str, Any]) -> None:
    keys_of: dict[str, str] = {}
    for key in ("data.ignore", "requirements.protected", *ROLES):
        value = values.get(key)
        for column in value if isinstance(value, list) else [value]:
            if column is None or (key, column) == ("data.key", "auto"):
                continue
            if column in keys_of:
                message = f"{PARAMS}: {keys_of[column]} and {key} both name {column!r}"
                raise ParamsError(message, hint="Remove it from one of them")
            keys_of[column] = key
    if values.get("split.cut") is not None and values.get("data.time", "") is None:
        raise ParamsError(
            f"{PARAMS}: split.cut is set and data.time is null", hint="Set data.time to the column with the time"
        )
    for key in ("data.positive", "model.threshold"):
        task, default = values.get("data.task"), KEYS[key].default
        if task in ("multiclass", "regression") and values.get(key, default) != default:
            message = f"{PARAMS}: {key} is for a binary task, and data.task is {task}"
            raise ParamsError(message, hint=f"Set it to {default}")


def add_defaults() -> list[str]:
    """Add each missing key with its default to the file, and return their names.

    DVC refuses to track a key that is not there.
    """
    content = load()
    missing = [name for name, key in KEYS.items() if name not in content and key.default is not REQUIRED]
    text = Path(PARAMS).read_bytes().decode("utf-8")  # bytes: line ends stay as they are
    for name in missing:
        text = _add_line(text, *name.split("."))
    if missing:
        with replacing(PARAMS) as path:
            path.write_bytes(text.encode("utf-8"))
    return missing


def _add_line(text: str, group: str, name: str) -> str:
    """The file with one more key, at its default, at the end of its group."""
    value = _dump(KEYS[f"{group}.{name}"].default)
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
