"""Check that dvc.yaml declares all that each stage reads and writes, and no more.

Exit code 0: it does; 1: findings; 2: it could not be run. See `plumbline docs reproducibility`.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.hermetic import hermetic
from plumbline.reproducibility.report import add_json_option, print_report

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="the stages to run, by default all")
    add_json_option(parser)


def run(options: Namespace) -> int:
    """Print the report and return the exit code."""
    return print_report(hermetic(options.stages), options.json)
