"""What verify, replay and hermetic have in common: findings, and a report as text and as JSON."""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from plumbline.files import write_json


@dataclass(frozen=True)
class Finding:
    """A difference, or a question that has no answer, and what to do about it.

    Attributes
    ----------
    kind : str
        As "stale" or "undeclared file".
    message : str
        What differs and where, as "train: src/model.py is not what the run saw".
    hint : str
        What to do next: a command in most cases.
    expected, actual : str
        Empty where there is nothing to compare.
    """

    kind: str
    message: str
    expected: str
    actual: str
    hint: str

    def __str__(self) -> str:
        values = f": expected {self.expected}, found {self.actual}" if self.expected else ""
        return f"{self.kind}: {self.message}{values}. Next: {self.hint}"


class Report(Protocol):
    """The result of a command that ends with an exit code."""

    @property
    def exit_code(self) -> int: ...

    def to_json(self) -> dict[str, object]:
        """Return the content of the file that --json names."""

    def lines(self) -> Iterable[str]:
        """Return the lines that are printed."""


def add_json_option(parser: ArgumentParser) -> None:
    """Add --json to the arguments of a command."""
    parser.add_argument("--json", metavar="FILE", help="write the report to FILE as JSON, too")


def print_report(report: Report, json_file: str | None) -> int:
    """Print a report, write it where `json_file` names a file, and return its exit code."""
    if json_file:
        write_json(json_file, report.to_json())
    print("\n".join(report.lines()))
    return report.exit_code
