"""Run programs in a pseudo-terminal, to see what a person sees."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
PLAIN = {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
SWITCHES = (
    "CI",
    "NO_COLOR",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)  # they change the output to a terminal


def run_in_terminal(command: list[str], env: Mapping[str, str] | None = None, **options: Any) -> tuple[str, str]:
    """Return what a program writes to a terminal, and to standard output where `options` give it a pipe."""
    import pty

    variables = {key: value for key, value in os.environ.items() if key not in SWITCHES} | PLAIN | dict(env or {})
    master, slave = pty.openpty()
    with subprocess.Popen(command, env=variables, stdin=slave, stderr=slave, **{"stdout": slave} | options) as process:
        os.close(slave)
        output = b""
        while part := _read(master):
            output += part
        pipe = process.stdout.read() if process.stdout else b""
    os.close(master)
    assert process.returncode == 0, output.decode()
    return output.decode(), pipe.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the program has ended
        return b""
