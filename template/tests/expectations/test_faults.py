"""Each way in which a suite that people write can be wrong gets one line of ours, none of Great Expectations' own."""

import json
import logging
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.errors import PlumblineError
from plumbline.expectations.faults import check, failure
from plumbline.expectations.suite import load, validate

TABLE = pa.table({
    "n": [1, 2, 3, 4], "x": [1.5, 2.0, None, 4.0], "w": ["a", "b", "c", "d"], "b": [True, False, True, True],
    "t": pa.array([datetime(2024, 1, day) for day in range(1, 5)], pa.timestamp("us")),
    "z": pa.array([None] * 4, pa.string()),
})  # fmt: skip
BETWEEN, SET, REGEX = (f"column_values_to_{what}" for what in ("be_between", "be_in_set", "match_regex"))
QUANTILE, PAIR = "column_quantile_values_to_be_between", "column_pair_values_a_to_be_greater_than_b"
N, W, T = {"column": "n"}, {"column": "w"}, {"column": "t"}
A_TIME = 'expected a number, or a time with its hour such as "2024-01-31T00:00:00"'
BELOW = {"type": "comparison", "column": {"name": "nope"}, "operator": "<", "parameter": 4}
HALF = {"quantiles": [0.5], "value_ranges": [[0, 1]]}

# On no table: the type, the arguments, what is said of it.
WRITTEN: list[tuple[str, dict[str, Any], str]] = [
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
    (BETWEEN, N | {"min_value": 5, "max_value": 1}, "min_value 5 and max_value 1 are no range"),
    (BETWEEN, N | {"min_value": 0, "strict_min": "yes"}, "strict_min is 'yes', expected true or false"),
    (BETWEEN, N | {"min_value": 0, "windows": [1]}, r"windows is \[1\], which it does not take"),
    *((BETWEEN, N | {"min_value": 0, "mostly": mostly}, f"mostly is {shown}, expected a share from 0 to 1")
      for mostly, shown in ((95, 95), (-0.5, -0.5), ("0.9", "'0.9'"), (True, "true"))),
    (SET, W, "value_set is missing, expected a list of values"),
    *((SET, W | {"value_set": given}, "value_set is .*, expected a list of values")
      for given in ("abcd", [], {"a": 1}, [["a"]])),
    (REGEX, W, "regex is missing, expected a regular expression"),
    (REGEX, W | {"regex": "["}, r"regex is '\[', expected a regular expression that compiles"),
    (f"{REGEX}_list", W | {"regex_list": ["a", "["]}, r"regex_list is \[\"a\", \"\[\"\], expected a list, each a reg"),
    (f"{REGEX}_list", W | {"regex_list": ["a"], "match_on": "some"}, "match_on is 'some', expected any or all"),
    ("column_values_to_be_of_type", N | {"type_": "integer"}, "type_ is 'integer', expected a type of pandas: int64"),
    ("column_values_to_be_in_type_list", N | {"type_list": "int64"}, "type_list is 'int64', expected a list, each a"),
    ("column_values_to_match_strftime_format", W | {"strftime_format": "Q%!"}, "strftime_format is 'Q%!', which it"),
    ("column_value_z_scores_to_be_less_than", N | {"threshold": 3}, "double_sided is missing, expected true or false"),
    ("column_mean_to_be_between", N, "min_value and max_value are both missing"),
    *((QUANTILE, N | {"quantile_ranges": given}, "quantile_ranges is .*, a range for each share")
      for given in ([0.5], {"quantiles": [0.5]}, HALF | {"quantiles": [50]}, HALF | {"value_ranges": [[1]]},
                    HALF | {"quantiles": [0.5, 0.6]}, HALF | {"value_ranges": [["a", "b"]]})),
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
]  # fmt: skip


def suite(*expectations: tuple[str, dict[str, Any]], **beside: Any) -> list[dict[str, Any]]:
    return [{"type": f"expect_{kind}", "kwargs": kwargs, **beside} for kind, kwargs in expectations]


@pytest.mark.parametrize(("kind", "kwargs", "words"), WRITTEN)
def test_what_can_run_on_no_table_is_said_with_number_type_and_column(
    kind: str, kwargs: dict, words: str, tmp_path: Path
) -> None:
    (tmp_path / "s.json").write_text(
        json.dumps({"expectations": suite((SET, W | {"value_set": ["a"]}), (kind, kwargs))})
    )
    (said,) = check(load(tmp_path / "s.json"))
    named = kwargs.get("column")
    start = f"expectation 2, expect_{kind}" + (f" of {named!r}" if isinstance(named, str) else "")
    assert said.startswith(start)
    assert "\n" not in said and re.search(words, said), said


@pytest.mark.parametrize(("beside", "words"), [
    ({"severity": "high"}, "severity is 'high', expected info, warning, critical"),
    ({"meta": "why"}, "meta is 'why', expected {\"why\""), ({"meta": {"why": 3}}, "meta is {\"why\": 3}, expected"),
    ({"notes": {"a": 1}}, "notes is {\"a\": 1}, which it does not take"),
])  # fmt: skip
def test_what_stands_beside_the_arguments_is_read_as_strictly(beside: dict[str, Any], words: str) -> None:
    (said,) = check(suite((BETWEEN, N | {"min_value": 0}), **beside))
    assert words in said


# On this table: the type, the arguments, what is said of it.
UNFIT: list[tuple[str, dict[str, Any], str]] = [
    (BETWEEN, {"column": "nn", "min_value": 0}, "the table has no column 'nn'. Did you mean 'n'?"),
    ("column_to_exist", {"column": "nn"}, "the table has no column 'nn'. Did you mean 'n'?"),
    (PAIR, {"column_A": "n", "column_B": "nope"}, "the table has no column 'nope'"),
    ("compound_columns_to_be_unique", {"column_list": ["n", "nope"]}, "the table has no column 'nope'"),
    (BETWEEN, N | {"min_value": 0, "row_condition": BELOW}, "the table has no column 'nope'"),
    (BETWEEN, N | {"min_value": 0, "row_condition": {"type": "and", "conditions": [BELOW, BELOW]}}, "no column 'nope'"),
    (BETWEEN, W | {"min_value": 0}, "needs numbers or times, and 'w' holds words"),
    (BETWEEN, T | {"min_value": 3}, "min_value is 3, and the column holds times"),
    (BETWEEN, N | {"max_value": "2024-01-01T00:00:00"}, "max_value is '2024-01-01T00:00:00', and the column holds num"),
    ("column_max_to_be_between", W | {"max_value": 3}, "needs numbers or times, and 'w' holds words"),
    ("column_values_to_be_increasing", W, "needs numbers or times, and 'w' holds words"),
    *((f"column_{what}_to_be_between", W | {"min_value": 0}, "needs numbers, and 'w' holds words")
      for what in ("mean", "median", "stdev", "sum")),
    ("column_mean_to_be_between", T | {"min_value": 0}, "needs numbers, and 't' holds times"),
    (QUANTILE, W | {"quantile_ranges": HALF}, "needs numbers, and 'w' holds words"),
    ("column_values_to_not_be_outliers", W | {"method": "iqr"}, "needs numbers, and 'w' holds words"),
    ("column_value_z_scores_to_be_less_than", W | {"threshold": 3, "double_sided": True}, "needs numbers, and 'w'"),
    ("multicolumn_sum_to_equal", {"column_list": ["n", "w"], "sum_total": 3}, "needs numbers, and 'w' holds words"),
    ("column_values_to_be_dateutil_parseable", N, "needs words, and 'n' holds numbers"),
    ("column_values_to_match_strftime_format", T | {"strftime_format": "%Y"}, "needs words, and 't' holds times"),
    (SET, N | {"value_set": ["1", "2"]}, "value_set has '1', and the column holds numbers"),
    (SET, W | {"value_set": ["a", 1]}, "value_set has 1, and the column holds words"),
    ("column_values_to_not_be_in_set", W | {"value_set": [1]}, "value_set has 1, and the column holds words"),
    ("column_distinct_values_to_be_in_set", W | {"value_set": [1]}, "value_set has 1, and the column holds words"),
    (SET, {"column": "b", "value_set": ["true"]}, "value_set has 'true', and the column holds true or false"),
    (SET, T | {"value_set": ["2024-01-01"]}, "no value of a set equals a time, expected bounds: expect_column_values_"),
    (PAIR, {"column_A": "n", "column_B": "w"}, "needs columns of one sort, and 'n' holds numbers and 'w' holds words"),
    ("column_pair_values_to_be_equal", {"column_A": "n", "column_B": "t"}, "needs columns of one sort, and 'n' holds"),
    (BETWEEN, N | {"min_value": 0, "row_condition": "nope > 1"}, "cannot be computed: 'n' holds numbers, and its arg"),
    ("column_values_to_match_json_schema", W | {"json_schema": {"type": "object"}}, "cannot be computed: 'w' holds"),
    ("column_kl_divergence_to_be_less_than", W | {"partition_object": {"x": 1}, "threshold": 0.1}, "cannot be comp"),
]  # fmt: skip
GOOD = [
    (BETWEEN, {"column": "b", "min_value": 0}),
    (BETWEEN, T | {"min_value": "2024-01-01T00:00:00"}),
    (SET, {"column": "b", "value_set": [True, False]}),
    (SET, N | {"value_set": [1, 2.0, 3, 4, None]}),
    (REGEX, W | {"regex": "(?=[a-d])"}),
    (REGEX, N | {"regex": "[0-9]"}),
    ("column_mean_to_be_between", {"column": "b", "min_value": 0}),
    (QUANTILE, N | {"quantile_ranges": HALF | {"value_ranges": [[0, None]]}}),
    (PAIR, {"column_A": "x", "column_B": "n", "or_equal": True, "ignore_row_if": "either_value_is_missing"}),
    ("column_values_to_be_in_type_list", N | {"type_list": ["int64", "float64"]}),
]


@pytest.mark.parametrize(("kind", "kwargs", "words"), UNFIT)
def test_what_cannot_run_on_this_table_is_said_and_the_rest_runs(
    kind: str, kwargs: dict, words: str, tmp_path: Path, capfd
) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    given = suite(GOOD[0], (kind, kwargs))
    assert check(given) == []
    good, bad = validate(given, str(tmp_path / "t.parquet"))
    said = failure(bad, show_values=False)
    assert (good["success"], bad["success"]) == (True, False)
    assert said.startswith(f"expectation 2, expect_{kind} of ") and words in said
    assert "\n" not in said and not any(own in said for own in ("Batch", "Error", "dtype", "supported"))
    assert not any(word in capfd.readouterr().err for word in ("Traceback", "Exception"))
    assert not logging.getLogger("great_expectations").isEnabledFor(logging.ERROR)  # it logs values of rows


def test_what_is_right_is_not_refused(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    assert check(suite(*GOOD)) == []
    found = validate(suite(*GOOD), str(tmp_path / "t.parquet"))
    assert [failure(each, True) for each in found if not each["success"]] == []


@pytest.mark.parametrize(("content", "words"), [
    ("", "it is empty"), ("  \n", "it is empty"), ("{", "line 1 is no JSON"), ('{\n"a": 1,,\n}', "line 2 is no JSON"),
    ("[]", "found a list, expected"), ('"x"', "found a text, expected"), ("null", "found null, expected"),
    ("{}", "found a map with nothing, expected"), ('{"expectation": []}', "found a map with expectation, expected"),
    ('{"expectations": {}}', "found a map with expectations, expected"),
    ('{"expectations": [], "expectations": []}', "the key 'expectations' stands twice"),
    ('{"expectations": ["x"]}', "expectation 1: found a text, expected"),
    ('{"expectations": [{"kwargs": {}}]}', "expectation 1: type must be the name of an expectation, which is missing"),
    ('{"expectations": [{"expectation_type": "expect_x", "kwargs": {}}]}', "older versions called expectation_type"),
    ('{"expectations": [{"type": 3, "kwargs": {}}]}', "type must be the name of an expectation, found a number"),
    ('{"expectations": [{"type": "x"}]}', r"expectation 1 \(x\): kwargs must be a map of arguments, which is missing"),
    ('{"expectations": [{"type": "x", "kwargs": []}]}', "kwargs must be a map of arguments, found a list"),
    ('{"expectations": [{"type": "x", "kwargs": {"a": NaN}}]}', "NaN is no number of JSON"),
    ("[" * 100_000, "nested too deep"), (b"\xff\xfe{", "not in UTF-8"),
])  # fmt: skip
def test_what_is_no_suite_is_refused_in_one_line(content: str | bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PlumblineError, match=rf"^[^\n]*s\.json: is no suite: [^\n]*{words}[^\n]*$"):
        load(path)
    path.write_bytes(b'\xef\xbb\xbf{"expectations": []}')  # as some editors save it
    assert load(path) == []
