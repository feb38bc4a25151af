"""Where dvc.lock differs from dvc.yaml, the parameters, git and the pointers: a finding each, with its cure."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from plumbline.paths import VERSIONS
from plumbline.process import git
from plumbline.reproducibility.pipeline import LOCK, PIPELINE, Contents, Stage, Unknown, load, on_disk, value
from plumbline.reproducibility.report import Finding
from plumbline.versions import AGAIN, Sources, stated

STALE, NOT_PUSHED, CANNOT_TELL = "stale", "not pushed", "cannot tell"
REPRO = "make repro"
DROP = f"rm {LOCK} && make repro"
DIGESTS = f"{AGAIN} && {REPRO}"  # DVC runs what writes src/versions.json where its inputs changed, or it itself
ABSENT = object()


def short(content: Any) -> str:
    """A hash by its first eight digits, anything else as it is written, cut where it is long."""
    text = content if isinstance(content, str) else repr(content)
    is_hash = len(text.removesuffix(".dir")) == 32 and " " not in text
    return text[:8] if is_hash else text if len(text) < 60 else text[:57] + "..."


def typed(content: Any) -> Any:
    """For comparing as a stage would see it: 1, 1.0 and true are three things, the order of keys is nothing."""
    if isinstance(content, dict):
        return sorted((repr(key), typed(one)) for key, one in content.items())
    return [typed(one) for one in content] if isinstance(content, list) else (type(content).__name__, repr(content))


def forced(name: str) -> str:
    """The cure for what DVC does not see: it compares what dvc.yaml names, never what the lock has beside it."""
    return f"dvc repro --force --single-item {name}"


def stages_differ(stages: dict[str, Stage], lock: dict[str, Any]) -> Iterator[Finding]:
    unread = {name for name, stage in stages.items() if stage.unread}  # in the lock as name@item
    for name in sorted(stages.keys() - lock.keys() - unread):
        yield Finding(STALE, f"{LOCK} has no stage {name}", "an entry of its run", "none", REPRO)
    for name in sorted(lock.keys() - stages.keys()):
        if name.split("@")[0] not in unread:
            yield Finding(STALE, f"{LOCK} has a stage {name} left over", f"those of {PIPELINE}", name, DROP)
    for name in sorted(unread):
        what = f"{name}: uses {stages[name].unread[0]}, which verify does not read"
        yield Finding(CANNOT_TELL, what, "", "", f"dvc pull && dvc status {name}")


def command_differs(name: str, stage: Stage, entry: dict[str, Any]) -> Iterator[Finding]:
    if stage.cmd != entry.get("cmd"):
        yield Finding(STALE, f"{name}: its command changed", short(entry.get("cmd")), short(stage.cmd), REPRO)


def is_away(path: str) -> bool:
    return "://" in path or path.startswith("/")


def left_over(name: str, what: str, extra: Iterable[str]) -> Iterator[Finding]:
    for one in sorted(extra):
        yield Finding(STALE, f"{name}: {what} {one} is left over in {LOCK}", f"those of {PIPELINE}", one, forced(name))


def dependencies_differ(
    name: str, stage: Stage, entry: dict[str, Any], contents: Contents, made: set[str]
) -> Iterator[Finding]:
    """`made` are the outputs of all stages: one that the lock has not is found where it is made."""
    locked = {item["path"]: item.get("md5", "") for item in entry.get("deps") or []}
    for path in sorted(path for path in stage.deps if not is_away(path)):
        try:
            found = contents.hash(path)
        except Unknown as error:
            yield Finding(CANNOT_TELL, f"{name}: {path}, {error}", "", "", f"dvc fetch {error.fetch}")
            continue
        if found or path not in made:
            yield from dependency_differs(name, path, found, locked, stage)
    if set(stage.deps) <= locked.keys():  # else the run that is due takes them out, too
        yield from left_over(name, "dependency", locked.keys() - set(stage.deps))


def dependency_differs(
    name: str, path: str, found: str | None, locked: dict[str, str], stage: Stage
) -> Iterator[Finding]:
    if found is None:
        yield Finding(STALE, f"{name}: {path} is a dependency", "a file or folder", "none", brought_back(path))
    elif path not in locked:
        old = next((one for one, oid in locked.items() if oid == found and one not in stage.deps), None)
        reason = f"{old} of the same content" if old else "nothing of it"
        yield Finding(STALE, f"{name}: dependency {path} is not in {LOCK}", path, reason, REPRO)
    elif found != locked[path]:
        yield Finding(STALE, f"{name}: {path} is not what the run saw", short(locked[path]), short(found), REPRO)


def brought_back(path: str) -> str:
    """The cure for a file that is not there."""
    if git("ls-tree", "--name-only", "HEAD", "--", path, strict=False):
        return f"git checkout HEAD -- {path}"
    return f"put {path} back, in git or with dvc add, or fix {PIPELINE}; then {REPRO}"


def params_differ(name: str, stage: Stage, entry: dict[str, Any]) -> Iterator[Finding]:
    locked = entry.get("params") or {}
    for file, keys in stage.params.items():
        if file.endswith(".py"):
            continue
        content, saw = load(file), locked.get(file) or {}
        for key in keys if keys is not None else sorted(content.keys() | saw.keys()):
            yield from param_differs(name, f"{file}, {key}", value(content, key, ABSENT), saw.get(key, ABSENT))
    for file, saw in locked.items():
        keys = stage.params.get(file, [])
        yield from left_over(name, f"parameter {file},", saw.keys() - set(keys) if keys is not None else [])


def param_differs(name: str, where: str, now: Any, saw: Any) -> Iterator[Finding]:
    if now is ABSENT:
        yield Finding(STALE, f"{name}: {where} is not there", "a value", "none", f"put it back, then {REPRO}")
    elif saw is ABSENT:
        yield Finding(STALE, f"{name}: {where} is not in {LOCK}", "its value", "none", REPRO)
    elif typed(now) != typed(saw):
        cure = forced(name) if now == saw else REPRO  # DVC takes 1, 1.0 and true for the same
        yield Finding(STALE, f"{name}: {where} changed", short(saw), short(now), cure)


def digests_differ(name: str, stage: Stage) -> Iterator[Finding]:
    """Of a stage's own key in src/versions.json: the code that is here decides, whatever stands in that file."""
    sources, held = Sources("."), stated(".")
    known = {*sources.stages()}
    for key in stage.params.get(VERSIONS) or []:
        made = sources.behind(key).digest if key in known else "none"
        if held.get(key) != made:
            what = f"{name}: {VERSIONS}, {key} is not the digest of what the stage imports"
            yield Finding(STALE, what, made, str(held.get(key, "none")), DIGESTS)


def outputs_differ(name: str, stage: Stage, entry: dict[str, Any]) -> Iterator[Finding]:
    locked = {item["path"]: item.get("md5", "") for item in entry.get("outs") or []}
    for path in sorted(stage.outs.keys() - locked.keys()):
        yield Finding(STALE, f"{name}: output {path} is not in {LOCK}", path, "no hash of it", REPRO)
    if stage.outs.keys() <= locked.keys():
        yield from left_over(name, "output", locked.keys() - stage.outs.keys())
    for path in sorted(path for path, flags in stage.outs.items() if not flags.get("cache", True) and path in locked):
        if (found := on_disk(path)) != locked[path]:
            is_merging = bool(git("ls-files", "-u", strict=False))  # then a run is due anyway
            is_committed = not is_merging and committed_hash(path) == locked[path]
            cure = f"git checkout HEAD -- {path}" if is_committed else REPRO
            expected, seen = short(locked[path]), short(found or "none")
            yield Finding(STALE, f"{name}: {path} is not what the run wrote", expected, seen, cure)


def committed_hash(path: str) -> str | None:
    """The hash of a file in HEAD as a checkout would write it."""
    shown = git("cat-file", "--filters", f"HEAD:./{path}", strict=False).encode("utf-8", "surrogateescape")
    return hashlib.md5(shown, usedforsecurity=False).hexdigest() if shown else None
