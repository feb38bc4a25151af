"""How verify, replay and hermetic end: what they found, for people and as JSON."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any, Protocol

from plumbline.files import write_json


class Report(Protocol):
    """What each of them returns."""

    @property
    def code(self) -> int: ...

    def as_dict(self) -> dict[str, Any]: ...

    def lines(self) -> Iterable[str]: ...


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the report there, too")


def finish(report: Report, file: str | None) -> int:
    """Writes and prints the report; the exit code."""
    if file:
        write_json(file, report.as_dict())
    print("\n".join(report.lines()))
    return report.code
