"""Word the findings of a hermetic run: what dvc.yaml declares too little or too much, and the line to change."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from plumbline import versions
from plumbline.paths import PARAMS
from plumbline.reproducibility.dvc_files import PIPELINE
from plumbline.reproducibility.hermetic_run import Item
from plumbline.reproducibility.report import Finding


@dataclass(frozen=True)
class _Rule:
    """How a finding about a kind of item reads; {stage} is replaced. `key` is the list in dvc.yaml that it is about."""

    kind: str
    expected: str
    actual: str
    hint: str
    key: str


_USE = "used by {stage}"
_RULES = {  # in the order of the findings
    "missing output": _Rule("unwritten output", "a file or folder", "none", "remove it from outs of {stage}", "outs"),
    "environment": _Rule("environment", "no effect", "a different result", "make it a parameter of {stage}", "params"),
    "file": _Rule("undeclared file", "in deps", _USE, "add it to deps of {stage}", "deps"),
    "module": _Rule(
        "undeclared file",
        "covered by the digest of the stage",
        _USE,
        f"import it by its name in a module that {{stage}} imports, then {versions.WRITE_COMMAND}",
        "params",
    ),
    "unread file": _Rule(
        "unread dependency",
        "to be read",
        "not read; the outputs stay the same without it",
        "remove it from deps of {stage}",
        "deps",
    ),
    "unread param": _Rule(
        "unread parameter",
        "to be read",
        "not read; the outputs stay the same when its value is replaced",
        "remove it from params of {stage}",
        "params",
    ),
    "stray file": _Rule(
        "left elsewhere", "nothing", "written by {stage}", "remove it, or write it to one of outs", "outs"
    ),
    "network": _Rule("network", "no use of it", _USE, "fetch it with dvc import-url and add it to deps", "deps"),
    "outside": _Rule("outside the project", "nothing", _USE, "move it into the project and add it to deps", "deps"),
    "param": _Rule("undeclared parameter", "in params", _USE, "add it to params of {stage}", "params"),
    "extra file": _Rule("undeclared output", "in outs", "written by {stage}", "add it to outs of {stage}", "outs"),
}


def make_findings(stage: str, items: Iterable[Item]) -> tuple[Finding, ...]:
    """Return a finding for each item, in a fixed order.

    Parameters
    ----------
    stage : str
        The name of the stage.
    items : iterable of Item
        Their kinds are those of `Item`, and "module", "unread file", "unread param", "missing output", "extra file" and
        "stray file".
    """
    return tuple(_make_finding(stage, item) for item in sorted(items, key=_position))


def _position(item: Item) -> tuple[int, str]:
    kind = "file" if item.kind == "module" else item.kind
    return list(_RULES).index(kind), item.name


def _make_finding(stage: str, item: Item) -> Finding:
    rule, name = _RULES[item.kind], item.name.removeprefix(f"{PARAMS}:")
    hint = f"{rule.hint.format(stage=stage)} ({PIPELINE}, line {_find_line(stage, rule.key, name)})"
    actual = rule.actual.format(stage=stage)
    return Finding(rule.kind, f"{stage}: {name}", hint=hint, expected=rule.expected, actual=actual)


def _find_line(stage_name: str, key: str, name: str) -> int:
    """The line of dvc.yaml with an item of a stage's list, or else with the list, or else with the stage."""
    stages = YAML().load(Path(PIPELINE))["stages"]
    stage = stages[stage_name]
    items = stage.get(key, [])
    for index, item in enumerate(items):
        if item == name or (isinstance(item, dict) and name.partition(":")[0] in item):
            return int(items.lc.item(index)[0]) + 1
    line, _ = stage.lc.key(key) if key in stage else stages.lc.key(stage_name)
    return int(line) + 1
