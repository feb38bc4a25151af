"""Run a command in this process: an error is raised as a PlumblineError."""

from argparse import ArgumentParser
from importlib import import_module


def run_command(name: str, *words: str) -> int:
    """Run `plumbline NAME WORDS` and return its exit code."""
    module, parser = import_module(f"plumbline.commands.{name}"), ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(words))
