"""A drafted suite holds on its own table and on the other half of it, and notices what goes wrong with a column."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.data.roles import summarize_columns
from plumbline.data.schema import ARROW, Schema
from plumbline.expectations.draft import draft_expectations
from plumbline.expectations.expectation import Expectation
from plumbline.expectations.results import describe_failure
from plumbline.expectations.suite import Suite
from plumbline.expectations.validation import validate

N = 400
TYPES = {"id": "integer", "price": "number", "full price": "number", "count": "integer", "stars": "integer"}
TYPES |= {"on": "boolean", "colour": "category", "code": "category", "note": "text"}
TYPES |= {"from": "timestamp", "until": "timestamp", "by": "category"}


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    start = np.datetime64("2023-01-01", "us") + random.integers(0, 10**13, N).astype("m8[us]")
    missing = pd.Series(random.random(N) < 0.3)
    price = random.lognormal(3, 1, N)
    table = pd.DataFrame({"id": np.arange(N) + 7, "price": price, "full price": price * 1.2})
    table["count"] = pd.Series(random.poisson(20, N), dtype="Int64").mask(random.random(N) < 0.05)
    table["stars"], table["on"] = random.integers(1, 4, N), random.random(N) < 0.2
    table["colour"] = random.choice(["red", "grün", "blue"], N, p=[0.6, 0.3, 0.1])
    table["code"] = [f"{code:06d}" for code in random.integers(0, 10**6, N)]
    table["note"] = [f"Note of {number} words and more" * (1 + number % 3) for number in range(N)]
    table["from"], table["until"] = start, pd.Series(start + random.integers(1, 10**12, N)).mask(missing)
    return table.assign(by=pd.Series(random.choice(["Ann", "Bob"], N)).mask(missing))


def draft(table: pd.DataFrame, path: Path, types: dict[str, str]) -> list[Expectation]:
    write(table, path, types)
    columns = summarize_columns(str(path), types)
    return draft_expectations(str(path), Schema(columns, len(table), "").with_role(columns[0].name, "key"))


def write(table: pd.DataFrame, path: Path, types: dict[str, str]) -> None:
    kinds = [(name, ARROW[types[name]] if name in types else pa.string()) for name in table]
    pq.write_table(pa.Table.from_pandas(table, pa.schema(kinds), preserve_index=False).replace_schema_metadata(), path)


def failures(suite: list[Expectation], path: Path) -> list[str]:
    results = validate(suite, str(path))
    return [describe_failure(result, show_values=False) for result in results if not result.success]


CHANGES = {  # what a column becomes, and which expectation says so
    "price": [(lambda v: v * 100, "quantile"), (lambda v: -v, "be_between"), (lambda v: v * 0, "not_be_in_set")],
    "full price": [(lambda v: v / 2, "pair"), (lambda v: np.random.default_rng(1).permutation(v), "pair")],
    "count": [(lambda v: v.mask(v < 17), "not_be_null"), (lambda v: v.fillna(v.median()), "to_be_null")],
    "stars": [(lambda v: 4 - v + 1, "be_between"), (lambda v: v.replace(3, 2), "contain_set")],
    "on": [(lambda v: ~v, "be_in_set"), (lambda v: v | True, "be_in_set")],
    "colour": [(lambda v: v.replace("red", "Red"), "be_in_set"), (lambda v: v.replace("blue", "red"), "contain_set")],
    "code": [(lambda v: v.str.lstrip("0"), "lengths"), (lambda v: v + "é", "not_match"), (lambda v: v[0], "unique")],
    "note": [(lambda v: v.str[:20], "lengths"), (lambda v: v.str.upper(), "match_regex")],
    "from": [(lambda v: v + pd.Timedelta("90D"), "min"), (lambda v: v - pd.Timedelta("900D"), "values_to_be_between")],
    "by": [(lambda v: v.iloc[::-1].to_numpy(), "be_null")],
    "id": [(lambda v: v.replace(9, 8), "be_unique")],
}


def test_it_holds_on_its_own_table_and_notices_each_change(tmp_path: Path) -> None:
    path, table = tmp_path / "t.parquet", frame()
    suite = draft(table, path, TYPES)
    assert failures(suite, path) == []
    kwargs = [expectation.kwargs for expectation in suite]
    bounds_of_key = [item for item in kwargs if item.get("column") == "id" and "min_value" in item]
    assert not bounds_of_key  # it grows without bound
    (levels,) = (item for item in kwargs if item.get("value_set") == ["blue", "grün", "red"] and "mostly" in item)
    assert levels["mostly"] == pytest.approx(0.97, abs=0.02)  # the rest of the rows may hold a new level
    pairs = {(item["column_A"], item["column_B"]) for item in kwargs if "column_A" in item}
    assert pairs == {("full price", "price"), ("until", "from")}
    assert len(suite) < 90 and all(len(expectation.reason or "") < 100 for expectation in suite)
    for name, changes in CHANGES.items():
        for change, what in changes:
            write(table.assign(**{name: change(table[name])}), path, TYPES)
            about = [e for e in suite if repr(name) in str(e.kwargs) and "column_set" not in e.kwargs]
            assert any(what in line.split(" of ")[0] for line in failures(about, path)), (name, what)
    write(table.assign(price="a"), path, {name: kind for name, kind in TYPES.items() if name != "price"})
    assert "of_type of 'price' (type_ float64): found str" in failures(suite, path)[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_it_holds_on_the_other_half(tmp_path: Path, seed: int) -> None:
    table = frame().sample(frac=1, random_state=seed)
    suite = draft(table.head(N // 2), tmp_path / "first.parquet", TYPES)
    write(table.tail(N // 2), tmp_path / "second.parquet", TYPES)
    assert failures(suite, tmp_path / "second.parquet") == []


@pytest.mark.parametrize("rows", [4, 80])
def test_odd_columns_are_drafted_and_hold(tmp_path: Path, rows: int) -> None:
    odd = np.arange(rows) % 2 == 1
    columns: dict[str, tuple[str, Any]] = {
        "key": ("integer", np.arange(rows)),
        "class": ("category", [None] * rows),
        "1.x 'q\" é": ("number", np.where(odd, np.nan, 2.5)),
        "b`t": ("number", np.where(odd, np.nan, np.arange(rows))),
        "line\nline": ("boolean", [None, True] * (rows // 2)),
        "big": ("integer", 2**62 + 3 * np.arange(rows)),
        "huge": ("number", np.where(odd, -1e308, 1e308)),
        "tiny": ("number", 1e-310 * np.arange(rows)),
        "x" * 300: ("category", np.where(odd, "", "日本語")),
        "ever": ("timestamp", np.where(odd, "0002-01-01", "9998-12-31").astype("M8[us]")),
        "once": ("timestamp", np.array(["2020-02-29T12:00"] * rows, dtype="M8[us]")),
    }
    types = {name: kind for name, (kind, _) in columns.items()}
    suite = draft(pd.DataFrame({name: values for name, (_, values) in columns.items()}), tmp_path / "t", types)
    (tmp_path / "s.json").write_text(Suite("s", tuple(suite)).dumps(), encoding="utf-8")
    assert failures([*Suite.read(tmp_path / "s.json").expectations], tmp_path / "t") == []
    assert {"Infinity", "NaN"}.isdisjoint((tmp_path / "s.json").read_text(encoding="utf-8").replace(",", " ").split())
    assert {expectation.kwargs.get("column") for expectation in suite} >= set(types)
