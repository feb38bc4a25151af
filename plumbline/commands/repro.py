"""Check the parameters, run the pipeline (dvc repro), then print the metrics and the next steps (make repro).

A key that params.yaml lacks is added with its default. Where DVC fails, the exit code is DVC's.
"""

import json
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from plumbline import design, params, paths, versions
from plumbline.data.schema import Schema
from plumbline.errors import ParamsError, ProjectError
from plumbline.evaluation.advice import advise
from plumbline.evaluation.performance import Performance
from plumbline.expectations.suite import suite_path
from plumbline.files import write_text
from plumbline.findings import read_findings
from plumbline.keys import Data
from plumbline.pipeline.ingest import resolve_source
from plumbline.process import PIPE, changed_files, git, require_git, start
from plumbline.report.summary import print_metrics

PASSES_ON = True
PROGRESS = re.compile("Running stage|> |ingest: ")
PIPELINE = Path("dvc.yaml")
LOCK, RWLOCK = Path("dvc.lock"), Path(".dvc/tmp/rwlock")  # DVC's own: hashes of the last run, paths in use


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of dvc repro."""
    parser.add_argument(
        "dvc", nargs="*", metavar="ARGUMENT", help="argument of dvc repro, as in: plumbline repro --force train"
    )


def run(options: Namespace) -> int:
    """Run the pipeline; return the exit code."""
    require_git()
    for key in params.add_defaults():
        print(f"{paths.PARAMS}: {key} was missing and has been added with its default")
    data = params.check().data
    if data.source not in _list_outputs():
        resolve_source(data.source)
    _repair_dvc_files()
    if stages := versions.write():  # DVC does not see that plumbline/ is no dependency any more
        print(f"{paths.VERSIONS}: another digest of {', '.join(stages)}", flush=True)
    schema = _read_committed(paths.SCHEMA)
    with _guard_inputs(data.source):
        if data.key == "auto" and schema is not None and _is_same_problem(data):
            _run_dvc("repro", "ingest", only=PROGRESS)
            _check_key(schema, Path(paths.SCHEMA).read_text(encoding="utf-8"))
        _run_dvc("repro", *options.dvc)
    _print_summary(data.source)
    return 0


def _repair_dvc_files() -> None:
    """Replace files of DVC that a killed run has left incomplete: every command of DVC would stop at them."""
    try:
        if RWLOCK.exists():
            json.loads(RWLOCK.read_bytes())
    except ValueError:
        RWLOCK.unlink()
    if not LOCK.exists():
        return
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(LOCK.read_bytes()))
    except (yaml.YAMLError, ValueError, Invalid):
        print(f"{LOCK}: incomplete, as after a run that was killed. It is replaced by that of HEAD", flush=True)
        _restore_lock()


def _restore_lock() -> None:
    content = _read_committed(str(LOCK))
    if content is None:
        LOCK.unlink(missing_ok=True)
    else:
        write_text(str(LOCK), content)


@contextmanager
def _guard_inputs(source: str) -> Iterator[None]:
    """Refuse a run whose inputs change meanwhile: DVC would store the new hash with results of the old content."""
    before = _read_input_states(source)
    try:
        yield
    finally:
        after = _read_input_states(source)
        paths_changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        if paths_changed:
            _restore_lock()
            raise ProjectError(
                f"{paths_changed[0]} changed while the pipeline ran (changed files: {len(paths_changed)}), so it is "
                f"unknown which content the results are of; {LOCK} is that of HEAD again",
                hint="Run it again: make repro",
            )


def _read_input_states(source: str) -> dict[str, tuple[int, int, int]]:
    """Time, size and inode of each file that people write and stages read: they differ once a file is rewritten."""
    outputs = _list_outputs()
    deps = [dep.replace("${data.source}", source) for stage in _read_stages() for dep in stage.get("deps", [])]
    # DVC may replace the file behind a .dvc file by a link to its cache.
    inputs = [dep for dep in deps if dep not in outputs and not Path(f"{dep}.dvc").exists()]
    files = [path for name in inputs for path in [Path(name), *Path(name).rglob("[!._]*.*")] if path.is_file()]
    files = [path for path in files if path.suffix != ".pyc"]  # written by imports; .dvcignore lists it, too
    files += [PIPELINE, Path(paths.PARAMS), Path(paths.PROJECT)]
    states = {path.as_posix(): path.stat() for path in files}
    return {name: (state.st_mtime_ns, state.st_size, state.st_ino) for name, state in states.items()}


def _read_stages() -> list[dict[str, Any]]:
    return [*yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))["stages"].values()]


def _list_outputs() -> list[str]:
    """Return the outputs of all stages. One may be the source, which a fresh clone does not have yet."""
    outs = [out for stage in _read_stages() for out in stage.get("outs", [])]
    return [name for out in outs for name in ([out] if isinstance(out, str) else out)]


def _read_committed(path: str) -> str | None:
    return git("show", f"HEAD:./{path}", strict=False) or None


def _is_same_problem(data: Data) -> bool:
    """Whether HEAD has the same source and target: the key of another table is not comparable."""
    committed = (yaml.safe_load(_read_committed(paths.PARAMS) or "") or {}).get("data") or {}
    return (committed.get("source"), committed.get("target")) == (data.source, data.target)


def _check_key(committed: str, current: str) -> None:
    """Compare the automatic key of two schemas, given as texts of data/schema.json."""
    try:
        before = _read_key(committed)
    except (ValueError, TypeError, LookupError, AttributeError):  # no schema: its key is not known
        return
    if (after := _read_key(current)) != before:
        raise ParamsError(
            f"{paths.SCHEMA}: the automatic key is {after!r} and was {before!r} in git; rows would change sides",
            hint=f"Set data.key in {paths.PARAMS} to the column that you want, then run again: make repro",
        )


def _read_key(schema: str) -> str | None:
    column = Schema.loads(schema).column("key")
    return column.name if column else None


def _run_dvc(*arguments: str, only: re.Pattern[str] | None = None) -> None:
    """Run DVC and exit with its code where it fails.

    `only` selects lines of its output: the summary of a single stage would look like that of the whole run.
    """
    command = [sys.executable, "-m", "dvc", *arguments]
    with start(command, stdout=PIPE if only else None) as process:
        for line in process.stdout or ():
            if only and only.match(line):
                print(line, end="", flush=True)
    if process.returncode:
        sys.exit(process.returncode)


def _print_summary(source: str) -> None:
    print_metrics()
    if advice := _list_advice():
        print("", *advice, sep="\n")
    wheel = next(Path(paths.DIST).glob("*.whl"))
    command = wheel.name.partition("-")[0].replace("_", "-")
    package = f"{wheel.as_posix()} (to use it: pip install, then {command} predict)"
    print(f"\nWrote: {package}, {paths.REPORT}, {paths.CARD}, metrics/")
    results = ", ".join([str(LOCK), paths.SCHEMA, *changed_files(paths.VERSIONS)])
    print(f"Next: read the report (make report) and the model card, commit {results} and metrics/")
    print(*(f"      {step}" for step in _suggest_next_steps(source)), sep="\n")


def _list_advice() -> list[str]:
    parameters, facts = params.read("model.estimator", "model.arguments").model, Performance.read().facts
    return advise(
        read_findings("evaluate"),
        task=facts.task,
        fitted_estimator=facts.estimator,
        estimator=parameters.estimator,
        arguments=parameters.arguments,
    )


def _suggest_next_steps(source: str) -> Iterator[str]:
    suite = suite_path(source)
    if not suite.exists():
        yield f"write a first expectation suite ({suite.as_posix()}): python -m plumbline draft"
    if questions := design.read_answers(source).open_questions:
        yield f"describe the project: {paths.DESIGN}, {len(questions)} questions open (plumbline docs design)"
    configs = [path.read_text(encoding="utf-8") for path in Path(".dvc").glob("config*") if path.is_file()]
    has_remote = any("['remote " in text for text in configs)
    yield f"git push{', and dvc push for the files that git does not hold' if has_remote else ''}"
