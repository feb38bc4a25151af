"""Does the committed pipeline give the same bytes under other circumstances?

Exit code 0: the same; 1: not; 2: it could not be run. See docs/reproducibility.md.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.replay import replay
from plumbline.reproducibility.report import add_json_option, print_report

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="do not look for the cause of what differs")
    how.add_argument("--each", action="store_true", help="each circumstance alone, too, where nothing differs")
    add_json_option(parser)


def run(options: Namespace) -> int:
    return print_report(replay(options.quick, options.each), options.json)
