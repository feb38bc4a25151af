"""SIGKILL at chosen moments: the same command, run again, must end as if nothing had happened."""

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

from template.faults.sandbox import REPRO, Sandbox, changed_sandbox, finished_sandbox

Moment = tuple[int | float, str]  # the number of a line in the log and before, after or half; or a time and seconds
# Where a kill does the most harm: how often, the kind ("": before or after), how the line in the log starts
PIPELINE = [
    (3, "", "rename project/data/"),
    (3, "", "rename project/metrics/"),
    (1, "", "rename project/dist/"),
    (2, "", "rename project/.dvc/cache/"),
    (1, "half", "write project/dvc.lock"),
    (1, "half", "write project/.dvc/tmp/rwlock"),
]
PACKAGE = [(2, "", "rename project/dist/"), (3, "", "rename project/metrics/")]
PUSH = [(3, "", "rename remote/"), (1, "half", "write remote/")]
REVIEW = [(2, "half", "worktree "), (1, "", "rename project/.review/cells"), (1, "", "rename project/.review/result")]


@dataclass(frozen=True)
class Command:
    """A command that is killed and run again.

    Attributes
    ----------
    name : str
        In the drill's name.
    module : tuple of str
        What `python -m` runs.
    prepare : callable
        Returns the project before the command.
    moments : list of tuple
        Where it is killed: how often, the kind, and how the line in the log starts.
    random_times : int
        How often it is killed at a random time in addition.
    """

    name: str
    module: tuple[str, ...]
    prepare: Callable[[Path], Sandbox]
    moments: list[tuple[int, str, str]]
    random_times: int


COMMANDS = {
    command.name: command
    for command in (
        Command("pipeline", REPRO, changed_sandbox, PIPELINE, 3),
        Command("package", ("src.stages.package",), finished_sandbox, PACKAGE, 1),
        Command("push", ("dvc", "push"), finished_sandbox, PUSH, 1),
        Command("review", ("plumbline", "review", "HEAD~1"), changed_sandbox, REVIEW, 1),
    )
}


def _final_state(command: Command, box: Sandbox) -> dict[str, Any]:
    state = box.state()
    if command.name == "review":
        state["review"] = [(box.project / ".review" / name).read_bytes() for name in ("result.json", "review.md")]
    return state


@dataclass(frozen=True)
class Reference:
    """How a command ends without a fault: its exit code, the project's state, the lines of its log, its seconds."""

    code: int
    state: dict[str, Any]
    log: list[str]
    seconds: float


@cache
def run_reference(name: str, folder: Path) -> Reference:
    """Run a command without a fault."""
    command = COMMANDS[name]
    box = command.prepare(folder).copy(folder / name)
    log, start = folder / f"{name}.log", time.monotonic()
    process = box.start(command.module, {"FAULT": str(log), "FAULT_HOME": str(box.home.resolve())})
    output = process.communicate()[0]
    assert process.returncode in (0, 1), output
    seconds = time.monotonic() - start
    return Reference(process.returncode, _final_state(command, box), log.read_text().splitlines(), seconds)


def choose_moments(name: str, folder: Path, seed: int) -> list[Moment]:
    """Choose the moments at which a command is killed."""
    command, reference = COMMANDS[name], run_reference(name, folder)
    chance = random.Random(f"{name} {seed}")  # noqa: S311
    moments: list[Moment] = []
    for count, kind, start in command.moments:
        numbers = [number for number, line in enumerate(reference.log, 1) if line.startswith(start)]
        kinds = [kind] if kind else ["before", "after"]
        moments += chance.sample([(number, kind) for number in numbers for kind in kinds], count)
    times = [chance.uniform(0.1, 0.9) * reference.seconds for _ in range(command.random_times)]
    return moments + [(seconds, "seconds") for seconds in times]


def kill(name: str, folder: Path, moment: int | float, kind: str) -> str:
    """Kill a command at a moment and run it again.

    Returns
    -------
    str
        Where it was killed.

    Raises
    ------
    AssertionError
        If it does not end as without a fault.
    """
    command, reference = COMMANDS[name], run_reference(name, folder)
    before = command.prepare(folder)
    box = before.copy(folder / f"{name}-{moment:g}-{kind}")
    if kind == "seconds":
        where = f"after {moment:.1f} s"
        process = box.start(command.module)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
    else:
        where = f"{kind} {reference.log[int(moment) - 1]}"
        fault = f"{box.home / 'log'}:{moment}:{kind}"
        process = box.start(command.module, {"FAULT": fault, "FAULT_HOME": str(box.home.resolve())})
    process.communicate()
    code = process.returncode
    assert code == -signal.SIGKILL, f"{where}: it ended with exit code {code} before it was killed"
    check_files(box, before, reference)
    box.run(*command.module, code=reference.code)
    state = _final_state(command, box)
    differences = [key for key in state if state[key] != reference.state[key]]
    assert state == reference.state, f"{where}: {differences} differ"
    if name == "pipeline":
        box.check_lock()
    return where


def check_files(box: Sandbox, before: Sandbox, reference: Reference) -> None:
    """Check that each output is the old or the new one, never half a file, and that every object is complete."""
    old, new = before.outputs(), reference.state["outputs"]
    for name, digest in box.outputs().items():
        assert digest in (old.get(name), new.get(name)), f"half a file has its final name: {name}"
    for folder in ("remote", "project/.dvc/cache"):
        box.objects(folder)
    for path in (box.project / ".review/cells").glob("*/*.npz"):
        np.load(path).files  # noqa: B018
