"""Slices: which columns auto takes, and which rows share a level or a quarter."""

import numpy as np
import pyarrow as pa
import pytest

from plumbline.data.schema import Column, Schema
from plumbline.errors import PlumblineError
from plumbline.evaluation.slices import choose_columns, cut_slices

ROWS = np.arange(80)
DAYS = [f"1970-{day}:00:00" for day in ("01-01 00", "01-20 18", "02-09 12", "03-01 06", "03-21 00")]
COLUMNS = {
    "colour": ("category", ["red", None, "green", "red"] * 20),
    "many": ("category", [f"level {i % 20:02}" for i in ROWS]),
    "flag": ("boolean", [True, False, None, True] * 20),
    "count": ("integer", [1, 2, 1000000, None] * 20),
    "number": ("number", [None, *map(float, ROWS[1:])]),
    "noise": ("number", [float(i * 37 % 80) for i in ROWS]),
    "gaps": ("number", [*map(float, ROWS[:5]), *[None] * 75]),
    "when": ("timestamp", pa.array(ROWS * 86400, pa.timestamp("s")).to_pylist()),
}
SLICES = {
    "colour": {"green": 20, "red": 40, "(missing)": 20},
    "flag": {"False": 20, "True": 40, "(missing)": 20},
    "count": {"1": 20, "2": 20, "1000000": 20, "(missing)": 20},
    "many": {f"level {i:02}": 4 for i in range(12)},  # the most frequent ones
    "number": {"[1, 20.5)": 20, "[20.5, 40)": 19, "[40, 59.5)": 20, "[59.5, 79]": 20, "(missing)": 1},
    "when": {f"[{DAYS[i]}, {DAYS[i + 1]}{'])'[i < 3]}": 20 for i in range(4)},
}
TABLE = pa.table({name: values for name, (_, values) in COLUMNS.items()})
KINDS = (Column(name, kind, distinct=len({*values} - {None})) for name, (kind, values) in COLUMNS.items())
SCHEMA = Schema(tuple(KINDS), 80, "binary")


@pytest.mark.parametrize("name", SLICES)
def test_levels_quarters_and_what_is_missing_are_slices(name: str) -> None:
    parts = {part.level: part.rows for part in cut_slices([name], SCHEMA, TABLE)}
    assert [(level, len(rows)) for level, rows in parts.items()] == list(SLICES[name].items())
    missing = [row for row, value in enumerate(COLUMNS[name][1]) if value is None]
    assert list(parts.get("(missing)", [])) == missing


def test_columns_are_those_stated_or_few_levels_and_then_the_numbers_that_the_prediction_moves_with_most() -> None:
    score = -(ROWS**3.0)
    assert choose_columns("auto", SCHEMA, TABLE, score) == ["colour", "flag", "number", "noise", "gaps"]
    assert choose_columns(["many", "count"], SCHEMA, TABLE, score) == ["many", "count"]
    with pytest.raises(PlumblineError, match="'nothing', expected columns other than target and key"):
        choose_columns(["many", "nothing"], SCHEMA, TABLE, score)
