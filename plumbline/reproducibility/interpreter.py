"""What replay changes inside Python, where the system does not allow it; it lies in each run as sitecustomize.py.

It is the first thing that every Python process of a run imports, so it imports little itself.
"""

import json
import locale
import os
import platform
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

REPLAY = "REPLAY_INSIDE"  # the environment variable that holds the changes as JSON


class Listing:
    """What os.scandir gives, in another order."""

    def __init__(self, entries: list[Any]) -> None:
        self.entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self.entries

    def __next__(self) -> Any:
        return next(self.entries)

    def __enter__(self) -> "Listing":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.entries = iter([])


def order(backwards: bool) -> None:
    """Directory listings by name, or backwards: the system promises neither."""
    listdir, scandir = os.listdir, os.scandir

    def names(path: Any = ".") -> list[Any]:
        return sorted(listdir(path), reverse=backwards)

    def entries(path: Any = ".") -> Listing:
        with scandir(path) as found:
            return Listing(sorted(found, key=lambda entry: entry.name, reverse=backwards))

    os.listdir, os.scandir = names, entries  # type: ignore[assignment]


def seed(number: int) -> None:
    """Where nobody set a seed, one is asked of the system: that answer. NumPy asks `secrets`, which asks urandom."""
    urandom = random.Random(number).randbytes  # noqa: S311
    os.urandom = random._urandom = urandom  # type: ignore[attr-defined]
    random.seed(number)


def clock(moment: list[Any]) -> None:
    import time_machine

    start, ticks = moment
    time_machine.travel(start, tick=ticks).start()


def host(name: str) -> None:
    uname = platform.uname()._replace(node=name)
    socket.gethostname = platform.node = lambda: name
    socket.getfqdn = lambda name=name: name
    platform.uname = lambda: uname
    if hasattr(os, "uname"):
        system = os.uname()
        os.uname = lambda: os.uname_result((system[0], name, *system[2:]))


def processors(number: int) -> None:
    os.cpu_count = lambda: number


def comma(mark: str) -> None:
    locale._override_localeconv = {"decimal_point": mark, "thousands_sep": "."}  # type: ignore[attr-defined]


CHANGES: dict[str, Callable[[Any], None]] = {
    "order": order, "seed": seed, "clock": clock, "host": host, "processors": processors, "comma": comma
}  # fmt: skip

for change, argument in json.loads(os.environ.get(REPLAY, "{}")).items():
    CHANGES[change](argument)
