"""Great Expectations, a projection of columns at a time, gives what it gives on the whole frame."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.expectations.expectation import Expectation
from plumbline.expectations.results import Result, describe_failure
from plumbline.expectations.suite import Suite
from plumbline.expectations.validation import ERROR, to_result, validate

QUOTED = 'it\'s "so"'  # a condition shows it in another spelling
TABLE = {
    "a": [1, 2, None, 4],
    QUOTED: [None, 1, 1, None],
    "b": [1.5, 2.0, 3.0, -4.0],
    "w": ["hidden", "x", "x", "x"],
    "c": [1, 2, 3, 4],
}
EARLY = {"type": "comparison", "column": {"name": "c"}, "operator": "<", "parameter": 4}
EXAMPLES: list[tuple[str, dict[str, Any], list]] = [  # success, unexpected rows, their numbers, whether it failed
    ("column_values_to_be_between", {"column": "b", "min_value": 0}, [False, 1, [4], False]),
    ("table_row_count_to_equal", {"value": 4}, [True, None, [], False]),
    ("column_values_to_not_be_null", {"column": "a"}, [False, 1, [3], False]),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "c", "column_B": "b"}, [False, 3, [1, 2, 3], False]),
    ("column_to_exist", {"column": "w"}, [True, None, [], False]),
    ("table_columns_to_match_set", {"column_set": ["a", "b"]}, [False, None, [], False]),
    ("compound_columns_to_be_unique", {"column_list": ["w", "c"]}, [True, 0, [], False]),
    ("column_values_to_be_unique", {"column": "w"}, [False, 3, [2, 3, 4], False]),
    ("column_values_to_be_between", {"column": "b", "min_value": 0, "row_condition": EARLY}, [True, 0, [], False]),
    ("column_mean_to_be_between", {"column": "c", "min_value": 3}, [False, None, [], False]),
    ("column_mean_to_be_between", {"column": "w", "min_value": 3}, [False, None, [], True]),
    ("column_max_to_be_between", {"column": "absent", "min_value": 3}, [False, None, [], True]),
]


def run(examples: list[tuple], folder: Path) -> list[Result]:
    pq.write_table(pa.table(TABLE), folder / "t.parquet")
    content = [{"type": f"expect_{kind}", "kwargs": kwargs} for kind, kwargs, *_ in examples]
    (folder / "s.json").write_text(json.dumps({"expectations": content}))
    return validate(Suite.read(folder / "s.json").expectations, str(folder / "t.parquet"))


@pytest.mark.parametrize("cells", [1, 8, 10**6])  # one column at a time, two, all
def test_each_result_has_its_rows_and_no_values_however_columns_are_bundled(cells, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("plumbline.expectations.validation.MAX_CELLS", cells)
    results = run(EXAMPLES, tmp_path)
    assert [result.expectation.type for result in results] == [f"expect_{kind}" for kind, _, _ in EXAMPLES]
    actual = [[r.success, r.unexpected, [*r.first_rows], r.error is not None] for r in results]
    assert actual == [expected for _, _, expected in EXAMPLES]


Q = {"quantile_ranges": {"quantiles": [0.5, 1], "value_ranges": [[0, 9], [None, 1.5]]}}
ABSENT = {"column": {"name": QUOTED}, "is_null": True, "type": "nullity"}
PAIR = {"column_A": "c", "column_B": "b"}
ORDER = "the table: column 4 is 'w', column 5 is 'c'"
MESSAGES: list[tuple[str, dict[str, Any], str, str]] = [  # the message, and what is added where values may be shown
    ("column_values_to_be_between", {"column": "b", "max_value": 2}, "'b' (max_value 2): 1 of 4 rows 3", "3.0"),
    ("column_values_to_be_null", {"column": "w", "row_condition": ABSENT}, "'w': 2 of 2 rows 1, 4", "hidden, x"),
    ("table_row_count_to_equal", {"value": 3}, "the table: found 4", ""),
    ("table_columns_to_match_set", {"column_set": [*"abwz", QUOTED]}, "the table: unexpected 'c'; missing 'z'", ""),
    ("table_columns_to_match_ordered_list", {"column_list": ["a", QUOTED, *"bcw"]}, ORDER, ""),
    ("column_values_to_be_of_type", {"column": "c", "type_": "str"}, "'c' (type_ str): found int64", ""),
    ("column_quantile_values_to_be_between", {"column": "b", **Q}, "'b': out of bounds: the quantile(s) 1", ""),
    ("column_distinct_values_to_contain_set", {"column": "w", "value_set": [*"xy"]}, "'w': 1 value(s) absent", "y"),
    ("column_max_to_be_between", {"column": "b", "max_value": 2}, "'b' (max_value 2)", "3.0"),
    (
        "column_pair_values_a_to_be_greater_than_b",
        PAIR,
        "'c', 'b': 3 of 4 rows 1, 2, 3",
        "1 and 1.5, 2 and 2.0, 3 and 3.0",
    ),
    ("column_mean_to_be_between", {"column": "c", "min_value": 3}, "'c' (min_value 3): found 2.5", ""),
]


@pytest.mark.parametrize(("kind", "kwargs", "words", "values"), MESSAGES)
def test_a_failure_names_what_and_where_and_values_only_where_allowed(kind, kwargs, words, values, tmp_path) -> None:
    (result,) = run([(kind, kwargs)], tmp_path)
    expectation = replace(result.expectation, extra={"meta": {"why": "for a reason"}})
    for show in (False, True):
        line = describe_failure(replace(result, expectation=expectation), show_values=show)
        line = line.replace(" rows do not, the first are rows", " rows").replace(" of the set are absent", " absent")
        with_values = f", with the values {values}" if show and values else ""
        assert line == f"expect_{kind} of {words}{with_values} [for a reason]"


def test_an_error_is_no_pass_whatever_the_result_is() -> None:
    info = {"raised_exception": True, "exception_message": "no 'hidden' number\nmore"}
    outcome = SimpleNamespace(success=True, exception_info={"metric": info}, result=None)
    result = to_result(1, Expectation("expect_it", {}), outcome)
    assert (result.success, result.error) == (False, ERROR)
    assert "hidden" not in str(result)
