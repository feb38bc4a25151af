"""Which tables a file is about: suites, behaviours and docs/project.yaml name them by their path in data.source.

With another table such a file is left out, and a finding says so; it is never applied or shown.
"""

import json
from pathlib import PurePosixPath
from typing import Any

from plumbline import paths
from plumbline.errors import ProjectError


def parse_tables(value: Any, where: str) -> tuple[str, ...]:
    """Return the paths under the key `table` of a file: one, several, or none where the key is absent.

    Raises
    ------
    ProjectError
        Where the value is neither a path nor a list of paths; `where` names the file.
    """
    names = value if isinstance(value, list) else [value]
    if value is None:
        return ()
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ProjectError(
            f"{where}: table is {value!r}, expected the path of a table as in data.source, or a list of paths",
            hint="Write it as in: table: data/source/table.csv",
        )
    return tuple(names)


def includes(tables: tuple[str, ...], source: str) -> bool:
    """Return whether a file that names these tables is about `source`; one that names none is about every table.

    Examples
    --------
    >>> includes(("data/source/a.csv",), "data/source/b.csv")
    False
    >>> includes((), "data/source/b.csv")
    True
    """
    return not tables or PurePosixPath(source) in map(PurePosixPath, tables)


def is_suite_of(path: str, tables: tuple[str, ...], source: str) -> bool:
    """Return whether a suite is about `source`; one that names no table is about the table of its file's name.

    Parameters
    ----------
    path : str
        The suite's file. What lies deeper than expectations/ or has another suffix is no suite.
    tables : tuple of str
        The tables that it names.
    source : str
        data.source.

    Examples
    --------
    >>> is_suite_of("expectations/a.json", (), "data/source/a.csv")
    True
    >>> is_suite_of("expectations/a.json", (), "data/source/b.csv")
    False
    """
    file = PurePosixPath(path)
    if file.parent != PurePosixPath(paths.EXPECTATIONS) or file.suffix != ".json":
        return False
    return includes(tables, source) if tables else file == PurePosixPath(paths.suite(source))


def explain_omission(what: str, tables: tuple[str, ...], source: str, hint: str, default: str = "") -> str:
    """Return the warning for what is left out: what it is about, what is read, and what to do.

    Parameters
    ----------
    what : str
        What is left out: a file, or a key in it.
    tables : tuple of str
        What it is about.
    source : str
        data.source.
    hint : str
        What to write; {} in it is replaced by the list of all these tables.
    default : str
        What it is about where it names no table.
    """
    every = json.dumps([*tables, source], ensure_ascii=False)
    return (
        f"{what} is about {', '.join(tables) or default}, and data.source is {source}, so it is left out. "
        f"If it is about this table, too, write {hint.replace('{}', every)}"
    )
