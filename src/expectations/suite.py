"""Great Expectations over a whole table in bounded memory: one projection of columns at a time.

GX's own pandas engine runs on a frame of just the columns that an expectation names, so a table of any width costs no
more than its widest group. An expectation that raised is an error of the check, never a pass.
"""

import gc
import json
import os
import re
import uuid
from collections import defaultdict
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.predictor.refusal import Refusal

os.environ["GX_ANALYTICS_ENABLED"] = "False"

HEADER = ("expect_table_column", "expect_column_to_exist")  # need names and no row
CELLS = 4_000_000  # in one projection: a small table is checked at once, a large one column by column
SHOWN = 5  # row numbers and values in a message
LIMITS = ("min_value", "max_value", "mostly", "type_", "type_list")  # what a message repeats of an expectation
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
        named = _columns(expectation, [])
        first = [kind.startswith(start) for start in (*FIRST, "")].index(True)
        columns = [(position.get(name, len(position)), name) for name in named]
        return (len(named), columns, first, kind, _json(expectation))

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

    success; error: what the expectation raised; unexpected: how many rows of `rows`; first: the numbers of the first
    few of them, and `values`, what stands there; found: what was observed instead, without values of rows.
    """
    file = pq.ParquetFile(table)
    present = file.schema_arrow.names
    header = [number for number, expectation in enumerate(suite) if expectation["type"].startswith(HEADER)]
    results = _run(suite, header, file.schema_arrow.empty_table().to_pandas())
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number in sorted(set(range(len(suite))) - set(header)):
        groups[_columns(suite[number], present)].append(number)
    bundles = _bundled(groups, CELLS // max(file.metadata.num_rows, 1))
    for names, numbers in bundles:
        columns = file.read([name for name in names if name in present], use_threads=False)
        results |= _run(suite, numbers, columns.to_pandas(split_blocks=True, self_destruct=True))
        if len(bundles) > 1:
            gc.collect()  # GX holds its frames in cycles of references
    return [{"expectation": e, **results[i]} for i, e in enumerate(suite)]


def _columns(expectation: dict[str, Any], present: list[str]) -> tuple[str, ...]:
    """The columns that an expectation reads, those that its condition on rows mentions with them."""
    kwargs = expectation["kwargs"]
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    named += [] if expectation["type"].startswith("expect_table") else kwargs.get("column_list", [])
    condition = str(kwargs.get("row_condition", ""))  # a text, or a map that shows a name as repr does
    named += [name for name in present if name in condition or repr(name)[1:-1] in condition]
    return tuple(dict.fromkeys(map(str, named)))


def _bundled(groups: dict[tuple[str, ...], list[int]], width: int) -> list[tuple[tuple[str, ...], list[int]]]:
    """Groups of columns gathered into projections of at most `width` columns; a wider group stands alone."""
    bundles: list[tuple[tuple[str, ...], list[int]]] = []
    for names, numbers in groups.items():
        joined = tuple(dict.fromkeys((*bundles[-1][0], *names))) if bundles else ()
        if bundles and len(joined) <= width:
            bundles[-1] = (joined, bundles[-1][1] + numbers)
        else:
            bundles.append((names, numbers))
    return bundles


def _run(suite: list[dict[str, Any]], numbers: list[int], frame: pd.DataFrame) -> dict[int, dict[str, Any]]:
    """Results of these expectations of the suite, by number."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.registry import get_expectation_impl

    if not numbers:
        return {}
    context = gx.get_context(mode="ephemeral")  # a new one each time: its engine keeps every batch that it saw
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("table").add_dataframe_asset("columns")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})

    def results(wanted: list[int], form: Any) -> dict[int, dict[str, Any]]:
        numbered = [{**suite[number], "id": str(uuid.UUID(int=number))} for number in wanted]
        found = batch.validate(gx.ExpectationSuite(name="suite", expectations=numbered), result_format=form).results
        return {uuid.UUID(each.expectation_config.id).int: _result(each) for each in found}  # type: ignore[union-attr]

    try:
        for number in numbers:
            get_expectation_impl(suite[number]["type"])  # a suite would log an unknown one and go on without it
        made = results(numbers, "BASIC")
    except Exception as error:  # GX raises many kinds for a name or an argument that it does not know
        words = " ".join(str(error).split())[:200]
        raise Refusal(f"expectations: Great Expectations does not take them ({words})") from None
    failed = [number for number in numbers if not made[number]["success"]]
    made |= results(failed, "SUMMARY") if failed else {}  # the numbers of rows cost as much as the rest
    pa.default_memory_pool().release_unused()
    return made


def _result(found: Any) -> dict[str, Any]:
    raised = found.exception_info or {}
    each = [raised, *(value for value in raised.values() if isinstance(value, dict))]
    errors = [str(value.get("exception_message")) for value in each if value.get("raised_exception")]
    result = found.result or {}
    first = [index + 1 for index in result.get("partial_unexpected_index_list") or [] if isinstance(index, int)]
    kind, observed = found.expectation_config.type, result.get("observed_value")
    values = result.get("partial_unexpected_list") or result.get("partial_missing_list") or []
    if observed is not None and re.search(OF_ONE_ROW, kind):
        values = [observed]
    return {
        "success": bool(found.success) and not errors,
        "error": re.sub(r"(['\"]).*\1", "...", errors[0].splitlines()[0])[:200] if errors else None,  # may quote values
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


def failure(result: dict[str, Any], show_values: bool) -> str:
    """A result that is no success in words: which expectation, of what, how many rows, which, and why it was made."""
    expectation = result["expectation"]
    kwargs = expectation["kwargs"]
    limits = {key: kwargs[key] for key in LIMITS if key in kwargs}
    words = f"{expectation['type']} of {', '.join(map(repr, _columns(expectation, []))) or 'the table'}"
    words += f" ({', '.join(f'{key} {value}' for key, value in limits.items())})" if limits else ""
    if result["error"]:
        return f"{words} raised: {result['error']}"
    if result["unexpected"]:
        words += f": {result['unexpected']:,} of {result['rows']:,} rows do not"
        words += f", the first are rows {', '.join(map(str, result['first']))}" if result["first"] else ""
    elif result["found"]:
        words += f": {result['found']}"
    if show_values and result["values"]:
        pairs = (value if isinstance(value, tuple) else (value,) for value in result["values"])
        words += f", with the values {', '.join(' and '.join(map(str, pair)) for pair in pairs)}"
    why = (expectation.get("meta") or {}).get("why")
    return f"{words} [{why}]" if why else words
