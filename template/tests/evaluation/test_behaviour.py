"""Behaviours are parsed strictly and count the rows that break them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from plumbline.data.schema import Column, Schema
from plumbline.errors import PlumblineError
from plumbline.evaluation.behaviour import count_violations, read_behaviours
from plumbline.prediction.predictor import Predictor

COLUMNS = (Column("x", "number"), Column("y", "number"), Column("word", "category"), Column("t", "category", "target"))
SCHEMA = Schema(COLUMNS, 3, "binary", ("no", "yes"), "yes")
ROWS = pa.table({"x": [0.0, 1.0, 2.0], "y": [2.0, 1.0, None], "word": ["a", "b", None]})


class TenthOfX(Predictor):
    """Says yes with a tenth of x, one row excepted."""

    def __init__(self, schema: Schema = SCHEMA) -> None:
        super().__init__({}, schema, lambda rows: rows)

    def predict_typed(self, table: pa.Table) -> pd.DataFrame:
        chance = table.column("x").to_pandas().mul(0.1).mask(lambda c: c.round(9) == 0.3, 0.0)
        predictions = ["yes" if value > 0.5 else "no" for value in chance]
        return pd.DataFrame({"prediction": predictions, "probability_yes": chance, "probability_no": 1 - chance})


def write(path: Path, text: str) -> Path:
    (path / "b.yaml").write_text(text, encoding="utf-8")
    return path / "b.yaml"


CASES: list[tuple[str, Any, tuple[int, int]]] = [
    ("raise: {x: 1}", "never lower", (1, 3)),
    ("raise: {x: 1}", "never higher", (2, 3)),
    ("raise: {y: 1}", "same", (0, 3)),
    ("raise: {x: 1}\n  class: 'no'", "never higher", (1, 3)),
    ("swap: [x, y]", "same", (1, 3)),
    ("row: {x: 9}", "'yes'", (0, 1)),
    ("row: {x: 1, word: a}", "'yes'", (1, 1)),
]


@pytest.mark.parametrize(("what", "then", "expected"), CASES)
def test_rows_that_break_it_are_counted(what: str, then: str, expected: tuple[int, int], tmp_path: Path) -> None:
    (behaviour,) = read_behaviours(write(tmp_path, f"- name: n\n  why: w\n  {what}\n  then: {then}\n"), SCHEMA, "")
    rows = ROWS.set_column(1, "y", pa.array([2.0, 1.0, 2.0]))
    assert count_violations(behaviour, TenthOfX(), rows) == expected


def test_a_regression_s_row_lies_between_bounds_and_no_file_is_no_behaviour(tmp_path: Path) -> None:
    schema = Schema((Column("x", "number"),), 3, "regression")

    class Value(TenthOfX):
        def predict_typed(self, table: pa.Table) -> pd.DataFrame:
            return pd.DataFrame({"prediction": table.column("x").to_pandas()})

    for then, bad in (("{above: 1, below: 3}", 0), ("{above: 3}", 1)):
        path = write(tmp_path, f"- {{name: n, why: w, row: {{x: 2}}, then: {then}}}")
        (behaviour,) = read_behaviours(path, schema, "")
        assert count_violations(behaviour, Value(schema), ROWS) == (bad, 1)
    assert read_behaviours(tmp_path / "none.yaml", schema, "") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {name: n, why: w, raise: {x: 1}}", "has name, why, raise; expected name, why"),
        ("a: 1", "expected a list"),
        ("- {name: n, why: w, then: same, raise: {x: 1}, rais: 1}", "has 'rais'; expected .* Did you mean 'raise'"),
        ("- [", "line 1: ex"),
        ("- {name: n, why: w, then: same, raise: {xx: 1}}", "'xx' is not a numeric input. Did you mean 'x'"),
        ("- {name: n, why: w, then: same, raise: {word: 1}}", "'word' is not a numeric input"),
        ("- {name: n, why: w, then: same, swap: [x]}", r"swap is \['x'\], expected"),
        ("- {name: n, why: w, then: higher, raise: {x: 1}}", "then is 'higher', expected never lower"),
        ("- {name: n, why: w, then: maybe, row: {x: 1}}", "then is 'maybe', expected no, yes"),
        ("- {name: n, why: w, then: same, swap: [x, y], class: maybe}", "class is 'maybe', expected one of no"),
    ],
)
def test_what_is_no_behaviour_is_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match=words):
        read_behaviours(write(tmp_path, text), SCHEMA, "")


NAMED_CLASSES = "behaviours: [{name: n, why: w, raise: {x: 1}, then: same}]"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (NAMED_CLASSES, 1),
        (f"table: a.csv\n{NAMED_CLASSES}", 1),
        (f"table: b.csv\n{NAMED_CLASSES}", 0),
        (f"table: [b.csv, a.csv]\n{NAMED_CLASSES}", 1),
        ("table: a.csv\nbehaviours: []", 0),
        ("table: a.csv", 0),
        ("table: b.csv\nbehaviours: [{name: no}]", 0),
    ],
)
def test_behaviours_are_those_of_the_table_that_they_name(text: str, count: int, tmp_path: Path) -> None:
    assert len(read_behaviours(write(tmp_path, text), SCHEMA, "a.csv")) == count


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("table: a.csv\nbehaviors: []", "found 'behaviors'. Write it as in plumbline docs behaviour"),
        ("table: 3\nbehaviours: []", "table is 3, expected the"),
        ("table: a.csv\nbehaviours: {a: 1}", "expected a list of behaviours, or table and behaviours"),
        ("behaviours: [a]", "expected a list of behaviours"),
    ],
)
def test_another_form_is_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match=words):
        read_behaviours(write(tmp_path, text), SCHEMA, "a.csv")
