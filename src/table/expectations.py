"""Great Expectations over a whole table in bounded memory: one projection of columns at a time.

GX's own pandas engine runs on a frame of just the columns that an expectation names, so a table of any width costs no
more than its widest group. An expectation that raised is an error of the check, never a pass.
"""

import json
import os
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.predictor.refusal import Refusal

os.environ["GX_ANALYTICS_ENABLED"] = "False"

COLUMNS = "expect_table_column"  # these need names and no row
CELLS = 4_000_000  # in one projection: a small table is checked at once, a large one column by column
SHOWN = 5  # row numbers in a message


def load(path: Path) -> list[dict[str, Any]]:
    """The expectations of a suite file; raises Refusal when it is not one."""
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
        return [{"type": str(e["type"]), "kwargs": dict(e["kwargs"])} for e in suite["expectations"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            f"{path}: expected a suite in Great Expectations' JSON ({type(error).__name__}: {error}). "
            "See expectations/README.md"
        ) from None


def validate(suite: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    """One result for each expectation, in its order: type, columns, success, error, unexpected, observed, first.

    unexpected: how many rows; first: the numbers of the first few of them; error: what an expectation raised.
    """
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, expectation in enumerate(suite):
        groups[_columns(expectation)].append(number)
    results: dict[int, dict[str, Any]] = {}
    for names, numbers in _bundled(groups, CELLS // max(pq.read_metadata(table).num_rows, 1)):
        for number, result in zip(numbers, _run([suite[n] for n in numbers], _frame(table, names)), strict=True):
            named = [name for name in _columns(suite[number]) if name]
            results[number] = {"type": suite[number]["type"], "columns": named, **result}
    return [results[number] for number in range(len(suite))]


def _bundled(groups: dict[tuple[str, ...], list[int]], width: int) -> list[tuple[tuple[str, ...], list[int]]]:
    """Groups of columns gathered into projections of at most `width` columns; a wider group stands alone."""
    bundles: list[tuple[tuple[str, ...], list[int]]] = []
    for names, numbers in groups.items():
        joined = tuple(dict.fromkeys((*bundles[-1][0], *names))) if bundles else ()
        if names in ((), ("",)) or not bundles or bundles[-1][0] in ((), ("",)) or len(joined) > width:
            bundles.append((names, numbers))
        else:
            bundles[-1] = (joined, bundles[-1][1] + numbers)
    return bundles


def _columns(expectation: dict[str, Any]) -> tuple[str, ...]:
    """The columns that an expectation reads; ("",) for one that needs no more than the header, () for the row count."""
    kwargs = expectation["kwargs"]
    if expectation["type"].startswith(COLUMNS) or expectation["type"] == "expect_column_to_exist":
        return ("",)
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs] + kwargs.get("column_list", [])
    return tuple(sorted(set(named)))


def _frame(table: str, names: tuple[str, ...]) -> pd.DataFrame:
    file = pq.ParquetFile(table)
    if names == ("",):
        return file.schema_arrow.empty_table().to_pandas()
    if not names:
        return pd.DataFrame(index=pd.RangeIndex(file.metadata.num_rows))
    present = [name for name in names if name in file.schema_arrow.names]
    return file.read(present, use_threads=False).to_pandas(split_blocks=True, self_destruct=True)


def _run(expectations: list[dict[str, Any]], frame: pd.DataFrame) -> list[dict[str, Any]]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")  # a new one each time: its engine keeps every batch that it saw
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("table").add_dataframe_asset("columns")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    numbered = [{**expectation, "id": str(uuid.UUID(int=i))} for i, expectation in enumerate(expectations)]
    try:
        suite = gx.ExpectationSuite(name="suite", expectations=numbered)
    except Exception as error:  # GX raises many kinds for a name or an argument that it does not know
        raise Refusal(
            f"expectations: Great Expectations does not take them ({str(error).splitlines()[0][:200]})"
        ) from None
    found = batch.validate(suite, result_format="SUMMARY").results
    pa.default_memory_pool().release_unused()
    return [_result(r) for r in sorted(found, key=_number)]


def _number(found: Any) -> int:
    return uuid.UUID(found.expectation_config.id).int


def _result(found: Any) -> dict[str, Any]:
    raised = found.exception_info or {}
    nested = [value for value in raised.values() if isinstance(value, dict)]
    errors = [str(value.get("exception_message")) for value in [raised, *nested] if value.get("raised_exception")]
    result = found.result or {}
    first = [
        index + 1 for index in (result.get("partial_unexpected_index_list") or [])[:SHOWN] if isinstance(index, int)
    ]
    return {
        "success": bool(found.success) and not errors,
        "error": errors[0].splitlines()[0][:200] if errors else None,
        "unexpected": result.get("unexpected_count"),
        "observed": _plain(result.get("observed_value")),
        "first": first,
    }


def _plain(value: Any) -> Any:
    """An observed number; anything else may hold values of rows and is left out."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
