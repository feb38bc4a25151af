"""Change what Python tells a program about its surroundings: replay copies this file into each run.

It is there as sitecustomize.py, the first module that every Python process imports, so it imports little itself.
"""

import json
import locale
import os
import platform
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

VARIABLE = "REPLAY_INSIDE"  # the environment variable that holds the changes as JSON: key of CHANGES -> argument


class _Listing:
    """What os.scandir returns, in another order."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> "_Listing":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter([])


def _sort_listings(backwards: bool) -> None:
    """Listings of folders by name, or backwards: the system promises no order."""
    listdir, scandir = os.listdir, os.scandir

    def list_names(path: Any = ".") -> list[Any]:
        return sorted(listdir(path), reverse=backwards)

    def scan(path: Any = ".") -> _Listing:
        with scandir(path) as entries:
            return _Listing(sorted(entries, key=lambda entry: entry.name, reverse=backwards))

    os.listdir, os.scandir = list_names, scan  # type: ignore[assignment]


def _seed(number: int) -> None:
    """Fix what the system returns where nobody set a seed. NumPy asks `secrets`, which asks urandom."""
    urandom = random.Random(number).randbytes  # noqa: S311
    os.urandom = random._urandom = urandom  # type: ignore[attr-defined]
    random.seed(number)


def _set_clock(moment: list[Any]) -> None:
    import time_machine

    start, is_running = moment
    time_machine.travel(start, tick=is_running).start()


def _set_host(name: str) -> None:
    uname = platform.uname()._replace(node=name)
    socket.gethostname = platform.node = lambda: name
    socket.getfqdn = lambda name=name: name
    platform.uname = lambda: uname
    if hasattr(os, "uname"):
        system = os.uname()
        os.uname = lambda: os.uname_result((system[0], name, *system[2:]))


def _set_processor_count(number: int) -> None:
    os.cpu_count = lambda: number


def _set_decimal_mark(mark: str) -> None:
    locale._override_localeconv = {"decimal_point": mark, "thousands_sep": "."}  # type: ignore[attr-defined]


CHANGES: dict[str, Callable[[Any], None]] = {
    "order": _sort_listings,
    "seed": _seed,
    "clock": _set_clock,
    "host": _set_host,
    "processors": _set_processor_count,
    "decimal mark": _set_decimal_mark,
}

for _name, _argument in json.loads(os.environ.get(VARIABLE, "{}")).items():
    CHANGES[_name](_argument)
