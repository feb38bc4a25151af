"""Start programs: no other module imports subprocess."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from plumbline.errors import ProgramError

Command = Sequence[str | Path] | str
CompletedProcess = subprocess.CompletedProcess[str]
Process = subprocess.Popen[str]
PIPE = subprocess.PIPE


def run(
    command: Command,
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    capture_output: bool = True,
    umask: int = -1,
    preexec: Callable[[], object] | None = None,
    timeout: float | None = None,
) -> CompletedProcess:
    """Run a program and wait until it ends.

    Parameters
    ----------
    command : sequence of str or path, or str
        A str is a line for the shell, as DVC runs the commands of stages.
    cwd : path, optional
        The working directory, by default that of this process.
    env : mapping of str to str, optional
        The environment variables, by default those of this process.
    stdin : str, optional
        What the program reads from its standard input.
    capture_output : bool
        False lets the program print to the terminal; `stdout` and `stderr` of the result are empty then.
    umask : int
        The umask of the program; -1 for that of this process.
    preexec : callable, optional
        Called in the new process before the program starts.
    timeout : float, optional
        Seconds after which the program is killed.

    Returns
    -------
    CompletedProcess
        With `returncode`, `stdout` and `stderr`. Bytes that are not UTF-8 are replaced by U+FFFD.

    Raises
    ------
    ProgramError
        If the program takes longer than `timeout`. An exit code other than 0 raises nothing.

    Examples
    --------
    >>> run("echo one; exit 3").returncode
    3
    """
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=capture_output,
            encoding="utf-8",
            errors="replace",
            shell=isinstance(command, str),
            umask=umask,
            preexec_fn=preexec,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        hint = "Run it again, with a connection to the network if it needs one"
        raise ProgramError(f"{_words(command)}: did not end within {timeout:g} s", hint=hint) from None
    return subprocess.CompletedProcess(command, result.returncode, result.stdout or "", result.stderr or "")


def start(
    command: Command,
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[str] | None = None,
    stdout: int | IO[str] | None = None,
    stderr: int | IO[str] | None = None,
) -> Process:
    """Start a program and return at once.

    Parameters
    ----------
    command, cwd, env
        As in `run`, except that there is no shell.
    stdin, stdout, stderr : int or file, optional
        `PIPE` to write or read them, or a file; by default those of this process.

    Returns
    -------
    Process
        To read from and to wait for. Bytes that are not UTF-8 are replaced by U+FFFD.
    """
    return subprocess.Popen(
        command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, encoding="utf-8", errors="replace"
    )


def git(
    *arguments: str | Path, cwd: str | Path | None = None, env: Mapping[str, str] | None = None, strict: bool = True
) -> str:
    """Run git and return what it prints.

    Parameters
    ----------
    *arguments : str or path
        As in ``git("rev-parse", "HEAD")``.
    cwd, env
        As in `run`.
    strict : bool
        False returns an empty str where git fails.

    Returns
    -------
    str
        Line ends are not changed. Bytes that are not UTF-8 are surrogates, as in names of files that Python lists:
        see `replace_surrogates`.

    Raises
    ------
    ProgramError
        If git is not installed; or if it fails and `strict` is True: the command, and the last line of git's message
        that names an error.

    Examples
    --------
    >>> git("show", "no-such-commit", strict=False)
    ''
    """
    command = ["git", *arguments]
    try:
        result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False)
    except FileNotFoundError:
        require_git()
        raise  # git is there, and another file, such as cwd, is not
    if result.returncode == 0:
        return result.stdout.decode("utf-8", "surrogateescape")
    if not strict:
        return ""
    lines = result.stderr.decode("utf-8", "replace").strip().splitlines()
    errors = [line for line in lines if line.startswith(("fatal:", "error:"))]  # advice may follow them
    reason = [f"ended with exit code {result.returncode}", *lines[-1:], *errors][-1]
    raise ProgramError(f"{_words(command)}: {reason}", hint="Run that command to see all of git's message")


def _words(command: Command) -> str:
    return command if isinstance(command, str) else " ".join(map(str, command))


def replace_surrogates(text: str) -> str:
    r"""Return the output of `git` as text that can be printed and written: U+FFFD for bytes that are not UTF-8.

    Examples
    --------
    >>> replace_surrogates("caf\udce9") == "caf\N{REPLACEMENT CHARACTER}"
    True
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def require_git() -> None:
    """Raise an error if git is not installed.

    Raises
    ------
    ProgramError
        If git is not on PATH.
    """
    if shutil.which("git") is None:
        message = "git is not on PATH: expected it, the project is compared with what is committed"
        raise ProgramError(message, hint="Install git, then run again")


def git_paths(*arguments: str) -> list[str]:
    """Return the paths that git prints with -z; none where it fails."""
    return [path for path in git(*arguments, strict=False).split("\0") if path]


def changed_files(*paths: str) -> set[str]:
    """Return the files below these paths, relative to this folder, that differ from HEAD or are not in git."""
    prefix = git("rev-parse", "--show-prefix", strict=False).strip()
    entries = git_paths("status", "--porcelain", "-z", "--no-renames", "-uall", "--", *paths)
    return {entry[3:].removeprefix(prefix) for entry in entries}
