"""Write each expectation suite in its canonical form: one expectation a line, sorted keys."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import paths
from plumbline.expectations.suite import Suite
from plumbline.files import write_text


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Format each suite in expectations/; return the exit code."""
    for path in sorted(Path(paths.EXPECTATIONS).glob("*.json")):
        write_text(str(path), Suite.read(path).dumps())
        print(f"Wrote: {path.as_posix()} in canonical form")
    return 0
