"""A command as `plumbline NAME` runs it, its Refusal not yet made into a line."""

import importlib
from argparse import ArgumentParser
from collections.abc import Callable

import pytest

Command = Callable[..., int]


@pytest.fixture
def command() -> Command:
    """Runs a command of the package in this process: command("draft", "--replace")."""

    def run(name: str, *arguments: str) -> int:
        module, parser = importlib.import_module(f"plumbline.commands.{name}"), ArgumentParser()
        module.add_arguments(parser)
        return module.run(parser.parse_args(arguments))

    return run
