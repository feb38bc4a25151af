"""What every stage leaves behind: findings for the report, JSON for people and git, one line when it must stop.

And which table it is about, what people wrote (suite, behaviours, docs/project.yaml): each names its table, or several,
by the path in data.source; with another one it is left out and said, never applied or shown.
"""

import json
from pathlib import Path, PurePosixPath
from typing import Any

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.files import write_json

RULE = "of another table"  # of the findings that say what was left out


def short(value: float | None) -> str:
    """A number for people: four significant digits, thousands set apart; - where there is none."""
    return "-" if value is None or value != value else f"{float(f'{value:.4g}'):,g}"


def tables(given: Any, where: str) -> tuple[str, ...]:
    """What stands under the key `table` of a file; nothing where it is absent."""
    found = given if isinstance(given, list) else [given]
    if given is None:
        return ()
    if not found or not all(isinstance(name, str) and name.strip() for name in found):
        raise PlumblineError(
            f"{where}: table is {given!r}, expected the path of a table as in data.source, or a list of such. Fix it"
        )
    return tuple(found)


def is_about(named: tuple[str, ...], source: str) -> bool:
    """Whether what names these tables is about this one."""
    return not named or PurePosixPath(source) in map(PurePosixPath, named)


def left_out(what: str, named: tuple[str, ...], source: str, cure: str, otherwise: str = "") -> str:
    """The warning: what it is about, what is read, and what to do; in `cure` {} stands for all these tables.

    otherwise: what it is about where it names no table.
    """
    every = json.dumps([*named, source], ensure_ascii=False)
    return (
        f"{what} is about {', '.join(named) or otherwise}, and data.source is {source}, so it is left out. "
        f"If it is about this table, too, write {cure.replace('{}', every)}"
    )


class Findings:
    """What one stage checked and decided; printed as it goes, written to metrics/checks-STAGE.json at the end."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.found: list[dict[str, Any]] = []

    def add(self, rule: str, evidence: str, severity: str = "note", allowed: str | None = None, **counts: Any) -> None:
        """severity: note | warning | left out; a check that must stop raises PlumblineError instead."""
        finding = {"rule": rule, "severity": severity, "evidence": evidence, "counts": counts, "allowed": allowed}
        self.found.append(finding)
        mark = "" if severity == "note" else f"{severity.upper()}: "
        print(f"{self.stage}: {mark}{rule}: {evidence}", flush=True)

    def write(self) -> None:
        write_json(paths.checks(self.stage), self.found)


def read_findings(stage: str) -> list[dict[str, Any]]:
    return json.loads(Path(paths.checks(stage)).read_text(encoding="utf-8"))
