"""Check the parameters, run the pipeline (dvc repro), say what came out and what to do next (make repro).

A key that is absent from params.yaml is written there with its default. Where DVC fails, the exit code is DVC's.
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

from plumbline import design, params, paths
from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError
from plumbline.evaluation.advice import BASELINES, advise
from plumbline.expectations.suite import place
from plumbline.files import write_text
from plumbline.findings import read_findings
from plumbline.formatting import short
from plumbline.keys import Data
from plumbline.pipeline.ingest import located
from plumbline.process import PIPE, changed_files, git, require_git, start

PASSES_ON = True
RUNNING = re.compile("Running stage|> |ingest: ")
LOCK, BUSY = "dvc.lock", Path(".dvc/tmp/rwlock")  # DVC's: what made what, and who works on what


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dvc", nargs="*", metavar="ARGUMENT", help="of dvc repro, as in plumbline repro --force train")


def run(options: Namespace) -> int:
    require_git()
    for key in params.add_defaults():
        print(f"{paths.PARAMS}: {key} was absent and now stands there with its default")
    p = params.check()
    if p.data.source not in _made_by_stages():
        located(p.data.source)
    _mend()
    schema = _committed(paths.SCHEMA)
    with _unchanged(p.data.source):
        if p.data.key == "auto" and schema is not None and _same_question(p.data):
            _dvc("repro", "ingest", only=RUNNING)
            _compare_keys(_key(schema), _key(Path(paths.SCHEMA).read_text(encoding="utf-8")))
        _dvc("repro", *options.dvc)
    _report(p.data.source)
    return 0


def _mend() -> None:
    """DVC stops, whatever is asked of it, at half a file of its own, which a run leaves that is killed as it writes."""
    try:
        if BUSY.exists():
            json.loads(BUSY.read_bytes())
    except ValueError:
        BUSY.unlink()
    if not Path(LOCK).exists():
        return
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(Path(LOCK).read_bytes()))
    except (yaml.YAMLError, ValueError, Invalid):
        print(f"{LOCK}: is no lock, as after a run that was killed; that of HEAD takes its place", flush=True)
        _lock_of_head()


def _lock_of_head() -> None:
    content = _committed(LOCK)
    if content is None:
        Path(LOCK).unlink(missing_ok=True)
    else:
        write_text(LOCK, content)


@contextmanager
def _unchanged(source: str) -> Iterator[None]:
    """Refuses a run under which its inputs changed: DVC writes the hash of the new ones beside results of the old."""
    before = _inputs(source)
    try:
        yield
    finally:
        after = _inputs(source)
        changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        if changed:
            _lock_of_head()
            raise PlumblineError(
                f"{changed[0]} changed while the pipeline ran ({len(changed)} files did), so "
                f"nobody can say what made the results; {LOCK} is that of HEAD again. Run it again: make repro"
            )


def _inputs(source: str) -> dict[str, tuple[int, int, int]]:
    """The files that people write and stages read, and what tells that one was written anew."""
    made = _made_by_stages()
    given = [dep.replace("${data.source}", source) for stage in _stages() for dep in stage.get("deps", [])]
    given = [dep for dep in given if dep not in made and not Path(f"{dep}.dvc").exists()]  # those DVC may link anew
    found = [file for name in given for file in [Path(name), *Path(name).rglob("[!._]*.*")] if file.is_file()]
    files = [file for file in found if file.suffix != ".pyc"]  # Python's own, as .dvcignore has it
    states = {file.as_posix(): file.stat() for file in [*files, *map(Path, ("dvc.yaml", paths.PARAMS, paths.PROJECT))]}
    return {name: (state.st_mtime_ns, state.st_size, state.st_ino) for name, state in states.items()}


def _stages() -> list[dict[str, Any]]:
    return [*yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"].values()]


def _made_by_stages() -> list[str]:
    """What stages before ingest make (docs/more-than-one-table.md): in a fresh clone it is not there yet."""
    outs = [out for stage in _stages() for out in stage.get("outs", [])]
    return [name for out in outs for name in ([out] if isinstance(out, str) else out)]


def _committed(path: str) -> str | None:
    return git("show", f"HEAD:./{path}", strict=False) or None


def _same_question(data: Data) -> bool:
    """Whether the committed schema is of this source and target; that of another table says nothing about the key."""
    committed = (yaml.safe_load(_committed(paths.PARAMS) or "") or {}).get("data") or {}
    return (committed.get("source"), committed.get("target")) == (data.source, data.target)


def _key(schema: str) -> str | None:
    column = Schema.loads(schema).column("key")
    return column.name if column else None


def _compare_keys(committed: str | None, found: str | None) -> None:
    if found != committed:
        raise PlumblineError(
            f"{paths.SCHEMA}: the automatic key is {found!r} and was {committed!r} in git; rows would change sides. "
            f"State the one that you want in {paths.PARAMS}, data.key, and run again"
        )


def _dvc(*arguments: str, only: re.Pattern[str] | None = None) -> None:
    """Runs DVC; only: of what it prints these lines, since its summary of a part would be taken for that of the run."""
    command = [sys.executable, "-m", "dvc", *arguments]
    with start(command, stdout=PIPE if only else None) as running:
        for line in running.stdout or ():
            if only and only.match(line):
                print(line, end="", flush=True)
    if running.returncode:
        sys.exit(running.returncode)


def metrics() -> None:
    """Prints what the last evaluate in this folder found, beside its baselines."""
    files = (paths.METRICS, paths.LINEAR, paths.TRIVIAL, paths.INTERVALS)
    model, linear, trivial, intervals = (json.loads(Path(f).read_text(encoding="utf-8")) for f in files)
    print(
        f"\n{model['estimator']}, {model['task']}: {model['rows_train']} rows learned, {model['rows_holdout']} held out"
    )
    width = max(map(len, intervals))
    print(f"\n{'':{width}}  {'model':>9}  {'95 % interval':^19}  {'linear':>9}  {'trivial':>9}")
    for name, interval in intervals.items():
        value, *others = (f"{short(found[name]):>9}" for found in (model, linear, trivial))
        print(f"{name:{width}}  {value}  {' to '.join(map(short, interval['model'])):^19}  {'  '.join(others)}")
    against = [finding.evidence for finding in read_findings("evaluate") if finding.kind in BASELINES.values()]
    print("", *against, sep="\n")


def _advice() -> list[str]:
    p = params.read("model.estimator", "model.arguments")
    model = json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))
    return advise(
        read_findings("evaluate"),
        task=model["task"],
        fitted_estimator=model["estimator"],
        estimator=p.model.estimator,
        arguments=p.model.arguments,
    )


def _report(source: str) -> None:
    metrics()
    if advice := _advice():
        print("", *advice, sep="\n")
    wheel = next(Path(paths.DIST).glob("*.whl"))
    command = wheel.name.partition("-")[0].replace("_", "-")
    print(
        f"\nMade: {wheel.as_posix()} (pip install it, then: {command} predict), {paths.REPORT}, {paths.CARD}, metrics/"
    )
    made = ", ".join(["dvc.lock", paths.SCHEMA, *changed_files(paths.VERSIONS)])
    print(f"Next: look at the report (make report), read the card, commit {made} and metrics/")
    suite = place(source)
    if not suite.exists():
        print(f"      say what the table must be: python -m plumbline draft writes a first {suite.as_posix()}")
    if open_questions := [name for name, answer in design.answers(source).items() if not answer]:
        print(f"      say what this is for: {paths.DESIGN}, {len(open_questions)} questions open (docs/design.md)")
    remotes = [path.read_text(encoding="utf-8") for path in Path(".dvc").glob("config*") if path.is_file()]
    away = any("['remote " in text for text in remotes)
    print(f"      git push{', and dvc push for what git does not hold' if away else ''}")
