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

RECORD, FOLDER, ONLINE = "PLUMBLINE_RECORD", "PLUMBLINE_FOLDER", "PLUMBLINE_ONLINE"
RULESET, RULE, RESTRICT = 444, 445, 446  # Landlock's system calls, the same on every processor
READING, OF_FILES = 0b1101, 0b100000000000111  # execute, read, list; the rights that a file can have
NEW_USER, NEW_NETWORK, NO_NEW_PRIVILEGES = 0x10000000, 0x40000000, 38
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock() -> int:
    """The version of this kernel's Landlock; 0 where there is none, or one that forbids to rename between folders."""
    if not sys.platform.startswith("linux"):
        return 0
    found = ctypes.CDLL(None).syscall(RULESET, None, 0, 1)
    return found if found >= 2 else 0


def confine(reads: list[str], writes: list[str], network: bool) -> None:
    """Takes all files but these, and the network where it says so, from this process and every program below it."""
    libc, version, user = ctypes.CDLL(None, use_errno=True), landlock(), os.getuid()
    if not network and libc.unshare(NEW_USER | NEW_NETWORK) == 0:
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    if not version:
        return
    everything = (1 << (15 if version >= 3 else 14)) - 1
    handled = (ctypes.c_uint64 * 2)(everything, 0 if network else 3)  # 3: bind and connect, by TCP
    ruleset = libc.syscall(RULESET, ctypes.byref(handled), 16 if version >= 4 else 8, 0)
    for path, allowed in [*((one, READING) for one in reads), *((one, everything) for one in writes)]:
        with contextlib.suppress(FileNotFoundError):
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            mask = allowed if Path(path).is_dir() else allowed & OF_FILES & everything
            libc.syscall(RULE, ruleset, 1, ctypes.byref(_Rule(mask, parent)), 0)
            os.close(parent)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.syscall(RESTRICT, ruleset, 0)


def record(folder: str, out: int) -> None:
    """From here on each thing looked at becomes a line of JSON, [what, name], once."""
    seen: set[tuple[str, str]] = set()
    busy = threading.local()  # realpath looks at files, too
    python = tuple({sys.prefix + os.sep, sys.base_prefix + os.sep} - {os.sep})

    def note(what: str, name: Any) -> None:
        if hasattr(busy, "now") or not isinstance(name, str | bytes | os.PathLike):
            return
        busy.now = True
        name = os.fsdecode(name)
        if what in ("read", "write", "list", "miss"):
            name = "" if name.startswith(python) else os.path.realpath(name)
        if name and (what, name) not in seen:
            seen.add((what, name))
            os.write(out, json.dumps([what, name]).encode() + b"\n")
        del busy.now

    def listed(path: Any, *_: Any) -> None:
        if "importlib" not in sys._getframe(2).f_code.co_filename:  # it lists each folder that it looks for a module in
            note("list", path or ".")

    def reached(address: Any) -> None:
        note("network", str(address))
        if not os.environ.get(ONLINE):
            raise PermissionError(1, f"no network in a hermetic run: {address}")

    def connected(_: Any, address: Any) -> None:
        if isinstance(address, tuple):  # a text is a socket in the file system
            reached(address)

    def keys(file: str, names: tuple[str, ...]) -> None:
        for name in names:
            note("param", f"{file}:{name}")

    events: dict[str, Callable[..., None]] = {
        "open": lambda path, mode, flags: note("write" if flags & WRITING else "read", path),
        "os.rename": lambda source, target, *_: note("write", target),
        "import": lambda name, *_: note("import", name),
        "os.listdir": listed, "os.scandir": listed,
        "socket.connect": connected, "socket.sendto": connected, "socket.getaddrinfo": lambda host, *_: reached(host),
        "params.read": keys,
    }  # fmt: skip

    def hook(event: str, given: tuple) -> None:
        if (watch := events.get(event)) is not None:
            watch(*given)

    sys.addaudithook(hook)
    _watch_what_has_no_event(folder, note)


def _watch_what_has_no_event(folder: str, note: Callable[[str, Any], None]) -> None:
    """What is looked for in vain: a file by its name alone, and a variable by the project's own code."""

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def stat(path: Any, *given: Any, **named: Any) -> Any:
            try:
                return original(path, *given, **named)
            except (FileNotFoundError, NotADirectoryError):
                note("miss", path)
                raise

        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            able |= {stat} if original in able else set()
        return stat

    os.stat, os.lstat = watched(os.stat), watched(os.lstat)
    found = os._Environ.__getitem__

    def getitem(self: Any, key: Any) -> Any:
        try:
            return found(self, key)
        except KeyError:
            frame, asked = sys._getframe(1), ""
            while frame.f_back and frame.f_code.co_filename.startswith("<frozen "):
                frame, asked = frame.f_back, frame.f_code.co_name
            words = {"environ", "getenv"} & {*frame.f_code.co_names} or key in frame.f_code.co_consts  # else C below it
            if words and frame.f_code.co_filename.startswith(folder + os.sep) and asked != "pop":  # pop gets rid of it
                note("environment", key)
            raise

    os._Environ.__getitem__ = getitem  # type: ignore[method-assign]


if __name__ == "sitecustomize" and RECORD in os.environ:
    record(os.environ[FOLDER], os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
