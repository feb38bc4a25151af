"""Kill the command that imports this module, with its whole process group, at a chosen moment.

The drills commit this file to their project as sitecustomize.py, so that every Python process of a run imports it. In
the environment FAULT is `LOG` or `LOG:NUMBER:KIND`, and FAULT_HOME is a folder. LOG gets a line for each file in
FAULT_HOME that is renamed or opened for writing, and for each worktree that git adds. At line NUMBER the group is
killed: `before` it, `after` it, or when `half` of the file is written.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

LOG, NUMBER, KIND = (*os.environ.get("FAULT", "").split(":"), "0", "before")[:3]
HOME = os.environ.get("FAULT_HOME", os.sep)
is_busy, is_due = False, False


def format_event(event: str, arguments: tuple) -> str | None:
    """Return what is about to happen to a file in HOME, if the event is about one."""
    if event == "os.rename":
        target, action = arguments[1], "rename"
    elif event == "open" and str(arguments[1] or "").startswith("w"):
        target, action = arguments[0], "write"
    elif event == "subprocess.Popen" and "worktree" in arguments[1] and "add" in arguments[1]:
        target, action = arguments[1][-2], "worktree"
    else:
        return None
    is_path = isinstance(target, str | bytes | os.PathLike)  # and not the number of an open file
    path = os.path.abspath(os.fsdecode(target)) if is_path else ""  # noqa: PTH100, links stay
    return f"{action} {os.path.relpath(path, HOME)}" if path.startswith(HOME) and "__pycache__" not in path else None


def halve(line: str, arguments: tuple) -> None:
    """Leave the file or the worktree as a kill in the middle would leave it."""
    path = Path(HOME, line.split(" ", 1)[1])
    if line.startswith("worktree"):
        subprocess.run(arguments[1], check=True)
        shutil.rmtree(path / "src")
        name = (path / ".git").read_text().split()[-1]
        Path(name, "locked").write_text("initializing")  # as git writes it until the worktree is complete
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if path.exists() else b"")


def kill() -> None:
    """Kill the process group."""
    global is_busy
    is_busy = True
    os.killpg(os.getpgid(0), signal.SIGKILL)


def hook(event: str, arguments: tuple) -> None:
    """Write a line for the event, and kill at the chosen one: an audit hook of sys."""
    global is_busy, is_due
    if is_busy:
        return
    if is_due:  # the next event of any kind: the rename is done
        kill()
    is_busy = True
    if line := format_event(event, arguments):
        with Path(LOG).open("a+") as log:
            log.write(line + "\n")
            log.seek(0)
            number = len(log.readlines())
        if number == int(NUMBER):
            if KIND == "half":
                halve(line, arguments)
            if KIND != "after":
                kill()
            is_due = True
    is_busy = False


if CLOCK := os.environ.get("FAULT_CLOCK"):  # seconds to add
    import time

    import time_machine

    time_machine.travel(time.time() + float(CLOCK)).start()
if LOG:
    sys.addaudithook(hook)
