"""Run the committed pipeline again and check that the outputs are byte-identical.

The new run has another time zone, thread count, directory, and more. Exit code 0: identical; 1: different; 2: the
pipeline could not be run. See `plumbline docs reproducibility`.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.replay import replay
from plumbline.reproducibility.report import add_json_option, print_report

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--quick", action="store_true", help="do not look for the cause of a difference")
    group.add_argument("--each", action="store_true", help="test each circumstance alone, even where nothing differs")
    add_json_option(parser)


def run(options: Namespace) -> int:
    """Print the report and return the exit code."""
    return print_report(replay(find_causes=not options.quick, test_all=options.each), options.json)
