"""Checks of expectations against the columns of a table: whether they exist, and what they hold."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pyarrow as pa

from plumbline.expectations.arguments import ask_for, format_value
from plumbline.expectations.expectation import COLUMN_ARGUMENTS, Expectation


class Content(StrEnum):
    """What a column holds; the values are words of messages."""

    NUMBERS = "numbers"
    BOOLEANS = "true or false"
    TIMES = "times"
    WORDS = "words"


_NUMERIC = (Content.NUMBERS, Content.BOOLEANS)
_ORDERED = (*_NUMERIC, Content.TIMES)
_REQUIRED: dict[str, tuple[Content, ...]] = {  # what the columns of an expectation must hold
    "expect_column_mean_to_be_between": _NUMERIC,
    "expect_column_median_to_be_between": _NUMERIC,
    "expect_column_stdev_to_be_between": _NUMERIC,
    "expect_column_sum_to_be_between": _NUMERIC,
    "expect_column_quantile_values_to_be_between": _NUMERIC,
    "expect_column_value_z_scores_to_be_less_than": _NUMERIC,
    "expect_column_values_to_not_be_outliers": _NUMERIC,
    "expect_multicolumn_sum_to_equal": _NUMERIC,
    "expect_column_values_to_be_between": _ORDERED,
    "expect_column_min_to_be_between": _ORDERED,
    "expect_column_max_to_be_between": _ORDERED,
    "expect_column_values_to_be_increasing": _ORDERED,
    "expect_column_values_to_be_decreasing": _ORDERED,
    "expect_column_values_to_be_dateutil_parseable": (Content.WORDS,),
    "expect_column_values_to_be_json_parseable": (Content.WORDS,),
    "expect_column_values_to_match_json_schema": (Content.WORDS,),
    "expect_column_values_to_match_strftime_format": (Content.WORDS,),
}
_SAME_CONTENT = (
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_multicolumn_values_to_be_equal",
)


def content_of(arrow: pa.DataType) -> Content:
    """Return what a column of this type holds."""
    if pa.types.is_boolean(arrow):
        return Content.BOOLEANS
    if pa.types.is_timestamp(arrow):
        return Content.TIMES
    return Content.NUMBERS if pa.types.is_integer(arrow) or pa.types.is_floating(arrow) else Content.WORDS


def find_incompatibility(expectation: Expectation, contents: Mapping[str, Content]) -> str | None:
    """Return why an expectation cannot be computed on a table, or None.

    Parameters
    ----------
    expectation : Expectation
    contents : mapping of str to Content
        What each column of the table holds.
    """
    kind, kwargs = expectation.type, expectation.kwargs
    if kind.startswith("expect_table_columns"):
        return None
    columns = [kwargs[key] for key in COLUMN_ARGUMENTS if key in kwargs] + kwargs.get("column_list", [])
    for column in columns + _condition_columns(kwargs.get("row_condition")):
        if column not in contents:
            return f"the table has no column {column!r}{ask_for(column, contents)}"
    required = _REQUIRED.get(kind, ())
    for column in columns:
        if required and contents[column] not in required:
            words = " or ".join(content for content in required if content is not Content.BOOLEANS)
            return f"needs {words}, and {column!r} holds {contents[column]}"
    sorts = {Content.NUMBERS if contents[column] in _NUMERIC else contents[column] for column in columns}
    if kind in _SAME_CONTENT and len(sorts) > 1:
        return f"needs columns of one sort, and {' and '.join(_describe(columns, contents))}"
    if "column" not in kwargs:
        return None
    return _check_values(kwargs, contents[kwargs["column"]], has_bounds=Content.TIMES in required)


def _describe(columns: list[str], contents: Mapping[str, Content]) -> list[str]:
    return [f"{column!r} holds {contents[column]}" for column in dict.fromkeys(columns)]


def _check_values(kwargs: Mapping[str, Any], content: Content, *, has_bounds: bool) -> str | None:
    """Check that bounds and sets have values like those of the column."""
    for key in ("min_value", "max_value"):
        if has_bounds and key in kwargs and isinstance(kwargs[key], str) != (content is Content.TIMES):
            return f"{key} is {format_value(kwargs[key])}, and the column holds {content}"
    values = [value for value in kwargs.get("value_set", ()) if value is not None]
    is_time, is_words = content is Content.TIMES, content is Content.WORDS
    odd = [value for value in values if is_time or isinstance(value, str) != is_words]
    if odd and is_time:
        return "no value of a set equals a time, expected bounds: expect_column_values_to_be_between"
    return f"value_set has {format_value(odd[0])}, and the column holds {content}" if odd else None


def _condition_columns(condition: Any) -> list[str]:
    """Return the columns of a condition that is a map."""
    if isinstance(condition, list):
        return [column for part in condition for column in _condition_columns(part)]
    if not isinstance(condition, dict):
        return []
    column = condition.get("column")
    names = [column["name"]] if isinstance(column, dict) and isinstance(column.get("name"), str) else []
    return names + _condition_columns(condition.get("conditions"))


def explain_error(expectation: Expectation, contents: Mapping[str, Content]) -> str:
    """Return a message for an expectation that failed on a table for a reason that no check here finds."""
    columns = [column for column in expectation.columns(contents) if column in contents]
    names = (*COLUMN_ARGUMENTS, "column_list")
    arguments = {key: value for key, value in expectation.kwargs.items() if key not in names}
    where = ", ".join(_describe(columns, contents)) or "on the table"
    return f"cannot be computed: {where}, and its arguments are {format_value(arguments)}"
