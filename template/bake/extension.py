"""What Jinja needs of us while cookiecutter.json and the hook are rendered: a slug, the checkout, and who is asking.

The checkout is the working directory then, of cookiecutter as of cruft; cookiecutter's `_repo_dir` may be relative, and
cruft sets none. During an update cruft keeps this module of the old commit for both renderings: the names stay.
"""

import os
import sys
from pathlib import Path

from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context

from template.bake.answers import LOCK, checked, slug
from template.bake.table import looked_at


def operation() -> str:
    """cookiecutter or cruft-create, which make a project; cruft-render, a scratch copy to compare with."""
    callers, frame = set(), sys._getframe()
    while frame:
        callers.add(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    if "cruft._commands.create" in callers:
        return "cruft-create"
    return "cruft-render" if any(name.startswith("cruft.") for name in callers) else "cookiecutter"


@pass_context
def project_slug(context: Context, name: str) -> str:
    """The slug, asked for after the last question: what cannot work is refused here, before there is a folder."""
    if operation() != "cruft-render":
        lock = (Path(__file__).parents[2] / LOCK).read_text(encoding="utf-8")
        answers = checked(context["cookiecutter"], lock)
        if answers["data"]:
            looked_at(answers, [str(Path.cwd())])
    return slug(name)


class Bake(Extension):
    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["project_slug"] = project_slug
        environment.globals |= {"bake_checkout": os.getcwd, "bake_operation": operation}
