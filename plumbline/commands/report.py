"""Open the report of the last run in the browser (make report)."""

import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import paths
from plumbline.errors import PlumblineError


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    path = Path(paths.REPORT)
    if not path.exists():
        raise PlumblineError(f"{paths.REPORT} is not there. Make it: make repro")
    opened = webbrowser.open(path.resolve().as_uri())
    print(
        f"{paths.REPORT} {'is open in your browser' if opened else 'holds all of it; no browser was found to open it'}"
    )
    return 0
