"""The committed run is checked and never believed: stages whose entry in dvc.lock is not base's are executed again."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from plumbline.errors import PlumblineError
from plumbline.process import git, replace_surrogates, run
from plumbline.reproducibility.file_differences import json_differences
from plumbline.review.loosened import Reason, reason
from plumbline.review.sides import Side

LOCK = "dvc.lock"
AGAIN = ("repro", "--no-run-cache")
PULL = ("--pull", "--allow-missing")
NEXT = "make repro, and commit dvc.lock, data/schema.json and metrics"
SHOWN = 20
Found = tuple[dict[str, Any], list[Reason], list[str]]


def executed(base: Side, head: Side) -> Found:
    """What was executed and what came out, reasons, notes. head: an untouched worktree with the project's cache."""
    before, committed = (_lock(side.commit) for side in (base, head))
    stages = [name for name in head.stages if name in committed and committed[name] != before.get(name)]
    told: dict[str, Any] = {"stages": stages, "identical": [], "differ": [], "metrics_differ": []}
    if not stages:
        return told | {"why": "dvc.lock has no entry that base does not have"}, [], []
    print(f"head: runs {', '.join(stages)} again, whose entries in dvc.lock are not those of base", flush=True)
    kept = {name: entry for name, entry in committed.items() if entry == before.get(name)}
    error = _repro(head, kept, PULL)
    if error and kept:  # what they need is neither in the cache nor in a remote
        error = _repro(head, {}, ())
    if error:
        what = f"the run that dvc.lock states cannot be repeated: {error}"
        return told | {"why": what}, [reason("lock", what, NEXT)], []
    return _compared(head, stages, committed, told)


def _lock(commit: str) -> dict[str, Any]:
    try:
        stages = yaml.safe_load(git("show", f"{commit}:{LOCK}"))["stages"]
        return {name: entry for name, entry in stages.items() if isinstance(entry, dict)}
    except (PlumblineError, yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError, RecursionError):
        return {}


def _repro(head: Side, kept: dict[str, Any], options: tuple[str, ...]) -> str | None:
    """Runs with these entries alone in dvc.lock; why it failed, if so."""
    (head.folder / LOCK).write_text(yaml.safe_dump({"schema": "2.0", "stages": kept}), encoding="utf-8")
    path = f"{Path(head.python).parent}{os.pathsep}{os.environ['PATH']}"
    ran = run([head.python, "-m", "dvc", *AGAIN, *options], cwd=head.folder, env=head.environment() | {"PATH": path})
    errors = [line.removeprefix("ERROR: ") for line in ran.stderr.splitlines() if line.startswith("ERROR: ")]
    return (errors or ["no message"])[0] if ran.returncode else None


def _compared(head: Side, stages: list[str], committed: dict[str, Any], told: dict[str, Any]) -> Found:
    made = yaml.safe_load((head.folder / LOCK).read_text(encoding="utf-8"))["stages"]
    for name in stages:
        stated, hashes = _hashes(committed[name]), _hashes(made.get(name, {}))
        for path in {**stated, **hashes}:
            told["identical" if hashes.get(path) == stated.get(path) else "differ"].append(path)
    reviewed = {path for path in told["differ"] if (head.folder / path).is_file() and _in_git(head, path)}
    binary = [path for path in told["differ"] if path not in reviewed]
    for path in sorted(reviewed):
        one, other = (
            replace_surrogates(git("show", f"{head.commit}:{path}")),
            (head.folder / path).read_text(encoding="utf-8"),
        )
        if path.endswith(".json"):
            told["metrics_differ"] += [
                {"file": path, "key": key, "committed": _short(committed), "executed": _short(again)}
                for key, committed, again in json_differences(_json(one), _json(other))
            ]
        elif not binary:  # with the same model on the same rows the words are the same, too
            told["metrics_differ"].append({"file": path, "key": "", "committed": "a text", "executed": "another"})
    told["metrics_differ"] = told["metrics_differ"][:SHOWN]
    found = []
    if told["metrics_differ"]:
        first = told["metrics_differ"][0]
        what = f"{first['file']} {first['key']}: {first['committed']} is committed, {first['executed']} when run again"
        found.append(reason("metrics", what, NEXT))
    notes = []
    if told["differ"] and not found:
        notes.append(f"run again: other bytes, the same numbers: {', '.join(told['differ'])}")
    return told | {"why": "their entries in dvc.lock are not those of base"}, found, notes


def _hashes(entry: dict[str, Any]) -> dict[str, Any]:
    """Of an entry of dvc.lock; what is none is left out, and verify calls it stale."""
    outs = entry.get("outs")
    known = [out for out in outs if isinstance(out, dict)] if isinstance(outs, list) else []
    return {path: out.get("md5") for out in known if isinstance(path := out.get("path"), str)}


def _json(text: str) -> Any:
    """The text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _in_git(head: Side, path: str) -> bool:
    return bool(git("ls-tree", head.commit, "--", path).strip())


def _short(value: Any) -> Any:
    return value if isinstance(value, int | float | None) else f"{str(value)[:60]}"
