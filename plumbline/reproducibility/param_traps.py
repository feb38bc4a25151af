"""Replace the parameters that a stage does not declare by traps: values that name the parameter where they are used."""

import json
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import yaml

from plumbline.keys import KEYS
from plumbline.paths import PARAMS
from plumbline.reproducibility.dvc_files import Stage
from plumbline.versions import MODULE_PARAMS

TRAP = "undeclared parameter "  # begins the value of a trap; its file and key follow


def is_covered(name: str, keys: Iterable[str]) -> bool:
    """Return whether a key is one of these or lies below one of them.

    Examples
    --------
    >>> is_covered("model.arguments.depth", ["model.arguments"])
    True
    """
    return any(name == key or name.startswith((f"{key}.", f"{key}[")) for key in keys)


def undeclared_params(stage: Stage) -> list[str]:
    """Return the parameters that a stage has no right to read, as file:key; of params.yaml also those with defaults."""
    params = []
    for file, keys in {PARAMS: [], **stage.params}.items():
        if keys is not None and Path(file).is_file() and not file.endswith(".py"):
            names = dict.fromkeys([*_list_keys(_read(file), keys), *(KEYS if file == PARAMS else ())])
            params += [f"{file}:{name}" for name in names if not is_covered(name, keys)]
    return params


def set_traps(file: str, keys: Collection[str]) -> str:
    """Return the text of a file of parameters with a trap for each of these keys.

    Parameters
    ----------
    file : str
        A YAML, TOML or JSON file.
    keys : collection of str
        Dotted names. In YAML a trap is bytes, which no rule for a parameter allows.
    """
    content, is_yaml = _read(file), file.endswith((".yaml", ".yml"))
    for key in keys:
        *groups, last = key.partition("[")[0].split(".")  # of a list: all of it
        node = content
        for group in groups:
            node[group] = node.get(group) or {}
            node = node[group]
        trap = f"{TRAP}{file}:{key}"
        names = _set_package_traps(node.get(last), trap) if file == PARAMS and key in MODULE_PARAMS.values() else None
        node[last] = names or (trap.encode() if is_yaml else trap)
    if file.endswith(".toml"):
        return "".join(f"{json.dumps(key)} = {_to_toml(value)}\n" for key, value in content.items())
    return yaml.safe_dump(content, sort_keys=False) if is_yaml else json.dumps(content)


def _read(file: str) -> dict[str, Any]:
    text = Path(file).read_text(encoding="utf-8")
    return (tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)) or {}


def _list_keys(content: dict[str, Any], keys: list[str], prefix: str = "") -> list[str]:
    """group.key of each value, deeper where a declared key lies below."""
    names: list[str] = []
    for key, value in content.items():
        name = f"{prefix}{key}"
        is_declared_below = not prefix or any(declared_key.startswith(f"{name}.") for declared_key in keys)
        is_group = isinstance(value, dict) and bool(value) and is_declared_below
        names += _list_keys(value, keys, f"{name}.") if is_group else [name]
    return names


def _set_package_traps(value: Any, trap: str) -> list[str]:
    """The trap as dotted names of the same packages: these are part of a digest, the names inside them are not."""
    words = value if isinstance(value, list) else [value]
    return [f"{word.partition('.')[0]}.{trap}" for word in words if isinstance(word, str) and "." in word]


def _to_toml(content: Any) -> str:
    if isinstance(content, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_to_toml(value)}" for key, value in content.items()) + "}"
    if isinstance(content, list):
        return "[" + ", ".join(map(_to_toml, content)) + "]"
    return content.isoformat() if hasattr(content, "isoformat") else json.dumps(content, ensure_ascii=False)
