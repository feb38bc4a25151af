"""Each way in which an expectation can be wrong on any table gets one line, none of Great Expectations' own."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from plumbline.expectations.arguments import find_faults
from plumbline.expectations.suite import Suite
from template.tests.expectations.examples import BETWEEN, HALF, PAIR, QUANTILE, REGEX, SET, N, T, W, expectations

A_TIME = 'expected a number, or a time with its hour such as "2024-01-31T00:00:00"'

# The type, the arguments, a part of the message.
EXAMPLES: list[tuple[str, dict[str, Any], str]] = [
    ("colum_values_to_be_unique", N, "no such expectation. Did you mean 'expect_column_values_to_be_unique'?"),
    ("ColumnValuesToBeUnique", N, "no such expectation. Did you mean 'expect_column_values_to_be_unique'?"),
    ("column_values_to_match_like_pattern", W | {"like_pattern": "a%"}, "needs a database, .* Write expect_.*_regex"),
    ("query_results_to_match_comparison", {"base_query": "x"}, "needs a database, .* Leave it out"),
    (BETWEEN, {"min_value": 0}, "column is missing, expected the name of a column"),
    (BETWEEN, {"column": 3, "min_value": 0}, "column is 3, expected the name of a column"),
    (BETWEEN, {"column": ["n"], "min_value": 0}, r'column is \["n"\], expected the name of a column'),
    (BETWEEN, N | {"min_val": 0}, "has no argument 'min_val'. Did you mean 'min_value'?"),
    (BETWEEN, N | {"frobnicate": 0}, "has no argument 'frobnicate', expected column, .*mostly"),
    (BETWEEN, N, "min_value and max_value are both missing"),
    (BETWEEN, N | {"min_value": None}, "min_value and max_value are both missing"),
    (BETWEEN, N | {"min_value": "1"}, f"min_value is '1', {A_TIME}"),
    (BETWEEN, N | {"min_value": True}, f"min_value is true, {A_TIME}"),
    (BETWEEN, N | {"min_value": {"$PARAMETER": "x"}}, f"min_value is .*, {A_TIME}"),
    (BETWEEN, T | {"min_value": "2024-01-01"}, f"min_value is '2024-01-01', {A_TIME}"),
    (BETWEEN, T | {"max_value": "2024-01-01T00:00:00Z"}, f"max_value is .*, {A_TIME}"),
    (BETWEEN, N | {"min_value": 5, "max_value": 1}, "min_value 5 and max_value 1 are not a range"),
    (BETWEEN, N | {"min_value": 0, "strict_min": "yes"}, "strict_min is 'yes', expected true or false"),
    (BETWEEN, N | {"min_value": 0, "windows": [1]}, r"windows is \[1\], which it does not take"),
    *(
        (BETWEEN, N | {"min_value": 0, "mostly": mostly}, f"mostly is {text}, expected a share from 0 to 1")
        for mostly, text in ((95, 95), (-0.5, -0.5), ("0.9", "'0.9'"), (True, "true"))
    ),
    (SET, W, "value_set is missing, expected a list of values"),
    *(
        (SET, W | {"value_set": value}, "value_set is .*, expected a list of values")
        for value in ("abcd", [], {"a": 1}, [["a"]])
    ),
    (REGEX, W, "regex is missing, expected a regular expression"),
    (REGEX, W | {"regex": "["}, r"regex is '\[', expected a regular expression that compiles"),
    (f"{REGEX}_list", W | {"regex_list": ["a", "["]}, r"regex_list is \[\"a\", \"\[\"\], expected a list, each a reg"),
    (f"{REGEX}_list", W | {"regex_list": ["a"], "match_on": "some"}, "match_on is 'some', expected any or all"),
    ("column_values_to_be_of_type", N | {"type_": "integer"}, "type_ is 'integer', expected a type of pandas: int64"),
    ("column_values_to_be_in_type_list", N | {"type_list": "int64"}, "type_list is 'int64', expected a list, each a"),
    ("column_values_to_match_strftime_format", W | {"strftime_format": "Q%!"}, "strftime_format is 'Q%!', which it"),
    ("column_value_z_scores_to_be_less_than", N | {"threshold": 3}, "double_sided is missing, expected true or false"),
    ("column_mean_to_be_between", N, "min_value and max_value are both missing"),
    *(
        (QUANTILE, N | {"quantile_ranges": value}, "quantile_ranges is .*, a range for each share")
        for value in (
            [0.5],
            {"quantiles": [0.5]},
            HALF | {"quantiles": [50]},
            HALF | {"value_ranges": [[1]]},
            HALF | {"quantiles": [0.5, 0.6]},
            HALF | {"value_ranges": [["a", "b"]]},
        )
    ),
    (QUANTILE, N | {"quantile_ranges": HALF | {"value_ranges": [[3, 1]]}}, r"has \[3, 1\], which ends below its start"),
    (PAIR, {"column_A": "n"}, "column_B is missing, expected the name of a column"),
    (PAIR, {"column_A": "n", "column_B": "x", "ignore_row_if": "never"}, "ignore_row_if is 'never', which it does not"),
    (PAIR, {"column_A": "n", "column_B": "x", "ignore_row_if": "no"}, "ignore_row_if is 'no', expected one of neither"),
    ("column_pair_values_to_be_in_set", {"column_A": "n", "column_B": "w", "value_pairs_set": [[1]]}, "list of pairs"),
    ("compound_columns_to_be_unique", {"column_list": ["n"]}, r'column_list is \["n"\], expected two columns at least'),
    ("compound_columns_to_be_unique", {"column_list": "nw"}, "column_list is 'nw', expected a list of names"),
    ("multicolumn_sum_to_equal", {"column_list": ["n", "x"], "sum_total": "a"}, "sum_total is 'a', expected a number"),
    ("table_row_count_to_be_between", {}, "min_value and max_value are both missing"),
    ("table_row_count_to_equal", {"value": 1.5}, "value is 1.5, expected a whole number from 0"),
    ("table_columns_to_match_set", {}, "column_set is missing, expected a list of names of columns"),
    ("table_columns_to_match_set", {"column_set": [1]}, r"column_set is \[1\], expected a list of names of columns"),
    ("column_values_to_not_be_null", N | {"row_condition": 5}, "row_condition is 5, expected a condition on columns"),
    ("column_values_to_not_be_null", N | {"row_condition": {"a": 1}}, "row_condition is .*, which it does not take"),
    ("column_values_to_not_be_null", N | {"row_condition": "x > 1", "condition_parser": "sql"}, "expected pandas"),
]


@pytest.mark.parametrize(("kind", "kwargs", "words"), EXAMPLES)
def test_what_can_run_on_no_table_is_named_with_number_type_and_column(
    kind: str, kwargs: dict, words: str, tmp_path: Path
) -> None:
    content = [expectation.to_json() for expectation in expectations((SET, W | {"value_set": ["a"]}), (kind, kwargs))]
    (tmp_path / "s.json").write_text(json.dumps({"expectations": content}))
    (line,) = find_faults(Suite.read(tmp_path / "s.json").expectations)
    column = kwargs.get("column")
    start = f"expectation 2, expect_{kind}" + (f" of {column!r}" if isinstance(column, str) else "")
    assert line.startswith(start)
    assert "\n" not in line and re.search(words, line), line


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"severity": "high"}, "severity is 'high', expected info, warning, critical"),
        ({"meta": "why"}, "meta is 'why', expected {\"why\""),
        ({"meta": {"why": 3}}, 'meta is {"why": 3}, expected'),
        ({"notes": {"a": 1}}, 'notes is {"a": 1}, which it does not take'),
    ],
)
def test_other_keys_than_the_arguments_are_read_as_strictly(extra: dict[str, Any], words: str) -> None:
    (line,) = find_faults(expectations((BETWEEN, N | {"min_value": 0}), **extra))
    assert words in line
