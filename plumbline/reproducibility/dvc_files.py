"""Read dvc.yaml, dvc.lock and .dvc files, without DVC and without data."""

import posixpath
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML  # DVC's own reader of YAML 1.2: PyYAML would take the text yes in the lock for true
from ruamel.yaml.error import YAMLError

from plumbline.errors import ProjectError
from plumbline.paths import PARAMS
from plumbline.process import git_paths

PIPELINE, LOCK = "dvc.yaml", "dvc.lock"
_CONFLICT_MARKERS = re.compile(r"(?m)^(<{7} |={7}$|>{7} )")
_LIST_KEYS = ("deps", "params", "outs", "metrics", "plots")  # of a stage
UNSUPPORTED_KEYS = ("wdir", "foreach", "matrix", "vars")  # of a stage
_MISSING = "is not here"
ParamKeys = dict[str, list[str] | None]  # file -> keys of it, None for all


class DvcFileError(ProjectError):
    """A file that DVC reads is missing or malformed.

    Attributes
    ----------
    path : str
        The file.
    reason : str
        What is wrong with it.
    """

    def __init__(self, path: str, reason: str, *, hint: str | None = None) -> None:
        repair = "or run make repro" if path == LOCK else "or fix it"
        super().__init__(f"{path} {reason}", hint=hint or f"Restore the file: git checkout HEAD -- {path}, {repair}")
        self.path = path
        self.reason = reason

    @property
    def is_missing(self) -> bool:
        """Whether there is no such file."""
        return self.reason == _MISSING


@dataclass(frozen=True)
class Output:
    """How DVC stores an output: in its cache or in git, and in which remote (None: the default one), if in any."""

    is_cached: bool = True
    is_pushed: bool = True
    remote: str | None = None


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml, its variables replaced by their values.

    Attributes
    ----------
    name : str
    command : str or list of str
    dependencies : list of str
        Paths.
    params : dict
        For each file the keys that the stage depends on; None for all of them.
    outputs : dict
        By path.
    is_frozen : bool
        Whether DVC ignores its dependencies and parameters.
    unsupported_keys : list of str
        Keys of the stage that this module does not read: then variables are not replaced.
    """

    name: str
    command: Any
    dependencies: list[str]
    params: ParamKeys
    outputs: dict[str, Output]
    is_frozen: bool
    unsupported_keys: list[str]


@dataclass(frozen=True)
class LockedStage:
    """A stage of dvc.lock: its command, the values of its parameters by file and key, and hashes by path."""

    command: Any = None
    dependencies: dict[str, str] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pointer:
    """An entry of a .dvc file: the file, and the hash and storage of what it points to."""

    file: str
    hash: str
    output: Output


def read_mapping(path: str) -> dict[str, Any]:
    """Return the content of a YAML, JSON or TOML file with a mapping at its top level.

    Raises
    ------
    DvcFileError
        If it is missing, malformed, or has no mapping at its top level.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        if _CONFLICT_MARKERS.search(text):
            raise DvcFileError(path, "has marks of a merge conflict")
        content = (tomllib.loads(text) if path.endswith(".toml") else YAML(typ="safe").load(text)) or {}
    except OSError:
        raise DvcFileError(path, _MISSING) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise DvcFileError(path, f"cannot be read: {str(error).splitlines()[-1].strip()}") from None
    if not isinstance(content, dict):
        raise DvcFileError(path, "is not valid: expected a mapping at the top level")
    return content


def read_lock() -> dict[str, LockedStage]:
    """Return the stages of dvc.lock by name.

    Raises
    ------
    DvcFileError
        If the file is missing or is not in the format that DVC writes.
    """
    stages = read_mapping(LOCK).get("stages") or {}
    if not isinstance(stages, dict):
        raise DvcFileError(LOCK, "is not valid: expected a mapping at stages")
    return {name: _parse_locked_stage(name, entry) for name, entry in stages.items()}


def _parse_locked_stage(name: str, entry: Any) -> LockedStage:
    parts: list[Any] = [entry.get(key) or [] for key in ("deps", "outs")] if isinstance(entry, dict) else [None]
    if not all(isinstance(part, list) and all(map(_has_path, part)) for part in parts):
        raise DvcFileError(LOCK, f"is not valid: the entry of stage {name} is not in the format that DVC writes")
    params = entry.get("params") or {}
    if not (isinstance(params, dict) and all(isinstance(keys, dict) for keys in params.values())):
        raise DvcFileError(LOCK, f"is not valid: the params of stage {name} are not in the format that DVC writes")
    dependencies, outputs = ({item["path"]: item.get("md5", "") for item in part} for part in parts)
    return LockedStage(entry.get("cmd"), dependencies, params, outputs)


def _has_path(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("path"), str)


def read_stages() -> dict[str, Stage]:
    """Return the stages of dvc.yaml by name.

    Raises
    ------
    DvcFileError
        If dvc.yaml, or a file with its variables, is missing or malformed.
    """
    content = read_mapping(PIPELINE)
    if part := malformed_part(content):
        raise DvcFileError(PIPELINE, f"is not valid for DVC, at {part}")
    variables = dict(read_mapping(PARAMS)) if Path(PARAMS).exists() else {}
    for item in content.get("vars") or []:
        variables |= read_mapping(item.split(":")[0]) if isinstance(item, str) else item
    return {name: _parse_stage(name, stage, variables) for name, stage in (content.get("stages") or {}).items()}


def _parse_stage(name: str, content: dict[str, Any], variables: dict[str, Any]) -> Stage:
    unsupported_keys = [key for key in UNSUPPORTED_KEYS if key in content]
    if not unsupported_keys:
        content = _substitute(content, variables)
    return Stage(
        name=name,
        command=content.get("cmd"),
        dependencies=content.get("deps") or [],
        params=param_keys(content),
        outputs=_parse_outputs(content),
        is_frozen=bool(content.get("frozen")),
        unsupported_keys=unsupported_keys,
    )


def malformed_part(pipeline: Mapping[str, Any]) -> str | None:
    """Return the key of the first part of dvc.yaml that is not valid for DVC; None where all of it is valid.

    Examples
    --------
    >>> malformed_part({"stages": {"train": {"cmd": "python train.py", "deps": 7}}})
    'stages.train'
    """
    stages, variables = pipeline.get("stages", {}), pipeline.get("vars", [])
    if not isinstance(variables, list):
        return "vars"
    if not isinstance(stages, dict):
        return "stages"
    return next((f"stages.{name}" for name, stage in stages.items() if not _is_well_formed(stage)), None)


def _is_well_formed(stage: Any) -> bool:
    parts = [stage.get(key, []) for key in _LIST_KEYS] if isinstance(stage, dict) else [None]
    return all(isinstance(part, list) and all(isinstance(item, str | dict) for item in part) for part in parts)


def param_keys(stage: Mapping[str, Any]) -> ParamKeys:
    """Return the keys that a stage of dvc.yaml depends on, by file; None for a whole file.

    Examples
    --------
    >>> param_keys({"params": ["model.depth", {"pyproject.toml": ["project.name"]}, {"other.yaml": None}]})
    {'params.yaml': ['model.depth'], 'pyproject.toml': ['project.name'], 'other.yaml': None}
    """
    by_file: ParamKeys = {}
    for item in stage.get("params") or []:
        for file, keys in (item if isinstance(item, dict) else {PARAMS: [item]}).items():
            by_file[file] = [*(by_file.get(file) or []), *keys] if keys and isinstance(keys, list) else None
    return by_file


def _parse_outputs(stage: dict[str, Any]) -> dict[str, Output]:
    items = [item for key in ("outs", "metrics", "plots") for item in stage.get(key) or []]
    by_path = [pair for item in items for pair in (item if isinstance(item, dict) else {item: {}}).items()]
    return {path: _parse_output(options or {}) for path, options in by_path}


def _parse_output(options: dict[str, Any]) -> Output:
    return Output(bool(options.get("cache", True)), bool(options.get("push", True)), options.get("remote"))


def lookup(content: Any, key: str, default: Any = None) -> Any:
    """Return the value at a dotted key of nested maps and lists.

    Examples
    --------
    >>> lookup({"model": {"layers": [64, 32]}}, "model.layers[1]")
    32
    >>> lookup({"model": {}}, "model.depth", default="none")
    'none'
    """
    for part in re.sub(r"\[(.*?)\]", r".\1", key).split("."):
        if isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        elif isinstance(content, dict) and part in content:
            content = content[part]
        else:
            return default
    return content


def _substitute(item: Any, variables: dict[str, Any]) -> Any:
    """Replace each ${a.b} by its value."""

    def value_of(match: re.Match[str]) -> str:
        value = lookup(variables, match[1].strip())
        if value is None or isinstance(value, dict | list):
            raise DvcFileError(PIPELINE, f"names {match[0]}, which is not a text or number in {PARAMS} or in vars")
        return str(value).lower() if isinstance(value, bool) else str(value)

    if isinstance(item, str):
        return re.sub(r"(?<!\\)\$\{(.*?)\}", value_of, item)
    if isinstance(item, dict):
        return {_substitute(key, variables): _substitute(value, variables) for key, value in item.items()}
    return [_substitute(value, variables) for value in item] if isinstance(item, list) else item


def read_pointers() -> dict[str, Pointer]:
    """Return what the .dvc files of the repository point to, by path.

    Raises
    ------
    DvcFileError
        If one of them is not a valid .dvc file.
    """
    files = sorted(set(git_paths("ls-files", "-coz", "--exclude-standard", "--", "*.dvc")))
    return {path: pointer for file in files if Path(file).is_file() for path, pointer in _parse_pointers(file).items()}


def _parse_pointers(file: str) -> dict[str, Pointer]:
    content = read_mapping(file)
    outs, deps = (content.get(key) or [] for key in ("outs", "deps"))
    are_lists = isinstance(outs, list) and isinstance(deps, list)
    if not are_lists or not all(isinstance(item, dict) for item in deps) or not all(map(_has_path, outs)):
        raise DvcFileError(file, "is not a valid .dvc file")
    is_import = any("repo" in dependency for dependency in deps)  # dvc import: the other repository has the data
    folder = posixpath.join(posixpath.dirname(file), content.get("wdir", "."))
    return {
        posixpath.normpath(posixpath.join(folder, out["path"])): Pointer(
            file, out.get("md5", ""), _parse_output(out | ({"push": False} if is_import else {}))
        )
        for out in outs
    }
