"""Does dvc.yaml name all that each stage reads and writes, and no more?

Exit code 0: it does; 1: findings; 2: it could not be run. See docs/reproducibility.md.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.hermetic import hermetic
from plumbline.reproducibility.report import add_json_option, print_report

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="all of them, without one")
    add_json_option(parser)


def run(options: Namespace) -> int:
    return print_report(hermetic(options.stages), options.json)
