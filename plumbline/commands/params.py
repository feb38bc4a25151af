"""Check the whole of params.yaml: unknown key, wrong type, out of range, contradiction."""

from argparse import ArgumentParser, Namespace

from plumbline.params import PARAMS, check


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    check()
    print(f"{PARAMS}: every key is known, typed and within its range")
    return 0
