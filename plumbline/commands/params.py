"""Check params.yaml: no unknown key, no wrong type, no value out of range, no contradiction."""

from argparse import ArgumentParser, Namespace

from plumbline import params, paths


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Check params.yaml; return the exit code."""
    params.check()
    print(f"{paths.PARAMS}: all keys and values are valid")
    return 0
