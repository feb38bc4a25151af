"""Open the report of the last run in the browser (make report)."""

import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import paths
from plumbline.errors import ProjectError


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Open data/report.html; return the exit code."""
    path = Path(paths.REPORT)
    if not path.exists():
        raise ProjectError(f"{paths.REPORT} is not there", hint="Run the pipeline: make repro")
    if webbrowser.open(path.resolve().as_uri()):
        print(f"{paths.REPORT} is open in your browser")
    else:
        print(f"{paths.REPORT} is the report; no browser was found to open it")
    return 0
