"""The one place that starts programs, and the one function that calls git."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from plumbline.errors import PlumblineError

Command = Sequence[str | Path] | str  # a text is a line for the shell
Ran = subprocess.CompletedProcess[str]
Started = subprocess.Popen[str]
TimedOut = subprocess.TimeoutExpired


def run(
    command: Command,
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    given: str | None = None,
    show: bool = False,
    umask: int = -1,
    before: Callable[[], object] | None = None,
    seconds: float | None = None,
) -> Ran:
    """Runs a program to its end; what it printed is in `stdout` and `stderr`, characters that are no UTF-8 replaced.

    Parameters
    ----------
    command : list of words, or str
        A str is a line for the shell, as DVC runs the commands of stages.
    given : str
        What the program reads.
    show : bool
        Let it print to the terminal instead; `stdout` and `stderr` are empty then.
    umask, before
        As `umask` and `preexec_fn` of `subprocess.Popen`.
    seconds : float
        After so long it is stopped, and `TimedOut` is raised.
    """
    ran = subprocess.run(
        command, cwd=cwd, env=env, input=given, capture_output=not show, encoding="utf-8", errors="replace",
        shell=isinstance(command, str), umask=umask, preexec_fn=before, timeout=seconds,
        check=False,
    )  # fmt: skip
    return subprocess.CompletedProcess(command, ran.returncode, ran.stdout or "", ran.stderr or "")


def start(
    command: Command,
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[str] | None = None,
    stdout: int | IO[str] | None = None,
    stderr: int | IO[str] | None = None,
) -> Started:
    """Starts a program and does not wait: PIPE where its input or output is wanted."""
    return subprocess.Popen(
        command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, encoding="utf-8", errors="replace"
    )


PIPE = subprocess.PIPE


def git(
    *arguments: str | Path, cwd: str | Path | None = None, env: Mapping[str, str] | None = None, strict: bool = True
) -> str:
    """What git prints, bytes that are no UTF-8 as surrogates, line ends as they are.

    Raises
    ------
    PlumblineError
        With git's last line, where it fails; where `strict` is False the answer is "" instead.
    """
    ran = subprocess.run(["git", *arguments], cwd=cwd, env=env, capture_output=True, check=False)
    if ran.returncode and strict:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"ended with {ran.returncode}"]
        raise PlumblineError(f"git {' '.join(map(str, arguments))}: {said[0]}")
    return "" if ran.returncode else ran.stdout.decode("utf-8", "surrogateescape")


def replaced(text: str) -> str:
    """What `git` gave, for people and files: bytes that are no UTF-8 as a mark."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def need_git() -> None:
    """Refuses where git cannot be found."""
    if shutil.which("git") is None:
        raise PlumblineError(
            "git is not on PATH: expected it, the project compares with what is committed. Install git, then again"
        )


def changed_since_head(*where: str) -> set[str]:
    """The files below these paths that are others than in HEAD, or not in git."""
    shown = git("status", "--porcelain", "-z", "--no-renames", "-uall", "--", *where, strict=False)
    return {entry[3:] for entry in shown.split("\0") if entry}
