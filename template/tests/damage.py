"""Ways to damage a project, for tests of error messages: each function returns a change of one file."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from plumbline.testing.projects import Project, make_table

TABLE = make_table(rows=200)
SOURCE = "data/source/table.csv"
Damage = Callable[[Project], Any]


def source(content: bytes | str) -> Damage:
    """Write another content into the source."""
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda project: Path(SOURCE).write_bytes(raw)


def rows(frame: pd.DataFrame, **data: Any) -> Damage:
    """Write another table into the source, and keys of `data` into params.yaml."""
    return lambda project: project.table(frame, **data)


def column(name: str, values: Any, **data: Any) -> Damage:
    """Replace or add a column of the source, and keys of `data` in params.yaml."""
    return rows(TABLE.assign(**{name: values}), **data)


def numbers_with(value: str, count: int) -> list[str]:
    """Return a column of numbers whose first `count` values are `value`."""
    return [value] * count + [str(number) for number in np.linspace(0, 9, len(TABLE) - count).round(3)]


def params(**groups: Any) -> Damage:
    """Set keys of params.yaml."""
    return lambda project: project.change(**groups)


def text(change: Callable[[str], str]) -> Damage:
    """Change the text of params.yaml."""

    def edit(_: Project) -> None:
        path = Path("params.yaml")
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return edit


def code(name: str, content: str) -> Damage:
    """Write another content into a file of src/."""
    return lambda project: (project.folder / "src" / name).write_text(content)


def yaml_file(name: str, content: str) -> Damage:
    """Write another content into a file of the project."""
    return lambda project: Path(name).write_text(content)


def version(value: str) -> Damage:
    """Set the version in pyproject.toml."""

    def write(project: Project) -> None:
        path = project.folder / "pyproject.toml"
        content = path.read_text(encoding="utf-8")
        path.unlink()  # a link to that of the repository
        path.write_text(re.sub("(?m)^version = .*$", f'version = "{value}"', content), encoding="utf-8")

    return write


def folder(*files: str) -> Damage:
    """Make a folder of parts the source."""

    def make(project: Project) -> None:
        Path("data/source/parts").mkdir()
        for number, content in enumerate(files):
            Path(f"data/source/parts/{number}.csv").write_text(content)
        project.change(data={"source": "data/source/parts"})

    return make


def link(project: Project) -> None:
    """Make a link to a file outside the project the source."""
    Path("data/source/link.csv").symlink_to("/etc/hosts")
    project.change(data={"source": "data/source/link.csv"})


def part_outside(project: Project) -> None:
    """Make a folder the source, one of whose parts is a link to a file outside the project."""
    Path("data/source/parts").mkdir()
    Path("data/source/parts/a.csv").write_text("a,b\n1,2\n")
    Path("data/source/parts/b.csv").symlink_to("/etc/hosts")
    project.change(data={"source": "data/source/parts"})


MANY = pd.DataFrame({"x": np.linspace(0, 1, 10000) ** 2, "target": [f"class {i % 5000}" for i in range(10000)]})
BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(9 * [f'*{old}'])}]\n" for old, new in pairwise("abcdefghi")
)
TAG = "problem: {question: !!python/object/apply:os.system ['touch executed']}\n"
