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
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.predictor.refusal import Refusal

os.environ["GX_ANALYTICS_ENABLED"] = "False"

HEADER = ("expect_table_column", "expect_column_to_exist")  # need names and no row
CELLS = 4_000_000  # in one projection: a small table is checked at once, a large one column by column
SHOWN = 5  # row numbers in a message


def load(path: Path) -> list[dict[str, Any]]:
    """The expectations of a suite file; raises Refusal when it is not one."""
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
        return [{"type": str(e["type"]), "kwargs": dict(e["kwargs"])} for e in suite["expectations"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            f"{path}: is no suite in Great Expectations' JSON ({type(error).__name__}: {error}). "
            "See expectations/README.md"
        ) from None


def validate(suite: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    """One result for each expectation, in its order: type, columns, success, error, unexpected, observed, first.

    unexpected: how many rows; first: the numbers of the first few of them; error: what an expectation raised.
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
    return [{"type": e["type"], "columns": list(_columns(e, [])), **results[i]} for i, e in enumerate(suite)]


def _columns(expectation: dict[str, Any], present: list[str]) -> tuple[str, ...]:
    """The columns that an expectation reads, those that its condition on rows mentions with them."""
    kwargs = expectation["kwargs"]
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    named += kwargs.get("column_list", [])
    named += [name for name in present if name in str(kwargs.get("row_condition", ""))]
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
    observed = result.get("observed_value")  # a number; anything else may hold values of rows
    return {
        "success": bool(found.success) and not errors,
        "error": re.sub(r"(['\"]).*\1", "...", errors[0].splitlines()[0])[:200] if errors else None,  # may quote values
        "unexpected": result.get("unexpected_count"),
        "observed": float(observed) if isinstance(observed, int | float) and type(observed) is not bool else None,
        "first": first[:SHOWN],
    }
