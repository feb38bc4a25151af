"""What Jinja needs while cookiecutter.json and the hook are rendered: the slug, the checkout and the operation.

The working directory is the checkout at that time, for cookiecutter and for cruft; cookiecutter's `_repo_dir` may be
relative, and cruft sets none. During an update cruft uses this module of the old commit for both renderings: never
change the names that templates use.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType

from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context

from template.bake.answers import LOCK, check_answers, slug
from template.bake.table import find_table


def detect_operation() -> str:
    """Return what is running: cookiecutter or cruft-create, which create a project, or cruft-render.

    cruft-render is the rendering of a scratch copy that an update compares with.
    """
    callers: set[str] = set()
    frame: FrameType | None = sys._getframe()
    while frame:
        callers.add(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    if "cruft._commands.create" in callers:
        return "cruft-create"
    return "cruft-render" if any(name.startswith("cruft.") for name in callers) else "cookiecutter"


@pass_context
def project_slug(context: Context, name: str) -> str:
    """Return the slug, and check all answers first.

    Jinja asks for it after the last question: what cannot work is refused here, before there is a folder.
    """
    if detect_operation() != "cruft-render":
        lock = (Path(__file__).parents[2] / LOCK).read_text(encoding="utf-8")
        answers = check_answers(context["cookiecutter"], lock)
        if answers["data"]:
            find_table(answers, [str(Path.cwd())])
    return slug(name)


class Bake(Extension):
    """The extension that cookiecutter.json names."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["project_slug"] = project_slug
        environment.globals |= {"bake_checkout": os.getcwd, "bake_operation": detect_operation}
