"""Great Expectations over a whole table in bounded memory: one projection of columns at a time.

GX's own pandas engine runs on a frame of just the columns that an expectation names, so a table of any width costs no
more than its widest group. An expectation that raised is an error of the check, never a pass.
"""

import gc
import json
import logging
import os
import re
import uuid
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.expectations.faults import FLAGS, NUMBERS, TIMES, WORDS, columns, uncomputed, unfit
from plumbline.files import read_json
from plumbline.scope import includes, parse_tables

os.environ["GX_ANALYTICS_ENABLED"] = "False"

KEPT = ("kwargs", "meta", "notes", "description", "severity", "type")  # the rest is what a tool notes of a run
CURE = 'in it: "meta": {"table": {}}'
HELP = "See docs/expectations.md"
HEADER = ("expect_table_column", "expect_column_to_exist")  # need names and no row
CELLS = 4_000_000  # in one projection: a small table is checked at once, a large one column by column
SHOWN = 5  # row numbers and values of a result
RAISED = "raised"
NONE: dict[str, Any] = {
    "success": False,
    "error": None,
    "unexpected": None,
    "rows": None,
    "found": "",
    "first": [],
    "values": [],
}
OF_ONE_ROW = "_(min|max|median|most_common)"  # what is observed is a value of some row
FIRST = (  # of one column, in this order
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
    "expect_column_values_to_not_be_null",
    "expect_column_values",
)


def expect(kind: str, why: str = "", **kwargs: Any) -> dict[str, Any]:
    """One expectation in Great Expectations' form, with the reason for people."""
    meta = {"meta": {"why": why}} if why else {}
    return {"kwargs": {name: value for name, value in kwargs.items() if value is not None}, **meta, "type": kind}


def load(path: Path) -> list[dict[str, Any]]:
    """The expectations of a suite file; raises PlumblineError when it is not one."""
    found = _suite(path)["expectations"]
    return [_kept(each, f"{path.as_posix()}: is no suite: expectation {i}") for i, each in enumerate(found, 1)]


def about(path: Path) -> tuple[str, ...]:
    """The tables that a suite names in its `meta`."""
    return _tables(path, _suite(path))


def _tables(path: Path, suite: dict[str, Any]) -> tuple[str, ...]:
    meta = suite.get("meta") or {}
    if not isinstance(meta, dict):
        raise PlumblineError(f'{path.as_posix()}: meta is {meta!r}, expected {{"table": PATH}}. {HELP}')
    return parse_tables(meta.get("table"), path.as_posix())


def find(source: str) -> tuple[Path | None, dict[Path, tuple[str, ...]]]:
    """The suite of a source table, and the others with the tables that they are about, if they name any.

    One that names none is about the table of its file's name.
    """
    found, others = [], {}
    for path in sorted(Path(paths.EXPECTATIONS).glob("*.json")):
        by_name = path == Path(paths.suite(source))
        try:
            suite = _suite(path)
        except PlumblineError:
            if by_name:
                raise
            suite = {}  # another table's: nobody needs it now
        named = _tables(path, suite)
        if includes(named, source) if named else by_name:
            found.append(path)
        else:
            others[path] = named
    if len(found) > 1:
        both = " and ".join(path.as_posix() for path in found[:2])
        raise PlumblineError(
            f"{both} are both about {source}, expected one suite of a table. Move the lines of one to the other"
        )
    return (found[0] if found else None), others


def place(source: str) -> Path:
    """Where a table's suite stands, or would: under the whole name where another table of that stem has one."""
    found, others = find(source)
    usual = Path(paths.suite(source))
    return found or (Path(paths.EXPECTATIONS, f"{PurePosixPath(source).name}.json") if usual in others else usual)


def _suite(path: Path) -> dict[str, Any]:
    content = read_json(path, "is no suite")
    if not isinstance(content, dict) or not isinstance(content.get("expectations"), list):
        found = f"a map with {', '.join(content) or 'nothing'}" if isinstance(content, dict) else _kind(content)
        raise PlumblineError(
            f'{path.as_posix()}: is no suite: found {found}, expected {{"expectations": [...]}}. {HELP}'
        )
    return content


def _kept(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise PlumblineError(f'{where}: found {_kind(given)}, expected {{"type": ..., "kwargs": {{...}}}}. {HELP}')
    for key, kind, words in (("type", str, "the name of an expectation"), ("kwargs", dict, "a map of arguments")):
        if not isinstance(given.get(key), kind):
            old = (
                ", which older versions called expectation_type"
                if "expectation_type" in given and key == "type"
                else ""
            )
            found = f"found {_kind(given[key])}" if key in given else "which is missing"
            of = f" ({given['type']})" if isinstance(given.get("type"), str) else ""
            raise PlumblineError(f"{where}{of}: {key} must be {words}{old}, {found}. {HELP}")
    kwargs = {key: value for key, value in given["kwargs"].items() if value is not None}
    return {key: given[key] for key in KEPT if key in given} | {"kwargs": kwargs}


def _kind(value: Any) -> str:
    kinds = {dict: "a map", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def dumps(name: str, suite: list[dict[str, Any]], tables: tuple[str, ...] = ()) -> str:
    """The canonical text of a suite: the same expectations give the same bytes, in whatever order they come.

    tables: which it is about.
    The table first, then column by column in the order in which the table's expectation lists them, then pairs.
    """
    of_table = sorted((each["kwargs"] for each in suite if each["type"].startswith("expect_table_columns")), key=_json)
    listed = [name for kwargs in of_table for name in kwargs.get("column_set", kwargs.get("column_list")) or ()]
    position = {name: number for number, name in enumerate(dict.fromkeys(listed))}

    def place(expectation: dict[str, Any]) -> tuple:
        kind = expectation["type"]
        named = columns(expectation, [])
        first = [kind.startswith(start) for start in (*FIRST, "")].index(True)
        places = [(position.get(name, len(position)), name) for name in named]
        return (len(named), places, first, kind, _json(expectation))

    lines = {_json(each): None for each in sorted(map(_plain, suite), key=place)}
    meta = f'"meta": {_json({"table": [*tables] if len(tables) > 1 else tables[0]})},\n' if tables else ""
    return f'{{\n"name": {_json(name)},\n{meta}"expectations": [\n' + ",\n".join(lines) + "\n]\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    """Whole floats as integers, sets of values in order, nothing that is absent."""
    if isinstance(value, dict):
        ordered = {key: _plain(item) for key, item in value.items() if item not in (None, {})}
        if isinstance(ordered.get("value_set"), list):
            ordered["value_set"] = sorted(ordered["value_set"], key=_json)
        return ordered
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def validate(suite: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    """One result for each expectation, in its order, to be put into words by `failure`.

    number: in the suite; success; error: why it could not be computed; unexpected: how many rows of `rows`; first: the
    numbers of the first few of them, and `values`, what stands there; found: what was observed instead, without values
    of rows.
    """
    file = pq.ParquetFile(table)
    kinds = {field.name: _holds(field.type) for field in file.schema_arrow}
    present = [*kinds]
    results = {i: NONE | {"error": words} for i, each in enumerate(suite) if (words := unfit(each, kinds))}
    header = [i for i, each in enumerate(suite) if i not in results and each["type"].startswith(HEADER)]
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number in sorted(set(range(len(suite))) - {*header, *results}):
        groups[columns(suite[number], present)].append(number)
    results |= _run(suite, header, file.schema_arrow.empty_table().to_pandas())
    bundles = _bundled(groups, CELLS // max(file.metadata.num_rows, 1))
    for wanted, numbers in bundles:
        read = file.read([name for name in wanted if name in present], use_threads=False)
        results |= _run(suite, numbers, read.to_pandas(split_blocks=True, self_destruct=True))
        if len(bundles) > 1:
            gc.collect()  # GX holds its frames in cycles of references
    raised = {i for i, result in results.items() if result["error"] is RAISED}
    results |= {i: NONE | {"error": uncomputed(suite[i], kinds)} for i in raised}
    return [{"number": i + 1, "expectation": e, **results[i]} for i, e in enumerate(suite)]


def _holds(kind: pa.DataType) -> str:
    """What a column of this type holds, in words."""
    if pa.types.is_boolean(kind):
        return FLAGS
    if pa.types.is_timestamp(kind):
        return TIMES
    return NUMBERS if pa.types.is_integer(kind) or pa.types.is_floating(kind) else WORDS


def _bundled(groups: dict[tuple[str, ...], list[int]], width: int) -> list[tuple[tuple[str, ...], list[int]]]:
    """Groups of columns gathered into projections of at most `width` columns; a wider group stands alone."""
    bundles: list[tuple[tuple[str, ...], list[int]]] = []
    for wanted, numbers in groups.items():
        joined = tuple(dict.fromkeys((*bundles[-1][0], *wanted))) if bundles else ()
        if bundles and len(joined) <= width:
            bundles[-1] = (joined, bundles[-1][1] + numbers)
        else:
            bundles.append((wanted, numbers))
    return bundles


def _run(suite: list[dict[str, Any]], numbers: list[int], frame: pd.DataFrame) -> dict[int, dict[str, Any]]:
    """Results of these expectations of the suite, by number."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    if not numbers:
        return {}
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # it logs its insides, with values of rows
    context = gx.get_context(mode="ephemeral")  # a new one each time: its engine keeps every batch that it saw
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("table").add_dataframe_asset("columns")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})

    def results(wanted: list[int], form: Any) -> dict[int, dict[str, Any]]:
        numbered = [{**suite[number], "id": str(uuid.UUID(int=number))} for number in wanted]
        found = batch.validate(gx.ExpectationSuite(name="suite", expectations=numbered), result_format=form).results
        return {uuid.UUID(each.expectation_config.id).int: _result(each) for each in found}  # type: ignore[union-attr]

    try:
        made = results(numbers, "BASIC")
    except Exception:  # one alone can stop GX: then each is run by itself, and those that do are named
        if len(numbers) == 1:
            return {numbers[0]: NONE | {"error": RAISED}}
        return {number: found for each in numbers for number, found in _run(suite, [each], frame).items()}
    failed = [number for number in numbers if not made[number]["success"]]
    made |= results(failed, "SUMMARY") if failed else {}  # the numbers of rows cost as much as the rest
    pa.default_memory_pool().release_unused()
    return made


def _result(found: Any) -> dict[str, Any]:
    raised = found.exception_info or {}
    each = [raised, *(value for value in raised.values() if isinstance(value, dict))]
    failed = any(value.get("raised_exception") for value in each)
    result = found.result or {}
    first = [index + 1 for index in result.get("partial_unexpected_index_list") or [] if isinstance(index, int)]
    kind, observed = found.expectation_config.type, result.get("observed_value")
    values = result.get("partial_unexpected_list") or result.get("partial_missing_list") or []
    if observed is not None and re.search(OF_ONE_ROW, kind):
        values = [observed]
    return {
        "success": bool(found.success) and not failed,
        "error": RAISED if failed else None,
        "unexpected": result.get("unexpected_count"),
        "rows": result.get("element_count"),
        "found": _found(kind, result),
        "first": first[:SHOWN],
        "values": values[:SHOWN],
    }


def _found(kind: str, result: dict[str, Any]) -> str:
    """What was observed, in words: numbers over all rows and names of columns, never a value of one row."""
    observed, details = result.get("observed_value"), result.get("details") or {}
    if isinstance(observed, dict) and "success_details" in details:
        shares = zip(observed["quantiles"], details["success_details"], strict=True)
        return "out of bounds: the quantile(s) " + ", ".join(str(share) for share, holds in shares if not holds)
    if isinstance(details.get("mismatched"), list):  # of columns in order
        wrong = (
            f"column {each['Expected Column Position'] + 1} is {each['Found']!r}" for each in details["mismatched"]
        )
        return ", ".join(wrong)
    if "mismatched" in details:
        return "; ".join(f"{what} {', '.join(map(repr, names))}" for what, names in details["mismatched"].items())
    if result.get("missing_count") and "partial_missing_list" in result:
        return f"{result['missing_count']} value(s) of the set are absent"
    if isinstance(observed, int | float) and type(observed) is not bool and not re.search(OF_ONE_ROW, kind):
        return f"found {observed:.6g}"
    return f"found {observed}" if "_type" in kind and isinstance(observed, str) else ""
