"""The tests of the machinery use the project of the tests that every project keeps."""

from plumbline.testing.projects import project
from template.tests.bake.conftest import bake, template, tools
from template.tests.runs import finished_run, run_copy

__all__ = ["bake", "finished_run", "project", "run_copy", "template", "tools"]
