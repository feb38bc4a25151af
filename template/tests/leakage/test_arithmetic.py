"""A target made of columns is found through rounding and gaps; one that is only near it is not."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plumbline.leakage.arithmetic import making

MADE: dict[str, Any] = {
    "sum": lambda r: r.a + r.b,
    "difference": lambda r: r.b - r.a,
    "product": lambda r: r.a * r.b,
    "ratio": lambda r: r.b / r.a,
    "sum or difference": lambda r: r.a + r.b - r.c.fillna(0),
}
ROUNDED: dict[str, Any] = {
    "": lambda values: values,
    "two decimals": lambda values: values.round(2),
    "six digits": lambda values: [float(f"{value:.6g}") for value in values],
}


def found(rows: pd.DataFrame, target: Any) -> list[tuple[str, ...]]:
    table = pa.Table.from_pandas(rows, preserve_index=False).append_column("@target", pa.array(target))
    return [leak.columns for leak in making(table)]


def columns(rows: int = 120) -> pd.DataFrame:
    random = np.random.default_rng(0)
    made = pd.DataFrame(random.gamma(3, [20, 2, 500, 1, 1], (rows, 5)), columns=[*"abcde"]) + 1
    made.loc[:9, ["c", "d"]] = np.nan
    return made.assign(again=made.a, word="x")


@pytest.mark.parametrize("of_target", ROUNDED)
@pytest.mark.parametrize("of_columns", ROUNDED)
@pytest.mark.parametrize("operation", MADE)
def test_each_operation_is_found_whatever_is_rounded(operation: str, of_columns: str, of_target: str) -> None:
    rows = columns()
    target = pd.Series(ROUNDED[of_target](MADE[operation](rows)))
    rows = rows.assign(**{name: ROUNDED[of_columns](rows[name]) for name in ("a", "b", "c", "again")})
    wanted = [("a", "b", "c")] if operation == "sum or difference" else [("a", "b"), ("b", "again")]
    assert sorted(tuple(sorted(names, key=list(rows).index)) for names in found(rows, target)) == wanted


@pytest.mark.parametrize("operation", MADE)
def test_what_is_only_near_the_target_is_not_its_making(operation: str) -> None:
    rows = columns()
    target = MADE[operation](rows)
    noise = np.random.default_rng(1).normal(size=len(rows))
    assert found(rows, target + 0.02 * target.std() * noise) == []
    assert found(rows.head(15), target.head(15)) == []
    small = pd.DataFrame({name: 0.002 + 0.001 * np.random.default_rng(2).random(120) for name in "ab"})
    assert found(small, np.where(noise > 0, 0.01, 0.0)) == []  # of a few values that rounding left: met by chance


def test_gaps_in_most_rows_prove_nothing_and_one_row_in_a_hundred_may_be_off() -> None:
    rows = columns(300)
    target = rows.a + rows.b
    target[[12, 250]] += 1000
    assert ("a", "b") in found(rows, target)
    rows.loc[:279, ["a", "again"]] = np.nan
    assert found(rows, target) == []
