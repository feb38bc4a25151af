"""Leaks: what a leakage check found, and whether data.allow permits it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from plumbline.errors import LeakageError, ParamsError
from plumbline.findings import Findings, Kind, Severity
from plumbline.params import suggest

_SHOWN_LEAKS, _SHOWN_COLUMNS = 3, 10  # in a message


class Action(StrEnum):
    """What a leak does to the stage, unless it is allowed."""

    STOP = "stop"
    WARN = "warning"


@dataclass(frozen=True)
class Leak:
    """A leak that a check found.

    Attributes
    ----------
    kind : Kind
    columns : tuple of str
        Columns, features or groups; data.allow permits the leak by the name of any of them.
    evidence : str
        What was found, as a sentence for people.
    action : Action
    hint : str
        What to do. ``{all}`` in it stands for the columns of all leaks with this hint, ``{first}`` for the first one.
    """

    kind: Kind
    columns: tuple[str, ...]
    evidence: str
    action: Action = Action.STOP
    hint: str = (
        "Set data.ignore: [{all}] (or remove it in src/features.py), or "
        "data.allow: {{{first}: reason}} when it is known before the target"
    )


def enforce(leaks: Sequence[Leak], allow: Mapping[str, str], names: Collection[str], findings: Findings) -> None:
    """Add a finding for each leak that is allowed or only a warning, and raise one error for all others.

    Parameters
    ----------
    leaks : sequence of Leak
    allow : mapping of str to str
        data.allow: the reasons by column.
    names : collection of str
        The columns and features that data.allow may name.
    findings : Findings

    Raises
    ------
    LeakageError
        Where a leak has to stop the stage.
    ParamsError
        Where data.allow names no column.
    """
    for name in allow:
        if name not in names:
            message = f"params.yaml: data.allow names {name!r}, expected a column or feature"
            raise ParamsError(message, hint=suggest(name, names) or "data/schema.json lists the columns")
    stops = []
    for leak in leaks:
        reason = next((allow[name] for name in leak.columns if name in allow), None)
        if reason is None and leak.action is Action.STOP:
            stops.append(leak)
        else:
            severity = Severity.WARNING if reason is None else Severity.NOTE
            findings.add(leak.kind, leak.evidence, severity, allowed=reason)
    if stops:
        raise _combine(stops)
    for name in allow:
        if not any(name in leak.columns for leak in leaks):
            evidence = f"data.allow names {name!r} and no leak was found there. Remove it"
            findings.add(Kind.ALLOWED, evidence, Severity.WARNING)


def _combine(leaks: Sequence[Leak]) -> LeakageError:
    count = len(leaks) - _SHOWN_LEAKS
    rest = f"; and {count} more" if count > 0 else ""
    columns: dict[str, list[str]] = {}
    for leak in leaks:
        columns.setdefault(leak.hint, []).extend(repr(name) for name in leak.columns)
    hints = (
        hint.format(all=", ".join([*dict.fromkeys(names)][:_SHOWN_COLUMNS]), first="".join(names[:1]))
        for hint, names in columns.items()
    )
    evidence = "; ".join(leak.evidence for leak in leaks[:_SHOWN_LEAKS])
    return LeakageError(f"leakage: {evidence}{rest}", hint=". ".join(hints))
