"""The committed run, executed again: stages whose entries in dvc.lock differ from base are not believed."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from plumbline.errors import clean_line
from plumbline.paths import DIST
from plumbline.process import git, replace_surrogates, run
from plumbline.reproducibility.file_differences import json_differences
from plumbline.review.commits import Commit
from plumbline.review.markdown import clean
from plumbline.review.package_check import compare_packages
from plumbline.review.recipe_digest import LOCK, output_hashes, read_lock
from plumbline.review.result.checks import MetricDifference, Reason, Rerun
from plumbline.review.safeguards import build_reason
from plumbline.review.sides import ISOLATED, Side

REPRO = ("repro", "--no-run-cache")
PULL = ("--pull", "--allow-missing")
ACTION = "Run make repro, and commit dvc.lock, data/schema.json and metrics"
MAX_DIFFERENCES = 20
Entries = dict[str, dict[str, Any]]  # of dvc.lock, by stage


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a check of the committed run found.

    Attributes
    ----------
    rerun
        The stages that were run again and what differs; None where the check runs nothing.
    reasons
        Why the check is red.
    notes
        Remarks.
    """

    rerun: Rerun | None = None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


def rerun_stages(base: Commit, head: Side) -> RunReport:
    """Run head's stages again whose entries in dvc.lock differ from base, and compare what they write.

    Parameters
    ----------
    base : Commit
    head : Side
        In a worktree in which nothing has run, with the project's cache.
    """
    old_entries, entries = read_lock(base.commit), read_lock(head.commit)
    stages = tuple(name for name in head.stages if name in entries and entries[name] != old_entries.get(name))
    if not stages:
        return RunReport(rerun=Rerun(stages=(), why="dvc.lock has no entry that base does not have"))
    names = ", ".join(stages)
    print(clean_line(f"head: runs {names} again, whose entries in dvc.lock differ from base"), flush=True)
    shared_entries = {name: entry for name, entry in entries.items() if entry == old_entries.get(name)}
    error = _run_pipeline(head, shared_entries, PULL)
    if error and shared_entries:  # perhaps what they need is neither in the cache nor in a remote: then all stages run
        error = _run_pipeline(head, {}, ())
    if error:
        why = f"the run that dvc.lock states cannot be repeated: {error}"
        return RunReport(rerun=Rerun(stages=stages, why=why), reasons=(build_reason("lock", why, ACTION),))
    return _compare_run(head, stages, entries)


def _run_pipeline(head: Side, entries: Entries, options: tuple[str, ...]) -> str | None:
    """Run the pipeline with only these entries in dvc.lock and return why it failed; None where it did not."""
    (head.folder / LOCK).write_text(yaml.safe_dump({"schema": "2.0", "stages": entries}), encoding="utf-8")
    path = f"{Path(head.python).parent}{os.pathsep}{os.environ['PATH']}"
    command = [head.python, *ISOLATED, *REPRO, *options]
    process = run(command, cwd=head.folder, env=head.environment() | {"PATH": path})
    errors = [line.removeprefix("ERROR: ") for line in process.stderr.splitlines() if line.startswith("ERROR: ")]
    return (errors or ["no message"])[0] if process.returncode else None


def _compare_run(head: Side, stages: tuple[str, ...], entries: Entries) -> RunReport:
    new_entries = yaml.safe_load((head.folder / LOCK).read_text(encoding="utf-8"))["stages"]
    identical: list[str] = []
    different: list[str] = []
    for name in stages:
        committed_hashes, hashes = output_hashes(entries[name]), output_hashes(new_entries.get(name, {}))
        paths = [*committed_hashes, *(path for path in hashes if path not in committed_hashes)]
        is_same = {path: hashes.get(path) == committed_hashes.get(path) for path in paths}
        identical += [path for path in paths if is_same[path]]
        different += [path for path in paths if not is_same[path]]
    differences = tuple(_compare_files(head, different))[:MAX_DIFFERENCES]
    rerun = Rerun(
        stages=stages,
        why="their entries in dvc.lock differ from those of base",
        identical_outputs=tuple(identical),
        different_outputs=tuple(different),
        metric_differences=differences,
    )
    report = RunReport(rerun=rerun)
    if differences:
        first = differences[0]
        message = f"{first.file} {first.key}: {first.committed_value} is committed, {first.rerun_value} when run again"
        return replace(report, reasons=(build_reason("metrics", message, ACTION),))
    if DIST in different and (difference := compare_packages(head)):
        return replace(report, reasons=(build_reason("package", difference, ACTION),))
    if different:
        return replace(report, notes=(f"run again: other bytes, the same numbers: {', '.join(different)}",))
    return report


def _compare_files(head: Side, paths: list[str]) -> Iterator[MetricDifference]:
    """Yield what differs in those of the outputs that are in git."""
    in_git = {path for path in paths if (head.folder / path).is_file() and _is_in_git(head, path)}
    has_other_binaries = any(path not in in_git for path in paths)
    for path in sorted(in_git):
        old = replace_surrogates(git("show", f"{head.commit}:{path}"))
        new = (head.folder / path).read_text(encoding="utf-8")
        if path.endswith(".json"):
            for key, committed, rerun in json_differences(_parse_json(old), _parse_json(new)):
                yield MetricDifference(file=path, key=key, committed_value=clean(committed), rerun_value=clean(rerun))
        elif not has_other_binaries:  # with the same model on the same rows the words are the same, too
            yield MetricDifference(file=path, key="", committed_value="a text", rerun_value="another")


def _parse_json(text: str) -> Any:
    """Return the content; the text itself where it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_in_git(head: Commit, path: str) -> bool:
    return bool(git("ls-tree", head.commit, "--", path).strip())
