"""The committed pipeline again, from nothing, under other circumstances: the same bytes, or what differs and why."""

import contextlib
import graphlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.process import git
from plumbline.process import run as started
from plumbline.progress import progress
from plumbline.reproducibility import remote
from plumbline.reproducibility.circumstances import NAMES, Place, named, place
from plumbline.reproducibility.explain import first_difference, unlike
from plumbline.reproducibility.pipeline import (
    LOCK,
    PIPELINE,
    Broken,
    Stage,
    declared,
    file_hash,
    folder_hash,
    load,
    on_disk,
    pointers,
    value,
)

IDENTICAL, METRICS, DIFFER = "identical", "metrics equal", "differ"
ITSELF = "none: with nothing changed it differs from itself (times of files, memory addresses, threads in a race)"
TOGETHER = "several together, none alone"
ELSEWHERE = f"none: {LOCK} is of another machine, or not of this code"
VERIFY = "python -m plumbline verify"


@dataclass(frozen=True)
class Made:
    """What one run left: each output's hash, and where its bytes are kept; `failed` says why a stage made none."""

    folder: Path
    hashes: dict[str, str]
    failed: dict[str, str]


@dataclass(frozen=True)
class Difference:
    """An output that differs: why, and where first; `is_first` where no input of its stage differs."""

    output: str
    stage: str
    causes: list[str]
    where: str
    is_first: bool

    def __str__(self) -> str:
        return f"{self.stage}: {self.output}: {self.where}. Cause: {', '.join(self.causes) or 'not looked for'}"


@dataclass
class Report:
    word: str = IDENTICAL
    commit: str = ""
    outputs: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return int(self.word == DIFFER)

    def to_json(self) -> dict[str, object]:
        return asdict(self) | {"exit_code": self.exit_code, "circumstances": list(NAMES)}

    def lines(self) -> Iterator[str]:
        same = f"{self.outputs - len(self.differences)} of {self.outputs} outputs are byte for byte those of {LOCK}"
        yield f"{self.word}: {same}; changed were {', '.join(NAMES)}"
        yield from (str(one) for one in self.differences if one.is_first)
        if follow := [one.output for one in self.differences if not one.is_first]:
            yield f"{len(follow)} outputs of later stages differ with them: {', '.join(follow)}"
        yield from self.notes
        if self.word == DIFFER:
            yield "Next: fix the first stage that is named (docs/reproducibility.md), make repro, commit, replay again"
        else:
            yield f"Next: nothing; this is proved of commit {self.commit[:9]} on this machine"


def firsts(stages: dict[str, Stage], found: set[str]) -> set[str]:
    """Of the outputs that differ, those of stages whose own inputs do not: what to fix, the rest follows."""
    return {out for stage in stages.values() for out in found & stage.outs.keys() if not found & set(stage.deps)}


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {out for out in one.keys() | other.keys() if one.get(out) != other.get(out)}


class Replay:
    """The pipeline of HEAD, run as often as it takes, in `root`."""

    def __init__(self, root: Path) -> None:
        self.root, self.here = root, Path.cwd()
        self.report = Report(commit=git("rev-parse", "HEAD", strict=False).strip())
        self._clone(root / "head")
        with contextlib.chdir(self._in(root / "head")):
            self.stages, self.pointers = declared(), pointers()
            self.lock: dict[str, Any] = load(LOCK).get("stages", {})
            self.metrics = [path for path in load(PIPELINE).get("metrics") or [] if isinstance(path, str)]
            self.show = bool(value(load("params.yaml"), "data.show_values", False))
            self._check()
        self.locked = {out["path"]: out["md5"] for one in self.lock.values() for out in one.get("outs") or []}
        self.report.outputs = len(self.locked)

    @cached_property
    def order(self) -> list[str]:
        """The stages as DVC runs them: what makes an input comes before what reads it."""
        made = {out: name for name, stage in self.stages.items() for out in stage.outs}
        graph = {name: [made[path] for path in stage.deps if path in made] for name, stage in self.stages.items()}
        return list(graphlib.TopologicalSorter(graph).static_order())

    def _check(self) -> None:
        """HEAD must say what to run, and must not contradict itself."""
        for name, stage in self.stages.items():
            if stage.unread:
                raise PlumblineError(f"{PIPELINE}: {name} uses {stage.unread[0]}, which replay does not run")
            if missing := stage.outs.keys() - {out["path"] for out in self.lock.get(name, {}).get("outs") or []}:
                raise PlumblineError(
                    f"{LOCK}: has no hash of {min(missing)}, expected the whole run in HEAD. Next: make repro"
                )
            for path in [path for path, flags in stage.outs.items() if not flags.get("cache", True)]:
                if on_disk(path) != next(out["md5"] for out in self.lock[name]["outs"] if out["path"] == path):
                    raise PlumblineError(f"{path}: is in HEAD not what {LOCK} states. Next: {VERIFY}")

    def _in(self, clone: Path) -> Path:
        """The project in a clone: it may lie below the repository's top."""
        return clone / git("rev-parse", "--show-prefix", strict=False).strip()

    def _clone(self, folder: Path) -> None:
        top = git("rev-parse", "--show-toplevel", strict=False).strip()
        git("clone", "-q", top, folder)

    def _bring(self, folder: Path) -> None:
        """What lies behind a pointer, and nothing that a stage makes."""
        read = {path for stage in self.stages.values() for path in stage.deps}
        for path in [path for path in self.pointers if any(one == path or one.startswith(path + "/") for one in read)]:
            kept = self._kept(path, self.pointers[path]["md5"])
            if kept is None:
                raise PlumblineError(
                    f"{path}: what {self.pointers[path]['pointer']} points to is not here. Next: dvc pull {path}"
                )
            (shutil.copytree if kept.is_dir() else shutil.copyfile)(kept, folder / path)
        for out in [out for stage in self.stages.values() for out in stage.outs]:
            shutil.rmtree(folder / out, ignore_errors=True)
            (folder / out).unlink(missing_ok=True)
            (folder / out).parent.mkdir(parents=True, exist_ok=True)

    def _kept(self, path: str, oid: str) -> Path | None:
        """Where the bytes with this hash are: in the working tree, or in DVC's cache."""
        if on_disk(path) == oid:
            return Path(path)
        return cache if (cache := remote.cached(oid)).is_file() and not oid.endswith(".dir") else None

    def run(self, label: str, changed: set[str]) -> Made:
        """One run from nothing; its outputs are kept, its folder is not."""
        where, began, failed = place(self.root, changed), time.monotonic(), {}
        self._clone(where.folder)
        project, kept = self._in(where.folder), self.root / "made" / label
        self._bring(project)
        with progress(f"replay, {label}", len(self.order)) as advance:
            for name in self.order:
                print(f"replay, {label}: {name}", flush=True)
                if why := self._stage(name, project, where):
                    failed[name] = why
                advance(note=name)
        hashes = {}
        for out in [out for out in self.locked if (project / out).exists()]:
            (kept / out).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(project / out, kept / out)
            hashes[out] = hashed(kept / out)
        shutil.rmtree(where.folder)
        self.report.seconds[label] = round(time.monotonic() - began)
        return Made(kept, hashes, failed)

    def _stage(self, name: str, folder: Path, where: Place) -> str:
        """Why it failed; empty where it did not. The shell reads a command as DVC lets it.

        After a stage that failed the others run, as far as they can: what has nothing to do with it is not blamed.
        """
        if lost := [path for path in self.stages[name].deps if not (folder / path).exists()]:
            return f"{name} lacks {lost[0]}"
        commands = self.stages[name].cmd
        for command in commands if isinstance(commands, list) else [commands]:
            ran = started(command, cwd=folder, env=where.environment, umask=where.umask)
            if ran.returncode:
                last = (ran.stderr.strip() or ran.stdout.strip() or command).splitlines()[-1]
                return f"{name} fails ({last.removeprefix('ERROR: ')[:300]})"
        return ""

    def judge(self, quick: bool, each: bool) -> Report:
        """Changing all at once proves it where nothing differs; else each alone, against nothing changed."""
        together = self.run("all changed together", set(NAMES))
        if not each and not differing(together.hashes, self.locked):
            return self.report
        plain = self.run("nothing changed", set())
        if plain.failed:
            raise PlumblineError(f"replay: with nothing changed {next(iter(plain.failed.values()))}. Next: make repro")
        runs = {TOGETHER: together}
        if each or (not quick and differing(together.hashes, plain.hashes)):
            runs = {ITSELF: self.run("nothing changed, again", set())}
            runs |= {name: self.run(f"{name} changed", {name}) for name in NAMES} | {TOGETHER: together}
        self.report.differences = list(self._differences(plain, runs))
        away = [out for out in self.locked if plain.hashes.get(out) != self.locked[out]]
        depends = any(one.causes != [ELSEWHERE] for one in self.report.differences)
        if self.report.differences:
            is_near = not depends and bool(self.metrics) and all(self._near(plain, path) for path in self.metrics)
            self.report.word = METRICS if is_near else DIFFER
        if away and not depends:
            self.report.notes.append(
                f"None of what was changed matters to the {len(away)}: they are the same here in all circumstances"
            )
        return self.report

    def _differences(self, plain: Made, runs: dict[str, Made]) -> Iterator[Difference]:
        """Of each output that is not always the lock's: what changes it, and where."""
        found = {}
        for out in self.locked:
            causes = [name for name, made in runs.items() if made.hashes.get(out) != plain.hashes[out]]
            if ITSELF in causes or set(causes) - {TOGETHER}:
                causes = [ITSELF] if ITSELF in causes else [name for name in causes if name != TOGETHER]
            if causes or plain.hashes[out] != self.locked[out]:
                found[out] = causes or [ELSEWHERE]
        first = firsts(self.stages, set(found))
        for name in self.order:
            for out in sorted(found.keys() & self.stages[name].outs.keys()):
                causes = found[out]
                where = self._where(name, out, plain, runs.get(causes[0]))
                said = [one + self._variables() if one == "environment variables" else one for one in causes]
                yield Difference(out, name, said if len(runs) > 1 or causes == [ELSEWHERE] else [], where, out in first)

    def _where(self, stage: str, out: str, plain: Made, other: Made | None) -> str:
        """The first difference of what `other` made, or of what the lock names, from what came out unchanged."""
        show = self.show or out in self.metrics
        if other is None:
            locked = self._kept(out, self.locked[out])
            return first_difference(locked, plain.folder / out, show) if locked else "what the lock names is not here"
        if out not in other.hashes:
            return other.failed.get(stage, "was not made")
        return first_difference(plain.folder / out, other.folder / out, show)

    def _variables(self) -> str:
        project = self._in(self.root / "head")
        found = named(project / "src", project / "plumbline")
        return f" (the code names {', '.join(found)})" if found else ""

    def _near(self, plain: Made, path: str) -> bool:
        one, other = (self._in(self.root / "head") / path, plain.folder / path)
        return not any(unlike(*(json.loads(file.read_text(encoding="utf-8")) for file in (one, other))))


def hashed(path: Path) -> str:
    """As DVC hashes a file or a folder."""
    if not path.is_dir():
        return file_hash(str(path))
    files = [file for file in path.rglob("*") if file.is_file()]
    return folder_hash({file.relative_to(path).as_posix(): file_hash(str(file)) for file in files})


def replay(quick: bool = False, each: bool = False) -> Report:
    """quick: no search for causes; each: every circumstance alone in any case."""
    try:
        with tempfile.TemporaryDirectory(prefix="replay-") as root:
            return Replay(Path(root)).judge(quick, each)
    except Broken as error:
        raise PlumblineError(f"{error}. Next: {VERIFY}") from None
