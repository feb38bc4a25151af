"""Check that dvc.lock belongs to these files, is complete, and was pushed.

Exit code 0: fresh, or no run yet; 1: stale or not pushed; 2: cannot tell. See `plumbline docs reproducibility`.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.report import add_json_option, print_report
from plumbline.reproducibility.verify import verify

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--no-remote", action="store_true", help="do not ask the remotes")
    add_json_option(parser)


def run(options: Namespace) -> int:
    """Print the report and return the exit code."""
    return print_report(verify(ask_remote=not options.no_remote), options.json)
