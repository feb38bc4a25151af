"""A first suite of expectations for a table, drafted from its columns; people review and edit it."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.roles import looks_like_id
from plumbline.data.schema import NUMERIC, Column, Schema
from plumbline.expectations.expectation import Expectation, expect
from plumbline.expectations.intervals import PredictionIntervals, round_down, round_outward
from plumbline.expectations.relations import draft_relations

_FALSE_ALARM = 0.01  # the probability that a suite stops a table like the one from which it was drafted ...
_BOUNDS = 12  # ... shared by about so many bounds of each column
_MIN_VALUES = 20  # fewer say nothing about another sample
_SHRINK, _GROW = 0.9, 10  # a table loses few rows and may become this much longer
_QUANTILES = (0.05, 0.5, 0.95)
_FEW_INTEGERS = 10  # integers with at most this many distinct values are levels
_MAX_LEVELS = 100  # categories with more are not listed
_SHARE_LEVELS = 3  # levels that have an expectation of their share
_MIN_SHARE = 0.05  # a share that may fall below this has no expectation
_DISTINCT = 0.9  # a column with this share of distinct values keeps them
_PATTERNS = {"small letters": "[a-z]", "capitals": "[A-Z]", "digits": "[0-9]", "spaces": " "}
_NOT_ASCII = "[^\\x00-\\x7f]"
_PANDAS_TYPES = {"integer": "int64", "number": "float64", "boolean": "bool", "timestamp": "datetime64"}
_MAX_NEW = 0.5  # with a larger share of new levels a list says nothing
_MAX_NUMBER = 1e200  # above it an interval would overflow
_DAY, _SECOND = np.timedelta64(1, "D"), np.timedelta64(1, "s")
_DATETIME_RANGE = np.array(["0001-01-02", "9999-12-30"], dtype="M8[us]").astype("int64")  # of Python's datetime


def draft_expectations(path: str, schema: Schema) -> list[Expectation]:
    """Draft expectations of a typed Parquet: of the table, of each column, of pairs of columns.

    Parameters
    ----------
    path : str
        The typed Parquet that ingest wrote.
    schema : Schema
        Its columns and their roles.

    Returns
    -------
    list of Expectation
        With a probability of about 99 % all of them hold on another sample of the same size.
    """
    intervals = PredictionIntervals(_FALSE_ALARM / (_BOUNDS * len(schema.columns)))
    names = [column.name for column in schema.columns]
    low, high = int(_SHRINK * schema.rows), _GROW * schema.rows
    reason = f"{schema.rows:,} rows at first: the table may grow, and lose few rows"
    expectations = [
        expect("expect_table_columns_to_match_set", "no column is new, missing or renamed", column_set=names),
        expect("expect_table_row_count_to_be_between", reason, min_value=low, max_value=high),
    ]
    file = pq.ParquetFile(path)
    for column in schema.columns:
        values = file.read([column.name], use_threads=False).column(0)
        expectations += _draft_type(column)
        expectations += _draft_missing(column, values.null_count, schema.rows, intervals)
        expectations += _draft_distinct(column, schema.rows - values.null_count, intervals)
        expectations += _draft_values(column, values.drop_null(), schema.rows, intervals)
    return expectations + draft_relations(file, schema, intervals)


def _is_required(column: Column) -> bool:
    """Return whether ingest refuses missing values in this column."""
    return column.role in ("key", "target", "group", "time", "weight")


def _draft_type(column: Column) -> Iterator[Expectation]:
    pandas_type = _PANDAS_TYPES.get(column.type, "str")
    if column.type in ("integer", "boolean") and not _is_required(column):
        with_missing = {"integer": "float64", "boolean": "object"}[column.type]
        reason = f"pandas uses {with_missing} where values are missing"
        types = [pandas_type, with_missing]
        yield expect("expect_column_values_to_be_in_type_list", reason, column=column.name, type_list=types)
    else:
        yield expect("expect_column_values_to_be_of_type", column=column.name, type_=pandas_type)


def _draft_missing(column: Column, missing: int, rows: int, intervals: PredictionIntervals) -> Iterator[Expectation]:
    low, high = intervals.share(missing, rows)
    is_required = _is_required(column)
    if is_required or high < 1:
        reason = f"{missing:,} of {rows:,} rows had no value" if missing else ""
        mostly = None if is_required else round_down(1 - high)
        yield expect("expect_column_values_to_not_be_null", reason, column=column.name, mostly=mostly)
    if low > 0:
        reason = "missing values that are suddenly filled are as suspect as new ones"
        yield expect("expect_column_values_to_be_null", reason, column=column.name, mostly=round_down(low))


def _draft_distinct(column: Column, count: int, intervals: PredictionIntervals) -> Iterator[Expectation]:
    """Draft for a column with `count` values."""
    if column.role == "key":
        reason = "it identifies a row: a repeated value is a repeated row, or two rows mixed up"
        yield expect("expect_column_values_to_be_unique", reason, column=column.name)
    elif count >= _MIN_VALUES and column.distinct >= _DISTINCT * count:
        # Twice the share of repeated values is a further margin.
        lowest = round_down(intervals.share(column.distinct, count)[0] - 2 * (1 - column.distinct / count))
        reason = "fewer distinct values are repeated rows, or a column filled with one value"
        kind = "expect_column_proportion_of_unique_values_to_be_between"
        yield expect(kind, reason, column=column.name, min_value=lowest)


def _draft_values(
    column: Column, values: pa.ChunkedArray, rows: int, intervals: PredictionIntervals
) -> Iterator[Expectation]:
    is_id = column.role in ("key", "group") or looks_like_id(column, rows)
    if len(values) < _MIN_VALUES or (is_id and column.type in NUMERIC):
        return  # identifiers that are numbers grow without bound
    if column.type in NUMERIC and max(map(abs, pc.min_max(values).as_py().values())) < _MAX_NUMBER:
        yield from _draft_numbers(column, np.sort(values.to_numpy().astype(float)), intervals)
    if column.type == "timestamp":
        yield from _draft_times(column.name, np.sort(values.to_numpy()), intervals)
    is_few = column.type == "integer" and column.distinct <= _FEW_INTEGERS
    has_levels = column.type == "boolean" or is_few or (column.type == "category" and not is_id)
    levels = list(_draft_levels(column, values, intervals)) if has_levels else []
    yield from levels
    if column.type in ("category", "text") and not levels:
        yield from _draft_lengths(column.name, values, intervals)
        yield from _draft_letters(column.name, values, intervals)


def _draft_numbers(column: Column, sorted_values: np.ndarray, intervals: PredictionIntervals) -> Iterator[Expectation]:
    name, first, last = column.name, sorted_values[0], sorted_values[-1]
    spread = float(last - first)
    low, high = _round_interval(intervals.extremes(sorted_values), spread)
    low = max(low, 0.0) if first >= 0 else low
    high = min(high, 0.0) if last <= 0 else high
    if math.isfinite(low) or math.isfinite(high):
        ends = {"min_value": _finite(low), "max_value": _finite(high)}
        reason = f"found {first:.6g} to {last:.6g}; a bound is farther out where the tail suggests it"
        yield expect("expect_column_values_to_be_between", reason, column=name, **ends)
    if low <= 0 <= high:
        zeros = int((sorted_values == 0).sum())
        highest = intervals.share(zeros, len(sorted_values))[1]
        reason = f"{zeros:,} of {len(sorted_values):,} values were 0: more are missing values filled with 0"
        if highest < 1 - _MIN_SHARE:
            kind = "expect_column_values_to_not_be_in_set"
            yield expect(kind, reason, column=name, mostly=round_down(1 - highest), value_set=[0])
    if column.type == "number" or column.distinct > _FEW_INTEGERS:
        quantiles = (_round_interval(intervals.quantile(sorted_values, share), spread) for share in _QUANTILES)
        reason = "quantiles that move are another unit, or another column"
        ranges = {"quantiles": list(_QUANTILES), "value_ranges": [[*map(_finite, ends)] for ends in quantiles]}
        yield expect("expect_column_quantile_values_to_be_between", reason, column=name, quantile_ranges=ranges)


def _round_interval(interval: tuple[float, float], spread: float) -> tuple[float, float]:
    """Round both ends, to digits of their distance where there is one."""
    low, high = interval
    width = high - low if 0 < high - low < math.inf else spread
    return round_outward(low, width, up=False), round_outward(high, width, up=True)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _draft_times(name: str, sorted_values: np.ndarray, intervals: PredictionIntervals) -> Iterator[Expectation]:
    first, last = sorted_values[0], sorted_values[-1]
    unit = _DAY if last - first > 10 * _DAY else _SECOND  # a shorter span needs seconds
    earliest = _format_time(intervals.extremes(sorted_values.astype("int64").astype(float))[0], unit, up=False)
    latest = _format_time((last + (last - first)).astype("int64"), unit, up=True)
    times = f"found {first.astype('M8[s]')} to {last.astype('M8[s]')}"
    reason = f"{times}; new rows may be later, by as long again"
    yield expect("expect_column_values_to_be_between", reason, column=name, min_value=earliest, max_value=latest)
    # As many of the first rows may be absent in another sample.
    rank = int(np.ceil(intervals.share(0, len(sorted_values))[1] * len(sorted_values)))
    if rank < len(sorted_values):
        latest_start = _format_time(sorted_values[rank].astype("int64"), unit, up=True)
        reason = "the first time stays, whatever rows are added, unless dates have changed"
        yield expect("expect_column_min_to_be_between", reason, column=name, min_value=earliest, max_value=latest_start)


def _format_time(microseconds: float, unit: np.timedelta64, *, up: bool) -> str:
    """Return a time in whole units: rounded down, or, if up, the start of the next unit even where it is whole.

    It has its hour, since Great Expectations cannot compare with a date alone.
    """
    count = np.timedelta64(int(np.clip(microseconds, *_DATETIME_RANGE)), "us") // unit + up
    return str((np.datetime64(0, "s") + count * unit).astype("M8[s]"))


def _draft_levels(column: Column, values: pa.ChunkedArray, intervals: PredictionIntervals) -> Iterator[Expectation]:
    """Draft the set of a category's levels, those that must occur, and the shares of the largest.

    Nothing where most levels of another sample may be new.
    """
    if column.distinct > _MAX_LEVELS:
        return
    name, rows = column.name, len(values)
    counts = {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}
    by_frequency = sorted(counts, key=lambda level: (-counts[level], level))
    singles = sum(count == 1 for count in counts.values())  # Good and Turing: as many rows have a level that is new
    new_share = intervals.share(singles, rows)[1]
    if new_share > _MAX_NEW:
        return
    kind = "expect_column_values_to_be_in_set"
    levels = sorted(counts)
    if column.type == "category":
        reason = "the levels of the first table, and a share for new ones"
        yield expect(kind, reason, column=name, mostly=round_down(1 - new_share), value_set=levels)
    shares = {level: intervals.share(count, rows)[0] for level, count in counts.items()}
    frequent = [level for level in levels if shares[level] > 0]
    if len(levels) > 1 and frequent:
        reason = "too frequent to be absent by chance"
        yield expect("expect_column_distinct_values_to_contain_set", reason, column=name, value_set=frequent)
    for level in by_frequency[:_SHARE_LEVELS]:
        if shares[level] >= _MIN_SHARE:
            reason = f"{counts[level]:,} of {rows:,} values had this level"
            yield expect(kind, reason, column=name, mostly=round_down(shares[level]), value_set=[level])


def _draft_lengths(name: str, values: pa.ChunkedArray, intervals: PredictionIntervals) -> Iterator[Expectation]:
    """Draft the lengths of strings with too many levels for a list."""
    lengths = np.sort(pc.utf8_length(values).to_numpy())
    low, high = intervals.extremes(lengths.astype(float))
    kind = "expect_column_value_lengths_to_be_between"
    reason = f"lengths were {lengths[0]} to {lengths[-1]}"
    ends = {"min_value": math.floor(max(low, 0)), "max_value": math.ceil(high) if math.isfinite(high) else None}
    yield expect(kind, reason, column=name, **ends)
    median = int(lengths[len(lengths) // 2])
    for end, mask in (("min_value", lengths >= median), ("max_value", lengths <= median)):
        share = intervals.share(int(mask.sum()), len(lengths))[0]
        reason = f"the median length was {median}"
        if lengths[0] < lengths[-1] and share >= _MIN_SHARE:
            yield expect(kind, reason, column=name, mostly=round_down(share), **{end: median})


def _draft_letters(name: str, values: pa.ChunkedArray, intervals: PredictionIntervals) -> Iterator[Expectation]:
    """Draft the shares of strings with certain letters."""
    for what, pattern in _PATTERNS.items():
        count = pc.sum(pc.match_substring_regex(values, pattern)).as_py()
        share = intervals.share(count, len(values))[0]
        if share >= _MIN_SHARE:
            kind = "expect_column_values_to_match_regex"
            yield expect(kind, f"values with {what}", column=name, mostly=round_down(share), regex=pattern)
    count = pc.sum(pc.match_substring_regex(values, _NOT_ASCII)).as_py()
    share = intervals.share(count, len(values))[1]
    if share < 1 - _MIN_SHARE:
        reason = f"{count:,} of {len(values):,} values had letters beyond ASCII: more are a wrong encoding"
        kind = "expect_column_values_to_not_match_regex"
        yield expect(kind, reason, column=name, mostly=round_down(1 - share), regex=_NOT_ASCII)
