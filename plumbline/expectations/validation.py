"""Great Expectations over a whole table in bounded memory: one projection of columns at a time.

Its pandas engine runs on a frame of just the columns that an expectation reads, so that a wide table costs no more than
its widest group of columns. An expectation that failed with an error is never a pass.
"""

import gc
import logging
import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.expectations.compatibility import content_of, explain_error, find_incompatibility
from plumbline.expectations.expectation import Expectation
from plumbline.expectations.library import load_library
from plumbline.expectations.results import Result

ERROR = "error"  # stands for a message that `validate` writes
MAX_CELLS = 4_000_000  # in one projection: a small table is checked at once, a large one column by column
_HEADER = ("expect_table_column", "expect_column_to_exist")  # these need names and no row
_MOST_SHOWN = 5  # row numbers and values of a result
_OF_ONE_ROW = "_(min|max|median|most_common)"  # what is observed is a value of some row
_Groups = dict[tuple[str, ...], list[int]]  # positions of expectations by the columns that they read


def validate(expectations: Sequence[Expectation], table: str) -> list[Result]:
    """Validate a typed Parquet.

    Parameters
    ----------
    expectations : sequence of Expectation
        Without faults, see `arguments.find_faults`.
    table : str

    Returns
    -------
    list of Result
        One for each expectation, in their order.
    """
    file = pq.ParquetFile(table)
    contents = {field.name: content_of(field.type) for field in file.schema_arrow}
    results: dict[int, Result] = {}
    header: list[int] = []
    groups: _Groups = defaultdict(list)
    for i, expectation in enumerate(expectations):
        if reason := find_incompatibility(expectation, contents):
            results[i] = Result(i + 1, expectation, error=reason)
        elif expectation.type.startswith(_HEADER):
            header.append(i)
        else:
            groups[expectation.columns(contents)].append(i)
    results |= _run(expectations, header, file.schema_arrow.empty_table().to_pandas())
    bundles = _bundle(groups, MAX_CELLS // max(file.metadata.num_rows, 1))
    for columns, positions in bundles:
        projection = file.read([name for name in columns if name in contents], use_threads=False)
        results |= _run(expectations, positions, projection.to_pandas(split_blocks=True, self_destruct=True))
        if len(bundles) > 1:
            gc.collect()  # Great Expectations holds its frames in cycles of references
    for i, result in results.items():
        if result.error == ERROR:
            results[i] = replace(result, error=explain_error(result.expectation, contents))
    return [results[i] for i in range(len(expectations))]


def _bundle(groups: _Groups, width: int) -> list[tuple[tuple[str, ...], list[int]]]:
    """Gather groups into projections of at most `width` columns; a wider group is its own."""
    bundles: list[tuple[tuple[str, ...], list[int]]] = []
    for columns, positions in groups.items():
        union = tuple(dict.fromkeys((*bundles[-1][0], *columns))) if bundles else ()
        if bundles and len(union) <= width:
            bundles[-1] = (union, bundles[-1][1] + positions)
        else:
            bundles.append((columns, positions))
    return bundles


def _run(expectations: Sequence[Expectation], positions: list[int], frame: pd.DataFrame) -> dict[int, Result]:
    """Return the results of the expectations at these positions."""
    if not positions:
        return {}
    batch = _open_batch(frame)
    try:
        results = _validate_batch(batch, expectations, positions, "BASIC")
    except Exception:  # one expectation alone can stop all: then each is run by itself
        if len(positions) == 1:
            return {positions[0]: Result(positions[0] + 1, expectations[positions[0]], error=ERROR)}
        return {i: result for position in positions for i, result in _run(expectations, [position], frame).items()}
    failures = [i for i in positions if not results[i].success]
    if failures:  # the numbers of rows cost as much as all else
        results |= _validate_batch(batch, expectations, failures, "SUMMARY")
    pa.default_memory_pool().release_unused()
    return results


def _open_batch(frame: pd.DataFrame) -> Any:
    gx = load_library()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # it logs values of rows
    context = gx.get_context(mode="ephemeral")  # a new one each time: its engine keeps every batch
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("table").add_dataframe_asset("columns")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})


def _validate_batch(
    batch: Any, expectations: Sequence[Expectation], positions: list[int], result_format: str
) -> dict[int, Result]:
    gx = load_library()
    content: list[Any] = [{**expectations[i].to_json(), "id": str(uuid.UUID(int=i))} for i in positions]
    outcomes = batch.validate(gx.ExpectationSuite(name="suite", expectations=content), result_format=result_format)
    results = {}
    for outcome in outcomes.results:
        i = uuid.UUID(outcome.expectation_config.id).int
        results[i] = to_result(i + 1, expectations[i], outcome)
    return results


def to_result(number: int, expectation: Expectation, outcome: Any) -> Result:
    """Return a Result for an ExpectationValidationResult of Great Expectations.

    Parameters
    ----------
    number : int
        The position in the suite, from 1.
    expectation : Expectation
    outcome : great_expectations.core.ExpectationValidationResult
    """
    info = outcome.exception_info or {}
    infos = [info, *(value for value in info.values() if isinstance(value, dict))]
    has_error = any(value.get("raised_exception") for value in infos)
    details = outcome.result or {}
    rows = [index + 1 for index in details.get("partial_unexpected_index_list") or [] if isinstance(index, int)]
    observed = details.get("observed_value")
    values = details.get("partial_unexpected_list") or details.get("partial_missing_list") or []
    if observed is not None and re.search(_OF_ONE_ROW, expectation.type):
        values = [observed]
    return Result(
        number,
        expectation,
        success=bool(outcome.success) and not has_error,
        error=ERROR if has_error else None,
        unexpected=details.get("unexpected_count"),
        rows=details.get("element_count"),
        observed=_describe_observed(expectation.type, details),
        first_rows=tuple(rows[:_MOST_SHOWN]),
        values=tuple(values[:_MOST_SHOWN]),
    )


def _describe_observed(kind: str, result: Mapping[str, Any]) -> str:
    """Return what was observed: numbers over all rows and names of columns, never the value of one row."""
    observed, details = result.get("observed_value"), result.get("details") or {}
    if isinstance(observed, dict) and "success_details" in details:
        shares = zip(observed["quantiles"], details["success_details"], strict=True)
        return "out of bounds: the quantile(s) " + ", ".join(str(share) for share, holds in shares if not holds)
    if "mismatched" in details:
        return _describe_mismatch(details["mismatched"])
    if result.get("missing_count") and "partial_missing_list" in result:
        return f"{result['missing_count']} value(s) of the set are absent"
    if isinstance(observed, int | float) and type(observed) is not bool and not re.search(_OF_ONE_ROW, kind):
        return f"found {observed:.6g}"
    return f"found {observed}" if "_type" in kind and isinstance(observed, str) else ""


def _describe_mismatch(mismatch: Any) -> str:
    if isinstance(mismatch, list):  # of columns in order
        columns = (f"column {item['Expected Column Position'] + 1} is {item['Found']!r}" for item in mismatch)
        return ", ".join(columns)
    return "; ".join(f"{what} {', '.join(map(repr, names))}" for what, names in mismatch.items())
