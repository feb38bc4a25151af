"""What verify, replay and hermetic have in common: findings, and a report as text and as JSON."""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from plumbline.files import write_json

STALE, NOT_PUSHED, CANNOT_TELL = "stale", "not pushed", "cannot tell"  # kinds of findings
REPRO, VERIFY = "make repro", "python -m plumbline verify"  # commands that hints name


@dataclass(frozen=True)
class Finding:
    """A difference, or a question without an answer, and what to do about it.

    Attributes
    ----------
    kind : str
        As `STALE`, or "undeclared file".
    message : str
        What differs and where, as "train: src/model.py changed since the run".
    hint : str
        What to do next: a command in most cases.
    expected, actual : str
        The two values that differ; empty where nothing was compared.

    Examples
    --------
    >>> print(Finding("stale", "train: its command changed", hint="make repro", expected="a", actual="b"))
    stale: train: its command changed: expected a, found b. Next: make repro
    """

    kind: str
    message: str
    hint: str
    expected: str = ""
    actual: str = ""

    def __str__(self) -> str:
        values = f": expected {self.expected}, found {self.actual}" if self.expected else ""
        return f"{self.kind}: {self.message}{values}. Next: {self.hint}"


class Report(Protocol):
    """The result of a command that ends with an exit code."""

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command."""

    def to_json(self) -> dict[str, object]:
        """Return the content of the file that --json names."""

    def lines(self) -> Iterable[str]:
        """Return the lines that the command prints."""


def add_json_option(parser: ArgumentParser) -> None:
    """Add --json to the arguments of a command."""
    parser.add_argument("--json", metavar="FILE", help="also write the report to FILE as JSON")


def print_report(report: Report, json_file: str | None) -> int:
    """Print a report, write it to `json_file` where that is not None, and return its exit code."""
    if json_file:
        write_json(json_file, report.to_json())
    print("\n".join(report.lines()))
    return report.exit_code
