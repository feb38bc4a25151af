"""Great Expectations, a projection of columns at a time, gives what it gives on the whole frame."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.expectations.faults import failure
from plumbline.expectations.suite import RAISED, _result, about, dumps, load, validate
from plumbline.testing.projects import ROOT

QUOTED = 'it\'s "so"'  # a condition shows it in another spelling
TABLE = {
    "a": [1, 2, None, 4],
    QUOTED: [None, 1, 1, None],
    "b": [1.5, 2.0, 3.0, -4.0],
    "w": ["hidden", "x", "x", "x"],
    "c": [1, 2, 3, 4],
}
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
    return validate(load(folder / "s.json"), str(folder / "t.parquet"))


def written(suite: list[tuple]) -> str:
    return json.dumps({"expectations": [{"type": f"expect_{what}", "kwargs": kwargs} for what, kwargs, *_ in suite]})


@pytest.mark.parametrize("cells", [1, 8, 10**6])  # one column at a time, two, all
def test_each_result_has_its_rows_and_no_values_however_columns_are_bundled(cells, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("plumbline.expectations.suite.CELLS", cells)
    found = results(written(SUITE), tmp_path)
    assert [r["expectation"]["type"] for r in found] == [f"expect_{what}" for what, _, _ in SUITE]
    assert [[r["success"], r["unexpected"], r["first"], r["error"] is not None] for r in found] == [
        r for _, _, r in SUITE
    ]


Q = {"quantile_ranges": {"quantiles": [0.5, 1], "value_ranges": [[0, 9], [None, 1.5]]}}
ABSENT = {"column": {"name": QUOTED}, "is_null": True, "type": "nullity"}
PAIR = {"column_A": "c", "column_B": "b"}
ORDER = "the table: column 4 is 'w', column 5 is 'c'"
WORDS: list[tuple[str, dict[str, Any], str, str]] = [  # what is said, and what is added where values may be shown
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


@pytest.mark.parametrize(("what", "kwargs", "words", "values"), WORDS)
def test_a_failure_says_what_and_where_and_values_only_when_it_may(what, kwargs, words, values, tmp_path) -> None:
    (result,) = results(written([(what, kwargs)]), tmp_path)
    result["expectation"]["meta"] = {"why": "for a reason"}
    for show in (False, True):
        said = failure(result, show).replace(" rows do not, the first are rows", " rows")
        said = said.replace(" of the set are absent", " absent")
        shown = f", with the values {values}" if show and values else ""
        expected = f"expect_{what} of {words}{shown} [for a reason]"
        assert said == expected


def test_one_that_raised_is_no_pass_whatever_it_says() -> None:
    raised = {"raised_exception": True, "exception_message": "no 'hidden' number\nmore"}
    config = SimpleNamespace(type="expect_it")
    run = SimpleNamespace(success=True, exception_info={"metric": raised}, result=None, expectation_config=config)
    found = _result(run)
    assert (found["success"], found["error"]) == (False, RAISED)
    assert "hidden" not in str(found)


SUITES = sorted((ROOT / "expectations").glob("*.json"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.name)
def test_every_suite_of_the_project_is_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == dumps(path.stem, load(path), about(path)), "python -m plumbline format"


def test_the_same_meaning_gives_the_same_bytes(tmp_path: Path) -> None:
    one = [{"type": f"expect_{what}", "kwargs": kwargs} for what, kwargs, *_ in (*SUITE, *WORDS)]
    one += [{"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "é", "value_set": ["b", "a"]}}]
    text = dumps("s", one)
    for seed in range(5):
        other = json.loads(json.dumps(one), parse_int=float)
        np.random.default_rng(seed).shuffle(other)
        other = [dict(reversed(each.items())) | {"id": str(seed), "meta": {}} for each in other] + other[:2]
        (tmp_path / "s.json").write_text(json.dumps({"expectations": other, "id": 1}), encoding="utf-8")
        assert dumps("s", load(tmp_path / "s.json")) == text
    assert '{"column": "é", "value_set": ["a", "b"]}' in text
    lines = text.splitlines()
    assert lines[:2] == ["{", '"name": "s",']
    assert [json.loads(line.rstrip(","))["type"] for line in lines[3:5]] == [
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
    ]
