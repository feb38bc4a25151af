"""The files of suites: read strictly, and which of them is about a table."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from src import names
from src.findings import is_about, tables
from src.predictor.refusal import Refusal

KEPT = ("kwargs", "meta", "notes", "description", "severity", "type")  # the rest is what a tool notes of a run
CURE = 'in it: "meta": {"table": {}}'
HELP = "See docs/expectations.md"


def load(path: Path) -> list[dict[str, Any]]:
    """The expectations of a suite file; raises Refusal when it is not one."""
    found = _suite(path)["expectations"]
    return [_kept(each, f"{path.as_posix()}: is no suite: expectation {i}") for i, each in enumerate(found, 1)]


def about(path: Path) -> tuple[str, ...]:
    """The tables that a suite names in its `meta`."""
    meta = _suite(path).get("meta") or {}
    if not isinstance(meta, dict):
        raise Refusal(f'{path.as_posix()}: meta is {meta!r}, expected {{"table": PATH}}. {HELP}')
    return tables(meta.get("table"), path.as_posix())


def find(source: str) -> tuple[Path | None, dict[Path, tuple[str, ...]]]:
    """The suite of a source table, and the others with the tables that they are about.

    A suite that names no table is that of the table of its file's name.
    """
    found, others = [], {}
    for path in sorted(Path(names.EXPECTATIONS).glob("*.json")):
        by_name = path == Path(names.suite(source))
        try:
            named = about(path)
        except Refusal:
            if by_name:
                raise
            named = ()  # another table's: nobody needs it now
        if is_about(named, source) if named else by_name:
            found.append(path)
        else:
            others[path] = named
    if len(found) > 1:
        both = " and ".join(path.as_posix() for path in found[:2])
        raise Refusal(
            f"{both} are both about {source}, expected one suite of a table. Move the lines of one to the other"
        )
    return (found[0] if found else None), others


def by_name(path: Path) -> str:
    """What a suite that names no table is about, in words."""
    return f"a table whose file is named {path.stem}"


def place(source: str) -> Path:
    """Where a table's suite stands, or would: under the whole name where another table of that stem has one."""
    found, others = find(source)
    usual = Path(names.suite(source))
    return found or (Path(names.EXPECTATIONS, f"{PurePosixPath(source).name}.json") if usual in others else usual)


def _suite(path: Path) -> dict[str, Any]:
    where = path.as_posix()
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    if not text.strip():
        raise Refusal(f'{where}: is no suite: it is empty, expected {{"expectations": [...]}}. {HELP}')
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        text.encode("utf-8")
    except json.JSONDecodeError as error:
        raise Refusal(f"{where}: is no suite: line {error.lineno} is no JSON ({error.msg}). Mend it") from None
    except RecursionError:
        raise Refusal(f"{where}: is no suite: nested too deep. Mend it") from None
    except UnicodeError:
        raise Refusal(f"{where}: is no suite: its text is not UTF-8. Save it as UTF-8") from None
    except ValueError as error:
        raise Refusal(f"{where}: is no suite: {error}. Mend it") from None
    if not isinstance(content, dict) or not isinstance(content.get("expectations"), list):
        found = f"a map with {', '.join(content) or 'nothing'}" if isinstance(content, dict) else _kind(content)
        raise Refusal(f'{where}: is no suite: found {found}, expected {{"expectations": [...]}}. {HELP}')
    return content


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """JSON keeps the last of two equal keys without a word."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one map")
        found[key] = value
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _kept(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Refusal(f'{where}: found {_kind(given)}, expected {{"type": ..., "kwargs": {{...}}}}. {HELP}')
    for key, kind, words in (("type", str, "the name of an expectation"), ("kwargs", dict, "a map of arguments")):
        if not isinstance(given.get(key), kind):
            old = (
                ", which older versions called expectation_type"
                if "expectation_type" in given and key == "type"
                else ""
            )
            found = f"found {_kind(given[key])}" if key in given else "which is missing"
            of = f" ({given['type']})" if isinstance(given.get("type"), str) else ""
            raise Refusal(f"{where}{of}: {key} must be {words}{old}, {found}. {HELP}")
    return {key: given[key] for key in KEPT if key in given}


def _kind(value: Any) -> str:
    kinds = {dict: "a map", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
