"""Which table it is about, what people wrote: with another data.source it is left out and said, never applied or shown.

A suite, the behaviours and docs/project.yaml each name their table, or a list of tables, by its path as in data.source.
What names none is about every table.
"""

import json
from pathlib import PurePosixPath
from typing import Any

from src.predictor.refusal import Refusal

RULE = "of another table"  # of the findings that say what was left out


def tables(given: Any, where: str) -> tuple[str, ...]:
    """What stands under the key `table` of a file; nothing where it is absent."""
    found = given if isinstance(given, list) else [given]
    if given is None:
        return ()
    if not found or not all(isinstance(name, str) and name.strip() for name in found):
        raise Refusal(
            f"{where}: table is {given!r}, expected the path of a table as in data.source, or a list of such. Mend it"
        )
    return tuple(found)


def is_about(named: tuple[str, ...], source: str) -> bool:
    """Whether what names these tables is about this one."""
    return not named or PurePosixPath(source) in map(PurePosixPath, named)


def left_out(what: str, named: tuple[str, ...], source: str, cure: str) -> str:
    """The warning: what it is about, what is read, and what to do; in `cure` {} stands for all these tables."""
    every = json.dumps([*named, source], ensure_ascii=False)
    return (
        f"{what} is about {', '.join(named)}, and data.source is {source}, so it is left out. "
        f"If it is about this table, too, write {cure.replace('{}', every)}"
    )
