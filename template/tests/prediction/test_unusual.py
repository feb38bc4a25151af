"""What is unlike the table that the model comes from: beyond its range by more than half of its width, or missing."""

import math
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plumbline.data.schema import ARROW, Column
from plumbline.errors import PlumblineError
from plumbline.prediction.predictor import Predictor
from plumbline.prediction.typed_rows import type_rows
from plumbline.prediction.unusual import Summary, Unusual, find_unusual, join_columns

LOW, HIGH = "2020-01-01 00:00:00", "2020-01-11 00:00:00"
# The column, values that are usual, and values that are not.
CASES: dict[str, tuple[Column, list, list]] = {
    "number": (
        Column("x", "number", missing=0.1, low=-1.0, high=3.0),
        [-3.0, 5.0, 0.5, None, math.nan],
        [-3.001, 5.001, math.inf, -math.inf],
    ),
    "integer": (Column("x", "integer", missing=0.1, low=10, high=20), [5, 25, None], [4, 26, -(2**63), 2**63 - 1]),
    "large": (Column("x", "integer", missing=0.1, low=-(2**63), high=2**63 - 1), [-(2**63), 2**63 - 1], []),
    "timestamp": (
        Column("x", "timestamp", missing=0.1, low=LOW, high=HIGH),
        [datetime(2019, 12, 27), datetime(2020, 1, 16), None],
        [datetime(2019, 12, 26, 23), datetime(2020, 1, 16, 1)],
    ),
    "a gap where none was": (Column("x", "number", low=0.0, high=1.0), [0.5], [None, math.nan]),
    "a word": (Column("x", "category"), ["never seen"], [None]),
    "a flag": (Column("x", "boolean"), [True, False], [None]),
    "nothing known": (Column("x", "number", missing=1.0), [1e300, None], []),
}


@pytest.mark.parametrize("kind", CASES)
def test_values_are_unusual_beyond_half_the_width_of_the_range_or_where_none_was_missing(kind: str) -> None:
    column, usual, unusual = CASES[kind]
    values = pa.chunked_array([pa.array(part, ARROW[column.type]) for part in (usual, unusual)])
    parts = find_unusual(pa.table({"x": values}), [column])
    rows = sorted(row for part in parts for row in part.rows)
    assert rows == list(range(len(usual), len(usual) + len(unusual)))
    assert {part.column for part in parts} <= {"x"}


def test_all_columns_of_a_row_are_named_and_lines_count_over_batches() -> None:
    parts = [Unusual("a", "a value", np.array([0, 2])), Unusual("b; c", "less", np.array([2]))]
    assert join_columns(parts, 4) == ["a", "", "a; b; c", ""]
    assert join_columns([], 2) == ["", ""]
    summary = Summary()
    assert summary.lines() == []
    summary.add(parts[1:], np.array([1, 3, 4]))
    summary.add(parts, np.array([1001, 1004, 1005]))
    summary.add([Unusual("a", "a value", np.arange(1000))], np.arange(2000, 3000))
    assert summary.lines() == [
        "unusual: column 'a': 1,002 values, expected a value (rows 1001, 1005, 2000, ...)",
        "unusual: column 'b; c': 2 values, expected less (rows 4, 1005)",
    ]
    summary.add([Unusual(f"column {i}", "less", np.array([0])) for i in range(10)], np.array([7]))
    assert len(summary.lines()) == 11
    assert summary.lines()[-1] == "unusual: and 2 more columns"


@pytest.mark.parametrize("form", [list, pd.DataFrame, lambda rows: pa.Table.from_pylist(rows)])
def test_a_predictor_flags_and_refuses_on_request_and_else_predicts(predictor: Predictor, form) -> None:
    usual = {"x1": 0.5, "größe": None, "row_id": 7, "colour": "red", "flag": True, "seen": "2020-01-05"}
    rows = form([usual, usual | {"x1": 6.5, "seen": "2021-01-01"}, usual | {"flag": None}])
    flagged = predictor.predict(rows, flag=True)
    assert flagged.pop("unusual").tolist() == ["", "x1; seen", "flag"]
    pd.testing.assert_frame_equal(flagged, predictor.predict(rows))
    expected = r"input, row 2, column 'x1': expected a value in or near the table's range, -3.0 to 3.0\. Correct"
    with pytest.raises(PlumblineError, match=expected):
        predictor.predict(rows, strict=True)
    assert predictor.predict([usual], flag=True, strict=True)["unusual"].tolist() == [""]
    rows = type_rows(pa.Table.from_pylist([usual | {"x1": "secret"}]), predictor.schema, strict=True)
    assert [(value.column, value.expected) for value in rows.bad_values] == [
        ("x1", "a number")
    ]  # not that it is missing
