"""The tests of the machinery use the project of the tests that every project keeps."""

from template.tests.bake.conftest import baked, template, tools
from tests.conftest import project

__all__ = ["baked", "project", "template", "tools"]
