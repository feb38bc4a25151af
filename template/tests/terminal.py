"""Programs in a pseudo-terminal, as a person sees them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
PLAIN = {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
MEANT = ("CI", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")  # what changes what a terminal is given


def in_terminal(command: list[str], env: Mapping[str, str] | None = None, **how: Any) -> tuple[str, str]:
    """What a program writes into a terminal, and what into standard output where `how` gives it a pipe."""
    import pty

    given = {key: value for key, value in os.environ.items() if key not in MEANT} | PLAIN | dict(env or {})
    master, slave = pty.openpty()
    with subprocess.Popen(command, env=given, stdin=slave, stderr=slave, **{"stdout": slave} | how) as process:
        os.close(slave)
        shown = b""
        while part := _read(master):
            shown += part
        piped = process.stdout.read() if process.stdout else b""
    os.close(master)
    assert process.returncode == 0, shown.decode()
    return shown.decode(), piped.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the program has ended
        return b""
