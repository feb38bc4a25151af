"""Write each suite in expectations/ in its canonical form."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import paths
from plumbline.expectations.suite import Suite
from plumbline.files import write_text


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    for path in sorted(Path(paths.EXPECTATIONS).glob("*.json")):
        write_text(str(path), Suite.read(path).dumps())
        print(f"{path.as_posix()} is canonical")
    return 0
