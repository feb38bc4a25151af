"""Great Expectations, a projection of columns at a time, gives what it gives on the whole frame."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.predictor.refusal import Refusal
from src.table import expectations

TABLE = {"a": [1, 2, None, 4], "b": [1.5, 2.0, 3.0, -4.0], "w": ["hidden", "x", "x", "x"], "c": [1, 2, 3, 4]}
EARLY = {"type": "comparison", "column": {"name": "c"}, "operator": "<", "parameter": 4}
SUITE: list[tuple[str, dict[str, Any], list]] = [  # then: does it hold, how many rows do not, which, did it raise
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


def results(suite: str, folder: Path) -> list[dict[str, Any]]:
    pq.write_table(pa.table(TABLE), folder / "t.parquet")
    (folder / "s.json").write_text(suite)
    return expectations.validate(expectations.load(folder / "s.json"), str(folder / "t.parquet"))


def written(suite: list[tuple]) -> str:
    return json.dumps({"expectations": [{"type": f"expect_{what}", "kwargs": kwargs} for what, kwargs, *_ in suite]})


@pytest.mark.parametrize("cells", [1, 8, 10**6])  # one column at a time, two, all
def test_each_result_has_its_rows_and_no_values_however_columns_are_bundled(cells, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(expectations, "CELLS", cells)
    found = results(written(SUITE), tmp_path)
    assert [r["type"] for r in found] == [f"expect_{what}" for what, _, _ in SUITE]
    assert [[r["success"], r["unexpected"], r["first"], r["error"] is not None] for r in found] == [
        r for _, _, r in SUITE
    ]
    assert found[9]["observed"] == 2.5
    assert "hidden" not in str(found)


def test_one_that_raised_is_no_pass_whatever_it_says_and_quotes_no_value() -> None:
    raised = {"raised_exception": True, "exception_message": "no 'hidden' number\nmore"}
    found = expectations._result(SimpleNamespace(success=True, exception_info={"metric": raised}, result=None))
    assert (found["success"], found["error"]) == (False, "no ... number")


UNKNOWN = [
    (written([SUITE[0], ("foo", {"column": "a"})]), "expectations: .* \\(expect_foo not found\\)"),
    (written([("column_to_exist", {"colum": "a"})]), "expectations: .* colum extra fields not permitted"),
    ("{", r"s\.json: is no suite"),
    ('{"expectations": [{"type": "x"}]}', r"s\.json: is no suite"),
]


@pytest.mark.parametrize(("suite", "words"), UNKNOWN)
def test_what_great_expectations_does_not_take_is_refused_in_one_line(suite, words, tmp_path, capfd) -> None:
    with pytest.raises(Refusal, match=f"^[^\n]*{words}[^\n]*$"):
        results(suite, tmp_path)
    assert "Traceback" not in capfd.readouterr().err
