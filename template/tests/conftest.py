"""The tests of the machinery use the project of the tests that every project keeps."""

from plumbline.testing.projects import project
from template.tests.bake.conftest import bake, template, tools

__all__ = ["bake", "project", "template", "tools"]
