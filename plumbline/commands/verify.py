"""Does dvc.lock belong to these files, is it complete, and was it pushed?

Exit code 0: fresh, or no run yet; 1: stale or not pushed; 2: cannot tell. See docs/reproducibility.md.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.report import add_json_option, print_report
from plumbline.reproducibility.verify import verify

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--no-remote", action="store_true", help="do not ask the remote")
    add_json_option(parser)


def run(options: Namespace) -> int:
    return print_report(verify(ask_remote=not options.no_remote), options.json)
