"""Confine a hermetic run, and record what its Python processes look at.

`confine` is called before the run. The rest works inside it: a copy of this file is there as sitecustomize.py, which
every Python process imports. So it imports the standard library only.
"""

import contextlib
import ctypes
import json
import os
import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

RECORD, FOLDER, ONLINE = "HERMETIC_RECORD", "HERMETIC_FOLDER", "HERMETIC_ONLINE"  # environment variables
PATHS = ("read", "write", "list", "miss")  # kinds of events that have a path as their name
# Landlock's system calls, and prctl's option.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF, _NO_NEW_PRIVILEGES = 444, 445, 446, 38
_READ_RIGHTS = 0b1101  # execute, read, list
_FILE_RIGHTS = 0b100000000000111  # those that a file can have
_TCP_RIGHTS = 0b11  # bind, connect
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_LISTING_EVENTS = {"os.listdir", "os.scandir"}
_NETWORK_EVENTS = {"socket.connect", "socket.sendto", "socket.getaddrinfo"}


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """Return the version of this kernel's Landlock; 0 where there is none, or one that forbids renames into folders."""
    if not sys.platform.startswith("linux"):
        return 0
    version = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, 1)
    return version if version >= 2 else 0


def confine(readable_paths: Collection[str], writable_paths: Collection[str], is_online: bool) -> None:
    """Forbid all files but these, and the network, to this process and every program that it starts.

    Raises
    ------
    OSError
        If Landlock refuses.
    """
    libc, version = ctypes.CDLL(None), landlock_version()
    all_rights = (1 << (15 if version >= 3 else 14)) - 1
    handled_rights = (ctypes.c_uint64 * 2)(all_rights, 0 if is_online else _TCP_RIGHTS)
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(handled_rights), 16 if version >= 4 else 8, 0)
    rules = [(path, _READ_RIGHTS) for path in readable_paths] + [(path, all_rights) for path in writable_paths]
    for path, rights in rules:
        with contextlib.suppress(FileNotFoundError):
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            possible_rights = rights if Path(path).is_dir() else rights & _FILE_RIGHTS & all_rights
            libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(_Rule(possible_rights, parent)), 0)
            os.close(parent)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.syscall(_RESTRICT_SELF, ruleset, 0):
        raise OSError("Landlock refused")


class Recorder:
    """Write each event once, as a line of JSON: [kind, name].

    Parameters
    ----------
    folder : str
        The folder of the run: reads of environment variables are recorded for code in it.
    record : int
        The file descriptor to write to.
    """

    def __init__(self, folder: str, record: int) -> None:
        self._folder = folder + os.sep
        self._record = record
        self._state = threading.local()
        self._events: set[tuple[str, str]] = set()
        self._python_folders = tuple({sys.prefix + os.sep, sys.base_prefix + os.sep} - {os.sep})

    def note(self, kind: str, name: Any) -> None:
        """Write an event, unless it is about Python's own files."""
        if hasattr(self._state, "is_busy") or not isinstance(name, str | bytes | os.PathLike):
            return
        self._state.is_busy = True  # realpath looks at files, too
        name = os.fsdecode(name)
        if kind in PATHS:
            name = "" if name.startswith(self._python_folders) else os.path.realpath(name)
        if name and (kind, name) not in self._events:
            self._events.add((kind, name))
            os.write(self._record, json.dumps([kind, name]).encode() + b"\n")
        del self._state.is_busy

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Record what Python reports, as a hook of sys.addaudithook."""
        if event == "open":
            self.note("write" if arguments[2] & _WRITE_FLAGS else "read", arguments[0])
        elif event == "import":
            self.note("import", arguments[0])
        elif event == "os.rename":
            self.note("write", arguments[1])
        elif event == "params.read":
            for key in arguments[1]:
                self.note("param", f"{arguments[0]}:{key}")
        elif event in _NETWORK_EVENTS:
            self._connect(arguments[0] if event == "socket.getaddrinfo" else arguments[1])
        elif event in _LISTING_EVENTS and "importlib" not in sys._getframe(1).f_code.co_filename:  # it lists to import
            self.note("list", arguments[0] or ".")

    def _connect(self, address: Any) -> None:
        if isinstance(address, str) and os.sep in address:  # a socket in the file system
            return
        self.note("network", str(address))
        if ONLINE not in os.environ:
            raise PermissionError(1, f"no network in a hermetic run: {address}")

    def wrap_stat(self, stat: Callable[..., Any]) -> Callable[..., Any]:
        """Return os.stat, for which there is no audit event, so that it records files that are not there."""

        def record_missing(path: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return stat(path, *arguments, **options)
            except (FileNotFoundError, NotADirectoryError):
                self.note("miss", path)
                raise

        for functions in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            functions |= {record_missing} if stat in functions else set()
        return record_missing

    def wrap_getitem(self, getitem: Callable[..., str]) -> Callable[..., str]:
        """Return os.environ[key] so that it records variables that are not set and that code of the project reads."""

        def record_missing(environ: Any, key: Any) -> str:
            try:
                return getitem(environ, key)
            except KeyError:
                if self._is_read_by_project(key):
                    self.note("environment", key)
                raise

        return record_missing

    def _is_read_by_project(self, key: Any) -> bool:
        frame, method = sys._getframe(2), ""
        while frame.f_back and frame.f_code.co_filename.startswith("<frozen "):
            frame, method = frame.f_back, frame.f_code.co_name
        if not frame.f_code.co_filename.startswith(self._folder) or method == "pop":  # pop removes the variable
            return False
        is_named = {"environ", "getenv"} & {*frame.f_code.co_names} or key in frame.f_code.co_consts
        return bool(is_named)  # else C code that it calls reads the variable


if __name__ == "sitecustomize" and RECORD in os.environ:
    recorder = Recorder(os.environ[FOLDER], os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    os.stat, os.lstat = recorder.wrap_stat(os.stat), recorder.wrap_stat(os.lstat)
    os._Environ.__getitem__ = recorder.wrap_getitem(os._Environ.__getitem__)  # type: ignore[method-assign, assignment]
    sys.addaudithook(recorder.audit)
