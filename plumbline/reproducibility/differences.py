"""Compare dvc.lock with dvc.yaml, parameters, git and .dvc files: a finding for each difference."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from plumbline import versions
from plumbline.paths import VERSIONS
from plumbline.process import git
from plumbline.reproducibility.dvc_files import LOCK, PIPELINE, LockedStage, Stage, lookup, read_mapping
from plumbline.reproducibility.hashes import HashLookup, UnknownHashError, hash_committed_file, hash_path
from plumbline.reproducibility.report import CANNOT_TELL, REPRO, STALE, Finding

REMOVE_LOCK = f"rm {LOCK} && {REPRO}"
# Alone make repro does not write src/versions.json again where dvc.lock agrees with what is wrong in it.
WRITE_DIGESTS = f"{versions.WRITE_COMMAND} && {REPRO}"
_ABSENT = object()


def shorten(value: Any) -> str:
    """Return a hash as its first eight digits, and any other value as text of at most 60 characters.

    Examples
    --------
    >>> shorten("d41d8cd98f00b204e9800998ecf8427e.dir")
    'd41d8cd9'
    """
    text = value if isinstance(value, str) else repr(value)
    if len(text.removesuffix(".dir")) == 32 and " " not in text:
        return text[:8]
    return text if len(text) < 60 else text[:57] + "..."


def is_external(path: str) -> bool:
    """Return whether a dependency lies outside the project."""
    return "://" in path or path.startswith("/")


def restore_hint(path: str) -> str:
    """Return what brings back a file that is missing."""
    if git("ls-tree", "--name-only", "HEAD", "--", path, strict=False):
        return f"git checkout HEAD -- {path}"
    return f"put {path} back, in git or with dvc add, or fix {PIPELINE}; then {REPRO}"


def compare_stage_names(stages: Mapping[str, Stage], lock: Mapping[str, LockedStage]) -> Iterator[Finding]:
    """Yield a finding for each stage that dvc.yaml or dvc.lock has alone, or that cannot be read."""
    unsupported_names = {name for name, stage in stages.items() if stage.unsupported_keys}  # name@item in the lock
    for name in sorted(stages.keys() - lock.keys() - unsupported_names):
        message = f"{LOCK} has no stage {name}"
        yield Finding(STALE, message, hint=REPRO, expected="an entry of its run", actual="none")
    for name in sorted(lock.keys() - stages.keys()):
        if name.split("@")[0] not in unsupported_names:
            message = f"{LOCK} has stage {name}, which {PIPELINE} does not have"
            yield Finding(STALE, message, hint=REMOVE_LOCK, expected=f"those of {PIPELINE}", actual=name)
    for name in sorted(unsupported_names):
        message = f"{name}: uses {stages[name].unsupported_keys[0]}, which verify does not read"
        yield Finding(CANNOT_TELL, message, hint=f"dvc pull && dvc status {name}")


def compare_command(stage: Stage, entry: LockedStage) -> Iterator[Finding]:
    """Yield a finding if the command of a stage is not that of dvc.lock."""
    if stage.command != entry.command:
        message = f"{stage.name}: its command changed"
        expected, actual = shorten(entry.command), shorten(stage.command)
        yield Finding(STALE, message, hint=REPRO, expected=expected, actual=actual)


def compare_dependencies(
    stage: Stage, entry: LockedStage, hashes: HashLookup, output_paths: Collection[str]
) -> Iterator[Finding]:
    """Yield a finding for each dependency of a stage that differs from dvc.lock.

    Parameters
    ----------
    stage, entry
        The stage in dvc.yaml and in dvc.lock.
    hashes : HashLookup
    output_paths : collection of str
        The outputs of all stages: what dvc.lock does not have of them is reported where it is an output.
    """
    for path in sorted(path for path in stage.dependencies if not is_external(path)):
        try:
            digest = hashes.hash(path)
        except UnknownHashError as error:
            yield Finding(CANNOT_TELL, f"{stage.name}: {path}, {error.message}", hint=error.hint)
            continue
        if digest or path not in output_paths:
            yield from _compare_dependency(stage, entry, path, digest)
    if set(stage.dependencies) <= entry.dependencies.keys():  # else the run that is due removes them, too
        yield from _find_leftovers(stage, "dependency", entry.dependencies.keys() - set(stage.dependencies))


def _compare_dependency(stage: Stage, entry: LockedStage, path: str, digest: str | None) -> Iterator[Finding]:
    if digest is None:
        message = f"{stage.name}: the dependency {path} does not exist"
        yield Finding(STALE, message, hint=restore_hint(path), expected="a file or folder", actual="none")
    elif path not in entry.dependencies:
        old_paths = [old for old, locked_hash in entry.dependencies.items() if locked_hash == digest]
        old_path = next((old for old in old_paths if old not in stage.dependencies), None)
        actual = f"{old_path} of the same content" if old_path else "nothing of it"
        message = f"{stage.name}: dependency {path} is not in {LOCK}"
        yield Finding(STALE, message, hint=REPRO, expected=path, actual=actual)
    elif digest != entry.dependencies[path]:
        message = f"{stage.name}: {path} changed since the run"
        expected, actual = shorten(entry.dependencies[path]), shorten(digest)
        yield Finding(STALE, message, hint=REPRO, expected=expected, actual=actual)


def compare_params(stage: Stage, entry: LockedStage) -> Iterator[Finding]:
    """Yield a finding for each parameter of a stage that differs from dvc.lock."""
    for file, keys in stage.params.items():
        if file.endswith(".py"):
            continue
        content, locked_values = read_mapping(file), entry.params.get(file) or {}
        for key in keys if keys is not None else sorted(content.keys() | locked_values.keys()):
            value, locked_value = lookup(content, key, _ABSENT), locked_values.get(key, _ABSENT)
            yield from _compare_param(stage, f"{file}, {key}", value, locked_value)
    for file, locked_values in entry.params.items():
        keys = stage.params.get(file, [])
        if keys is not None:
            yield from _find_leftovers(stage, f"parameter {file},", locked_values.keys() - set(keys))


def _compare_param(stage: Stage, where: str, value: Any, locked_value: Any) -> Iterator[Finding]:
    name = f"{stage.name}: {where}"
    if value is _ABSENT:
        hint = f"restore it, then {REPRO}"
        yield Finding(STALE, f"{name} is not there", hint=hint, expected="a value", actual="none")
    elif locked_value is _ABSENT:
        yield Finding(STALE, f"{name} is not in {LOCK}", hint=REPRO, expected="its value", actual="none")
    elif _typed_form(value) != _typed_form(locked_value):
        hint = _force_command(stage) if value == locked_value else REPRO  # to DVC 1, 1.0 and true are equal
        expected, actual = shorten(locked_value), shorten(value)
        yield Finding(STALE, f"{name} changed", hint=hint, expected=expected, actual=actual)


def _typed_form(value: Any) -> Any:
    """To compare values as a stage reads them: 1, 1.0 and true differ, the order of keys does not matter."""
    if isinstance(value, dict):
        return sorted((repr(key), _typed_form(item)) for key, item in value.items())
    return [_typed_form(item) for item in value] if isinstance(value, list) else (type(value).__name__, repr(value))


def compare_digests(stage: Stage, package: Path | None = None) -> Iterator[Finding]:
    """Yield a finding if a digest in src/versions.json is not that of the code here, whatever dvc.lock has.

    Parameters
    ----------
    stage : Stage
    package : path, optional
        The folder with the package plumbline of this project, by default the one that runs.
    """
    sources, written_digests = versions.Sources(".", package), versions.read(".")
    stage_names = {*sources.stages()}
    for name in stage.params.get(VERSIONS) or []:
        digest = sources.stage_code(name).digest if name in stage_names else "none"
        if written_digests.get(name) != digest:
            message = f"{stage.name}: {VERSIONS}, {name} is not the digest of what the stage imports"
            actual = str(written_digests.get(name, "none"))
            yield Finding(STALE, message, hint=WRITE_DIGESTS, expected=digest, actual=actual)


def compare_outputs(stage: Stage, entry: LockedStage) -> Iterator[Finding]:
    """Yield a finding for each output of a stage that dvc.lock lacks or has alone, or that is in git and differs."""
    for path in sorted(stage.outputs.keys() - entry.outputs.keys()):
        message = f"{stage.name}: output {path} is not in {LOCK}"
        yield Finding(STALE, message, hint=REPRO, expected=path, actual="no hash of it")
    if stage.outputs.keys() <= entry.outputs.keys():
        yield from _find_leftovers(stage, "output", entry.outputs.keys() - stage.outputs.keys())
    for path in sorted(path for path, output in stage.outputs.items() if not output.is_cached):
        if path in entry.outputs:
            yield from _compare_git_output(stage, path, entry.outputs[path])


def _compare_git_output(stage: Stage, path: str, locked_hash: str) -> Iterator[Finding]:
    digest = hash_path(path)
    if digest == locked_hash:
        return
    is_merging = bool(git("ls-files", "-u", strict=False))  # then a run is due anyway
    is_committed = not is_merging and hash_committed_file(path) == locked_hash
    hint = f"git checkout HEAD -- {path}" if is_committed else REPRO
    message = f"{stage.name}: {path} is not what the run wrote"
    yield Finding(STALE, message, hint=hint, expected=shorten(locked_hash), actual=shorten(digest or "none"))


def _find_leftovers(stage: Stage, what: str, names: Iterable[str]) -> Iterator[Finding]:
    for name in sorted(names):
        message = f"{stage.name}: {what} {name} is left over in {LOCK}"
        yield Finding(STALE, message, hint=_force_command(stage), expected=f"those of {PIPELINE}", actual=name)


def _force_command(stage: Stage) -> str:
    """DVC compares what dvc.yaml names, and never sees what the lock has beside it: only --force helps."""
    return f"dvc repro --force --single-item {stage.name}"
