"""Checks of expectations without a table: whether they exist, and whether their arguments fit.

No message of Great Expectations is shown: its messages are about its own parts, and quote values.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from plumbline.expectations.expectation import COLUMN_ARGUMENTS, Expectation
from plumbline.expectations.library import load_library
from plumbline.params import suggest

_Test = Callable[[Any], bool]
_SEVERITIES = ("info", "warning", "critical")
_MAX_LETTERS = 60  # of a value in a message
# Optional in Great Expectations, where an expectation without them tests nothing.
_REQUIRED = ("regex", "column_set", "column_list", "type_list", "partition_object", "threshold")
_SCHEMA_TYPES = {"integer", "number", "boolean", "timestamp", "category", "text"}  # pandas has none of these
_FLAG_ARGUMENTS = ("strict_min", "strict_max", "or_equal", "exact_match", "strictly", "double_sided")
_IGNORE = (
    *("neither", "both_values_are_missing", "either_value_is_missing"),
    *("never", "all_values_are_missing", "any_value_is_missing"),
)
_TYPE = "a type of pandas: int64, float64, bool, datetime64, or str for words"
_PATTERN = "a regular expression that compiles"
_TIME = 'a number, or a time with its hour such as "2024-01-31T00:00:00"'
# Expectations that only a database can run, and what to write instead.
_DATABASE_ONLY = {
    "expect_column_values_to_match_like_pattern": "Write expect_column_values_to_match_regex",
    "expect_column_values_to_match_like_pattern_list": "Write expect_column_values_to_match_regex_list",
    "expect_column_values_to_not_match_like_pattern": "Write expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_like_pattern_list": "Write expect_column_values_to_not_match_regex_list",
    "expect_query_results_to_match_comparison": "Leave it out",
    "expect_table_row_count_to_equal_other_table": "Write expect_table_row_count_to_equal",
    "unexpected_rows_expectation": "Write another one with a row_condition",
}


def _is(*kinds: type) -> _Test:
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _is_within(low: float, high: float = float("inf"), kind: type = float) -> _Test:
    return lambda value: _is(int, kind)(value) and low <= value <= high


def _is_filled_list(value: Any) -> bool:
    return isinstance(value, list) and value != []


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _is_texts(value: Any) -> bool:
    return _is_filled_list(value) and all(isinstance(item, str) for item in value)


def _is_bound(value: Any) -> bool:
    """Great Expectations cannot compare timestamps with a date that has no hour."""
    try:
        if _is(int, float)(value):
            return True
        return len(value) > len("2024-01-31") and datetime.fromisoformat(value).tzinfo is None
    except (TypeError, ValueError):
        return False


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _is_quantile_ranges(value: Any) -> bool:
    """As many ranges as shares, each [low, high], either of which may be null."""
    content = value if isinstance(value, dict) else {}
    shares, ranges = content.get("quantiles"), content.get("value_ranges")
    if not isinstance(shares, list) or not isinstance(ranges, list) or len(shares) != len(ranges) or not shares:
        return False
    ends = [end for pair in ranges for end in pair] if all(map(_is_pair, ranges)) else [""]
    return all(map(_is_within(0, 1), shares)) and all(end is None or _is(int, float)(end) for end in ends)


def _is_value_set(value: Any) -> bool:
    return _is_filled_list(value) and not any(map(_is(list, dict), value))


_ARGUMENTS: dict[str, tuple[str, _Test]] = {
    **dict.fromkeys(COLUMN_ARGUMENTS, ("the name of a column", _is(str))),
    **dict.fromkeys(("column_list", "column_set"), ("a list of names of columns", _is_texts)),
    **dict.fromkeys(("min_value", "max_value"), (_TIME, _is_bound)),
    **dict.fromkeys(_FLAG_ARGUMENTS, ("true or false", _is(bool))),
    **dict.fromkeys(("threshold", "sum_total", "multiplier"), ("a number", _is(int, float))),
    **dict.fromkeys(("value", "column_index"), ("a whole number from 0", _is_within(0, kind=int))),
    "mostly": ("a share from 0 to 1, such as 0.95 for 95 % of the rows", _is_within(0, 1)),
    "value_set": ("a list of values", _is_value_set),
    "value_pairs_set": ("a list of pairs of values", lambda v: _is_filled_list(v) and all(map(_is_pair, v))),
    "regex": (_PATTERN, _is_pattern),
    "regex_list": (f"a list, each {_PATTERN}", lambda v: _is_texts(v) and all(map(_is_pattern, v))),
    "type_": (_TYPE, lambda v: isinstance(v, str) and v not in _SCHEMA_TYPES),
    "type_list": (f"a list, each {_TYPE}", lambda v: _is_texts(v) and not _SCHEMA_TYPES & {*v}),
    "quantile_ranges": (
        '{"quantiles": [0.5], "value_ranges": [[LOW, HIGH]]}, a range for each share',
        _is_quantile_ranges,
    ),
    "partition_object": ('{"values": [...], "weights": [...]}, or bins for values', _is(dict)),
    "strftime_format": ("a format of dates such as %Y-%m-%d", lambda v: isinstance(v, str) and "%" in v),
    "json_schema": ("a map", _is(dict)),
    "match_on": ("any or all", ("any", "all").__contains__),
    "method": ("iqr or std", ("iqr", "std").__contains__),
    "ignore_row_if": (f"one of {', '.join(_IGNORE)}, as far as it has them", _IGNORE.__contains__),
    "condition_parser": ("pandas", ("pandas", "great_expectations").__contains__),
    "row_condition": ("a condition on columns, as a text or a map", _is(str, dict)),
}


def find_faults(expectations: Sequence[Expectation]) -> list[str]:
    """Return a line for each expectation that can run on no table: it does not exist, or its arguments do not fit."""
    load_library()
    from great_expectations.expectations import registry

    names = registry.list_registered_expectation_implementations()
    faults = []
    for number, expectation in enumerate(expectations, 1):
        kind = expectation.type
        fault: str | None
        if kind in _DATABASE_ONLY:
            fault = f"needs a database, and the table is a file. {_DATABASE_ONLY[kind]}"
        elif kind not in names:
            snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
            fault = f"there is no such expectation{ask_for(snake, names)}"
        else:
            fault = _find_fault(expectation, registry.get_expectation_impl(kind))
        if fault:
            faults.append(f"{_describe(expectation, number)}: {fault}")
    return faults


def _describe(expectation: Expectation, number: int) -> str:
    kwargs = expectation.kwargs
    columns = ", ".join(format_value(kwargs[key]) for key in (*COLUMN_ARGUMENTS, "column_list") if key in kwargs)
    return f"expectation {number}, {expectation.type}" + (f" of {columns}" if columns else "")


def _find_fault(expectation: Expectation, model: Any) -> str | None:
    kwargs = expectation.kwargs
    required = {name: field.required for name, field in model.__fields__.items()}
    if odd := [key for key in kwargs if key not in required]:
        names = sorted({*required} & {*_ARGUMENTS})
        return f"has no argument {odd[0]!r}{ask_for(odd[0], names) or ', expected ' + ', '.join(names)}"
    for key in (key for key, is_required in required.items() if is_required or key in _REQUIRED):
        if key not in kwargs:
            return f"{key} is missing, expected {_ARGUMENTS[key][0]}"
    for key, value in kwargs.items():
        if key in _ARGUMENTS and not _ARGUMENTS[key][1](value):
            return f"{key} is {format_value(value)}, expected {_ARGUMENTS[key][0]}"
    if "column_list" in kwargs and "mostly" in required and len({*kwargs["column_list"]}) < 2:
        return f"column_list is {format_value(kwargs['column_list'])}, expected two columns at least"
    return _check_range(kwargs, required) or _check_extra(expectation) or _check_model(expectation, model)


def _check_range(kwargs: Mapping[str, Any], required: Mapping[str, Any]) -> str | None:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if "min_value" in required and "threshold" not in required and low is None and high is None:
        return "min_value and max_value are both missing, expected one of them at least"
    if low is not None and high is not None and (isinstance(low, str) != isinstance(high, str) or low > high):
        return f"min_value {low} and max_value {high} are not a range"
    ranges = kwargs.get("quantile_ranges", {}).get("value_ranges", [])
    wrong = [pair for pair in ranges if None not in pair and pair[0] > pair[1]]
    return f"quantile_ranges has {wrong[0]}, which ends below its start" if wrong else None


def _check_extra(expectation: Expectation) -> str | None:
    """Check the keys other than type and kwargs."""
    severity, meta = expectation.extra.get("severity"), expectation.extra.get("meta")
    if severity not in (None, *_SEVERITIES):
        return f"severity is {format_value(severity)}, expected {', '.join(_SEVERITIES)}"
    if meta is not None and not (isinstance(meta, dict) and isinstance(meta.get("why", ""), str)):
        return f'meta is {format_value(meta)}, expected {{"why": "the reason"}}'
    return None


def _check_model(expectation: Expectation, model: Any) -> str | None:
    """Check what Great Expectations refuses in addition."""
    values = {**expectation.extra, **expectation.kwargs}
    try:
        model(**values)
    except Exception as error:  # pydantic's, and whatever else a validator of theirs raises
        details: list[dict[str, Any]] = getattr(error, "errors", list)()
        names = dict.fromkeys(str(detail["loc"][0]) for detail in details if detail["loc"][0] in values)
        arguments = ", ".join(f"{name} is {format_value(values[name])}" for name in names) or "its arguments"
        return f"{arguments}, which it does not take"
    return None


def format_value(value: Any) -> str:
    """Return a value as in JSON, shortened for a message."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_LETTERS else f"{text[:_MAX_LETTERS]}..."


def ask_for(name: str, candidates: Iterable[str]) -> str:
    """Return a question for the end of a message: which name may be meant; empty where none is similar."""
    question = suggest(name, candidates)
    return f". {question}" if question else ""
