"""An expectation that cannot be computed on a table gets one line, none of Great Expectations' own."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.expectations.arguments import find_faults
from plumbline.expectations.results import describe_failure
from plumbline.expectations.validation import validate
from template.tests.expectations.examples import BELOW, BETWEEN, HALF, PAIR, QUANTILE, REGEX, SET, N, T, W, expectations

TABLE = pa.table(
    {
        "n": [1, 2, 3, 4],
        "x": [1.5, 2.0, None, 4.0],
        "w": ["a", "b", "c", "d"],
        "b": [True, False, True, True],
        "t": pa.array([datetime(2024, 1, day) for day in range(1, 5)], pa.timestamp("us")),
        "z": pa.array([None] * 4, pa.string()),
    }
)
# The type, the arguments, a part of the message.
INCOMPATIBLE: list[tuple[str, dict[str, Any], str]] = [
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
    *(
        (f"column_{what}_to_be_between", W | {"min_value": 0}, "needs numbers, and 'w' holds words")
        for what in ("mean", "median", "stdev", "sum")
    ),
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
]
COMPATIBLE = [
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


@pytest.mark.parametrize(("kind", "kwargs", "words"), INCOMPATIBLE)
def test_what_cannot_run_on_this_table_is_named_and_the_rest_runs(
    kind: str, kwargs: dict, words: str, tmp_path: Path, capfd
) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    examples = expectations(COMPATIBLE[0], (kind, kwargs))
    assert find_faults(examples) == []
    good, bad = validate(examples, str(tmp_path / "t.parquet"))
    line = describe_failure(bad, show_values=False)
    assert (good.success, bad.success) == (True, False)
    assert line.startswith(f"expectation 2, expect_{kind} of ") and words in line
    assert "\n" not in line and not any(word in line for word in ("Batch", "Error", "dtype", "supported"))
    assert not any(word in capfd.readouterr().err for word in ("Traceback", "Exception"))
    assert not logging.getLogger("great_expectations").isEnabledFor(logging.ERROR)  # it logs values of rows


def test_what_is_right_is_not_refused(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    examples = expectations(*COMPATIBLE)
    assert find_faults(examples) == []
    results = validate(examples, str(tmp_path / "t.parquet"))
    assert [describe_failure(result, show_values=True) for result in results if not result.success] == []
