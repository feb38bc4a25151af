"""Inside a hermetic run: what the process may touch (`confine`), and what it looks at (this file, as sitecustomize).

Standard library only: a copy of it stands on PYTHONPATH, and every Python below the stage loads it.
"""

import contextlib
import ctypes
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORD, FOLDER, ONLINE = "HERMETIC_RECORD", "HERMETIC_FOLDER", "HERMETIC_ONLINE"
RULESET, RULE, RESTRICT, NO_NEW_PRIVILEGES = 444, 445, 446, 38  # Landlock's system calls, and prctl's option
READING, OF_FILES, BY_TCP = 0b1101, 0b100000000000111, 3  # execute, read, list; what a file can have; bind, connect
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
PATHS = ("read", "write", "list", "miss")
LISTING = {"os.listdir", "os.scandir"}
CONNECTING = {"socket.connect", "socket.sendto", "socket.getaddrinfo"}


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock() -> int:
    """The version of this kernel's Landlock; 0 where there is none, or one that forbids to rename between folders."""
    if not sys.platform.startswith("linux"):
        return 0
    found = ctypes.CDLL(None).syscall(RULESET, None, 0, 1)
    return found if found >= 2 else 0


def confine(reads: list[str], writes: list[str], online: bool) -> None:
    """Takes all files but these, and the network, from this process and every program below it."""
    libc, version = ctypes.CDLL(None), landlock()
    everything = (1 << (15 if version >= 3 else 14)) - 1
    handled = (ctypes.c_uint64 * 2)(everything, 0 if online else BY_TCP)
    ruleset = libc.syscall(RULESET, ctypes.byref(handled), 16 if version >= 4 else 8, 0)
    for path, allowed in [*((one, READING) for one in reads), *((one, everything) for one in writes)]:
        with contextlib.suppress(FileNotFoundError):
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            mask = allowed if Path(path).is_dir() else allowed & OF_FILES & everything
            libc.syscall(RULE, ruleset, 1, ctypes.byref(_Rule(mask, parent)), 0)
            os.close(parent)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.syscall(RESTRICT, ruleset, 0):
        raise OSError("Landlock refused")


class Recorder:
    """Each thing that is looked at becomes a line of JSON, [what, name], once."""

    def __init__(self, folder: str, out: int) -> None:
        self.folder, self.out, self.busy = folder + os.sep, out, threading.local()
        self.seen: set[tuple[str, str]] = set()
        self.python = tuple({sys.prefix + os.sep, sys.base_prefix + os.sep} - {os.sep})

    def note(self, what: str, name: Any) -> None:
        if hasattr(self.busy, "now") or not isinstance(name, str | bytes | os.PathLike):
            return
        self.busy.now = True  # realpath looks at files, too
        name = os.fsdecode(name)
        if what in PATHS:
            name = "" if name.startswith(self.python) else os.path.realpath(name)
        if name and (what, name) not in self.seen:
            self.seen.add((what, name))
            os.write(self.out, json.dumps([what, name]).encode() + b"\n")
        del self.busy.now

    def hook(self, event: str, given: tuple) -> None:
        if event == "open":
            self.note("write" if given[2] & WRITING else "read", given[0])
        elif event == "import":
            self.note("import", given[0])
        elif event == "os.rename":
            self.note("write", given[1])
        elif event == "params.read":
            for key in given[1]:
                self.note("param", f"{given[0]}:{key}")
        elif event in CONNECTING:
            self.connect(given[0] if event == "socket.getaddrinfo" else given[1])
        elif event in LISTING and "importlib" not in sys._getframe(1).f_code.co_filename:  # it lists where it looks
            self.note("list", given[0] or ".")

    def connect(self, address: Any) -> None:
        if isinstance(address, str) and os.sep in address:  # a socket in the file system
            return
        self.note("network", str(address))
        if ONLINE not in os.environ:
            raise PermissionError(1, f"no network in a hermetic run: {address}")

    def missing(self, stat: Callable[..., Any]) -> Callable[..., Any]:
        """os.stat, which has no event, noting what is not there."""

        def noting(path: Any, *given: Any, **named: Any) -> Any:
            try:
                return stat(path, *given, **named)
            except (FileNotFoundError, NotADirectoryError):
                self.note("miss", path)
                raise

        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            able |= {noting} if stat in able else set()
        return noting

    def variable(self, getitem: Callable[..., str]) -> Callable[..., str]:
        """os.environ[key], noting what the project's own code asks for and is not set."""

        def noting(environ: Any, key: Any) -> str:
            try:
                return getitem(environ, key)
            except KeyError:
                frame, asked = sys._getframe(1), ""
                while frame.f_back and frame.f_code.co_filename.startswith("<frozen "):
                    frame, asked = frame.f_back, frame.f_code.co_name
                ours = frame.f_code.co_filename.startswith(self.folder) and asked != "pop"  # pop gets rid of it
                words = {"environ", "getenv"} & {*frame.f_code.co_names} or key in frame.f_code.co_consts
                if ours and words:  # else C code below it asked
                    self.note("environment", key)
                raise

        return noting


if __name__ == "sitecustomize" and RECORD in os.environ:
    recorder = Recorder(os.environ[FOLDER], os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    os.stat, os.lstat = recorder.missing(os.stat), recorder.missing(os.lstat)
    os._Environ.__getitem__ = recorder.variable(os._Environ.__getitem__)  # type: ignore[method-assign, assignment]
    sys.addaudithook(recorder.hook)
