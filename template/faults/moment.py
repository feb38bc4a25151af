"""Kills the command that it is loaded into, with all that belongs to it, at a moment that was chosen beforehand.

The drills commit it to their project as sitecustomize.py, so that every Python of a run has it. In the environment
FAULT is `LOG` or `LOG:NUMBER:KIND`, FAULT_HOME a folder. Whatever gets its name there, is opened for writing, or is a
worktree that git makes has a line in LOG; at line NUMBER the whole group of processes is killed: `before` it, `after`
it, or when `half` of it is there.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

LOG, NUMBER, KIND = (*os.environ.get("FAULT", "").split(":"), "0", "before")[:3]
HOME = os.environ.get("FAULT_HOME", os.sep)
busy, due = False, False


def line(event: str, arguments: tuple) -> str | None:
    """What is about to happen to a file in HOME, if so."""
    if event == "os.rename":
        target, what = arguments[1], "rename"
    elif event == "open" and str(arguments[1] or "").startswith("w"):
        target, what = arguments[0], "write"
    elif event == "subprocess.Popen" and "worktree" in arguments[1] and "add" in arguments[1]:
        target, what = arguments[1][-2], "worktree"
    else:
        return None
    named = isinstance(target, str | bytes | os.PathLike)  # and no number of an open file
    path = os.path.abspath(os.fsdecode(target)) if named else ""  # noqa: PTH100, links stay
    return f"{what} {os.path.relpath(path, HOME)}" if path.startswith(HOME) and "__pycache__" not in path else None


def halve(said: str, arguments: tuple) -> None:
    """As a kill in the midst of it would leave it."""
    path = Path(HOME, said.split(" ", 1)[1])
    if said.startswith("worktree"):
        subprocess.run(arguments[1], check=True)
        shutil.rmtree(path / "src")
        name = (path / ".git").read_text().split()[-1]
        Path(name, "locked").write_text("initializing")  # as git has it until the worktree is whole
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if path.exists() else b"")


def strike() -> None:
    global busy
    busy = True
    os.killpg(os.getpgid(0), signal.SIGKILL)


def hook(event: str, arguments: tuple) -> None:
    global busy, due
    if busy:
        return
    if due:  # whatever comes next: the rename is done
        strike()
    busy = True
    if said := line(event, arguments):
        with Path(LOG).open("a+") as log:
            log.write(said + "\n")
            log.seek(0)
            number = len(log.readlines())
        if number == int(NUMBER):
            if KIND == "half":
                halve(said, arguments)
            if KIND != "after":
                strike()
            due = True
    busy = False


if CLOCK := os.environ.get("FAULT_CLOCK"):  # seconds to add
    import time

    import time_machine

    time_machine.travel(time.time() + float(CLOCK)).start()
if LOG:
    sys.addaudithook(hook)
