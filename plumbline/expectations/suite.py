"""Suites of expectations: files in expectations/, in the form of Great Expectations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from plumbline import paths
from plumbline.errors import PlumblineError, ProjectError
from plumbline.expectations.expectation import HELP, Expectation, describe_type
from plumbline.files import read_json
from plumbline.scope import is_suite_of, parse_tables

TABLE_HINT = 'in it: "meta": {"table": {}}'
_ORDER = (  # of the expectations of one column
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
    "expect_column_values_to_not_be_null",
    "expect_column_values",
)


@dataclass(frozen=True)
class Suite:
    """The expectations of a table.

    Attributes
    ----------
    name : str
        The name of its file, without the suffix.
    expectations : tuple of Expectation
    tables : tuple of str
        The sources that it is about; empty where it names none.
    """

    name: str
    expectations: tuple[Expectation, ...]
    tables: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Suite":
        """Return the suite in a file.

        Raises
        ------
        ProjectError
            Where the file is not one.
        """
        content = _read_content(path)
        expectations = (
            Expectation.from_json(value, f"{path.as_posix()}: is not a suite: expectation {number}")
            for number, value in enumerate(content["expectations"], 1)
        )
        return cls(path.stem, tuple(expectations), _parse_tables(path, content))

    def dumps(self) -> str:
        """Return the canonical text: the same expectations in another order give the same bytes.

        Expectations of the table are first, then those of each column, in the order of the table's expectation of its
        columns, then those of several columns.
        """
        about_columns = [e.kwargs for e in self.expectations if e.type.startswith("expect_table_columns")]
        about_columns.sort(key=_to_json)
        names = [name for kwargs in about_columns for name in kwargs.get("column_set", kwargs.get("column_list")) or ()]
        position = {name: number for number, name in enumerate(dict.fromkeys(names))}

        def rank(expectation: Expectation) -> tuple[Any, ...]:
            columns = expectation.columns()
            kind = [expectation.type.startswith(start) for start in (*_ORDER, "")].index(True)
            places = [(position.get(name, len(position)), name) for name in columns]
            return (len(columns), places, kind, expectation.type, _to_json(expectation.to_json()))

        lines = dict.fromkeys(_to_json(e.to_json()) for e in sorted(map(_simplify, self.expectations), key=rank))
        tables = [*self.tables] if len(self.tables) > 1 else self.tables[0] if self.tables else None
        meta = f'"meta": {_to_json({"table": tables})},\n' if tables else ""
        return f'{{\n"name": {_to_json(self.name)},\n{meta}"expectations": [\n' + ",\n".join(lines) + "\n]\n}\n"


@dataclass(frozen=True)
class SuiteSearch:
    """Which suite is about a source.

    Attributes
    ----------
    path : Path or None
        The file of the suite.
    rest : mapping of Path to tuple of str
        All other suites, with the tables that they name.
    """

    path: Path | None
    rest: Mapping[Path, tuple[str, ...]]


def find_suite(source: str) -> SuiteSearch:
    """Find the suite that is about a source; one that names no table is about the table of its file's name.

    Raises
    ------
    ProjectError
        Where two suites are about it, or its suite cannot be read.
    """
    matches, rest = [], {}
    for path in sorted(Path(paths.EXPECTATIONS).glob("*.json")):
        has_name = path == Path(paths.suite(source))
        try:
            content = _read_content(path)
        except PlumblineError:
            if has_name:
                raise
            content = {}  # the suite of another table, which is not needed now
        tables = _parse_tables(path, content)
        if is_suite_of(path.as_posix(), tables, source):
            matches.append(path)
        else:
            rest[path] = tables
    if len(matches) > 1:
        names = " and ".join(path.as_posix() for path in matches[:2])
        message = f"{names} are both about {source}, expected one suite of a table"
        raise ProjectError(message, hint="Move the lines of one to the other")
    return SuiteSearch(matches[0] if matches else None, rest)


def suite_path(source: str) -> Path:
    """Return the file of a table's suite, whether it exists or not.

    Where the usual name belongs to the suite of another table, it is the whole name of the source.
    """
    search, usual = find_suite(source), Path(paths.suite(source))
    if search.path:
        return search.path
    return Path(paths.EXPECTATIONS, f"{PurePosixPath(source).name}.json") if usual in search.rest else usual


def _read_content(path: Path) -> dict[str, Any]:
    content = read_json(path, "is not a suite")
    if not isinstance(content, dict) or not isinstance(content.get("expectations"), list):
        is_map = isinstance(content, dict)
        kind = f"a map with {', '.join(content) or 'nothing'}" if is_map else describe_type(content)
        message = f'{path.as_posix()}: is not a suite: found {kind}, expected {{"expectations": [...]}}'
        raise ProjectError(message, hint=HELP)
    return content


def _parse_tables(path: Path, content: Mapping[str, Any]) -> tuple[str, ...]:
    meta = content.get("meta") or {}
    if not isinstance(meta, dict):
        message = f'{path.as_posix()}: meta is {meta!r}, expected {{"table": PATH}}'
        raise ProjectError(message, hint=HELP)
    return parse_tables(meta.get("table"), path.as_posix())


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _simplify(expectation: Expectation) -> Expectation:
    return Expectation(expectation.type, _simplify_value(expectation.kwargs), _simplify_value(expectation.extra))


def _simplify_value(value: Any) -> Any:
    """Write whole floats as integers and sets of values in order, and leave out what is null or empty."""
    if isinstance(value, dict):
        content = {key: _simplify_value(item) for key, item in value.items() if item not in (None, {})}
        if isinstance(content.get("value_set"), list):
            content["value_set"] = sorted(content["value_set"], key=_to_json)
        return content
    if isinstance(value, list):
        return [_simplify_value(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
