"""The tests of the machinery use the project of the tests that every project keeps."""

import importlib
from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from plumbline.testing import project
from template.tests.bake.conftest import baked, template, tools

__all__ = ["baked", "command", "project", "template", "tools"]


@pytest.fixture
def command() -> Callable[..., int]:
    """A command as `plumbline NAME` runs it, its Refusal not yet made into a line: command("draft", "--replace")."""

    def run(name: str, *arguments: str) -> int:
        module, parser = importlib.import_module(f"plumbline.commands.{name}"), ArgumentParser()
        module.add_arguments(parser)
        return module.run(parser.parse_args(arguments))

    return run
