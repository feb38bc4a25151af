"""Fixtures of the template's own tests, beside those that every project has."""

from template.tests.bake.conftest import bake, template, tools
from template.tests.runs import finished_run, run_copy

__all__ = ["bake", "finished_run", "run_copy", "template", "tools"]
