"""A command in this process: what it refuses is raised, as a PlumblineError."""

from argparse import ArgumentParser
from importlib import import_module


def command(name: str, *words: str) -> int:
    """Runs `plumbline NAME WORDS`; the exit code."""
    module, parser = import_module(f"plumbline.commands.{name}"), ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(words))
