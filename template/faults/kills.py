"""SIGKILL at chosen moments: the same command again must end as if nothing had happened."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from template.faults.sandbox import REPRO, Sandbox, changed, finished

# Where a kill does the most harm: how often, kind ("": before or after), what the line in the log begins with
PIPELINE = [(3, "", "rename project/data/"), (3, "", "rename project/metrics/"), (1, "", "rename project/dist/"),
            (2, "", "rename project/.dvc/cache/"), (1, "half", "write project/dvc.lock"),
            (1, "half", "write project/.dvc/tmp/rwlock")]  # fmt: skip
PACKAGE = [(2, "", "rename project/dist/"), (3, "", "rename project/metrics/")]
PUSH = [(3, "", "rename remote/"), (1, "half", "write remote/")]
REVIEW = [(2, "half", "worktree "), (1, "", "rename project/.review/cells"), (1, "", "rename project/.review/result")]


@dataclass(frozen=True)
class Command:
    """module: what is killed and run again; begin: the project before it; worst, at_random: how many moments."""

    name: str
    module: tuple[str, ...]
    begin: Callable[[Path], Sandbox]
    worst: list[tuple[int, str, str]]
    at_random: int


COMMANDS = {
    command.name: command
    for command in (
        Command("pipeline", REPRO, changed, PIPELINE, 3),
        Command("package", ("src.stages.package",), finished, PACKAGE, 1),
        Command("push", ("dvc", "push"), finished, PUSH, 1),
        Command("review", ("plumbline", "review", "HEAD~1"), changed, REVIEW, 1),
    )
}


def end(command: Command, box: Sandbox) -> dict[str, Any]:
    found = box.same()
    if command.name == "review":
        found["review"] = [(box.project / ".review" / name).read_bytes() for name in ("result.json", "review.md")]
    return found


@dataclass(frozen=True)
class Undisturbed:
    """How a command ends when nothing happens, the moments that it has, and its seconds."""

    code: int
    end: dict[str, Any]
    moments: list[str]
    seconds: float


@cache
def undisturbed(name: str, folder: Path) -> Undisturbed:
    command = COMMANDS[name]
    box = command.begin(folder).copy(folder / name)
    log, start = folder / f"{name}.log", time.monotonic()
    process = box.start(command.module, {"FAULT": str(log), "FAULT_HOME": str(box.home.resolve())})
    said = process.communicate()[0]
    assert process.returncode in (0, 1), said
    taken = time.monotonic() - start
    return Undisturbed(process.returncode, end(command, box), log.read_text().splitlines(), taken)


def points(name: str, folder: Path, seed: int) -> list[tuple[int | float, str]]:
    """Moments by their numbers in the log and kinds, or by seconds."""
    command, whole, chance = COMMANDS[name], undisturbed(name, folder), random.Random(f"{name} {seed}")  # noqa: S311
    found: list[tuple[int | float, str]] = []
    for count, kind, begin in command.worst:
        fitting = [number for number, moment in enumerate(whole.moments, 1) if moment.startswith(begin)]
        kinds = [kind] if kind else ["before", "after"]
        found += chance.sample([(number, kind) for number in fitting for kind in kinds], count)
    return found + [(chance.uniform(0.1, 0.9) * whole.seconds, "seconds") for _ in range(command.at_random)]


def kill(name: str, folder: Path, at: int | float, kind: str) -> str:
    """Kills the command there and runs it again; says where it was killed. Raises AssertionError for what is not so."""
    command, whole = COMMANDS[name], undisturbed(name, folder)
    begin = command.begin(folder)
    box = begin.copy(folder / f"{name}-{at:g}-{kind}")
    log = box.home / "log"
    if kind == "seconds":
        where = f"after {at:.1f} s"
        process = box.start(command.module)
        time.sleep(at)
        os.killpg(process.pid, signal.SIGKILL)
    else:
        where = f"{kind} {whole.moments[int(at) - 1]}"
        process = box.start(command.module, {"FAULT": f"{log}:{at}:{kind}", "FAULT_HOME": str(box.home.resolve())})
    process.communicate()
    assert process.returncode == -signal.SIGKILL, f"{where}: it ended with {process.returncode} before it was killed"
    whole_files(box, begin, whole)
    box.run(*command.module, code=whole.code)
    found = end(command, box)
    assert found == whole.end, f"{where}: {[key for key in found if found[key] != whole.end[key]]} differ"
    if name == "pipeline":
        box.agrees()
    return where


def whole_files(box: Sandbox, begin: Sandbox, whole: Undisturbed) -> None:
    """What stands under an output's name is what was there or what will be there, and every object is whole."""
    before, after = begin.outputs(), whole.end["outputs"]
    for name, found in box.outputs().items():
        assert found in (before.get(name), after.get(name)), f"half a file stands under its name: {name}"
    for folder in ("remote", "project/.dvc/cache"):
        box.stored(folder)
    for path in (box.project / ".review/cells").glob("*/*.npz"):
        np.load(path).files  # noqa: B018
