"""Does dvc.lock belong to these files, is it complete, and was it pushed?

Exit code 0: fresh, or no run yet; 1: stale or not pushed; 2: cannot tell. See docs/reproducibility.md.
"""

from argparse import ArgumentParser, Namespace

from plumbline.reproducibility.report import add_json, finish
from plumbline.reproducibility.verify import verify

FAILED = 2


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--no-remote", action="store_true", help="do not ask the remote")
    add_json(parser)


def run(options: Namespace) -> int:
    return finish(verify(not options.no_remote), options.json)
