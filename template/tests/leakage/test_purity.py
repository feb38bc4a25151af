"""A feature that depends on more than its row is found, with what it depends on; an honest one never is."""

import time
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plumbline.leakage.leaks import Action
from plumbline.leakage.purity import find_impure_features
from plumbline.testing.projects import ROOT, make_table

calls = count()
HALF, ORDER, SINGLE = "gets half of the rows", "the rows in another order, some twice", "gets only one row"
IMPURE: dict[str, tuple[str, Any]] = {
    "mean": (HALF, lambda rows: rows.x1 - rows.x1.mean()),
    "mean for gaps": (HALF, lambda rows: rows.x2.fillna(rows.x2.mean())),
    "codes": (HALF, lambda rows: pd.factorize(rows.colour.where(rows.index > 0, "first"))[0]),
    "position": (HALF, lambda rows: np.arange(len(rows))),
    "index": (HALF, lambda rows: rows.index.to_numpy()),
    "seeded random": (HALF, lambda rows: np.random.default_rng(0).normal(size=len(rows))),
    "only in large tables": (HALF, lambda rows: len(rows) > 200),
    "repeated": (ORDER, lambda rows: rows.duplicated()),
    "commonest": (SINGLE, lambda rows: rows.shade.fillna(rows.shade.mode().get(0, "none"))),
    "random": ("random numbers", lambda rows: np.random.default_rng().normal(size=len(rows))),
    "calls": ("random numbers", lambda rows: float(next(calls))),
    "now": ("the current date", lambda rows: (pd.Timestamp.now() - rows.when).dt.days),
    "today": ("the current date", lambda rows: date.today().year - rows.when.dt.year),
    "time": ("the current date", lambda rows: time.time() - rows.x1),
    "a year to come": ("the current date", lambda rows: rows.x1 * (date.today().year >= 2027)),
    "a leap day": ("the current date", lambda rows: rows.x1 * (date.today().day == 29)),
    "weekend": ("the current date", lambda rows: rows.x1 * (date.today().weekday() > 4)),
    "folder": ("files of the project", lambda rows: rows.x1 * Path("dvc.yaml").exists()),
    "lookup": ("files of the project", lambda rows: rows.x1 if not Path("params.yaml").exists() else rows.x2),
}


@pytest.fixture
def rows() -> pd.DataFrame:
    """Gaps only in the first half: halves alone would not show what fills them."""
    shade = np.resize(["dark", "dark", "light"], 300).astype(object)
    shade[7] = None
    when = pd.date_range("2024-01-01", periods=300)
    return make_table().drop(columns=["row_id", "target"]).assign(shade=pd.array(shade, dtype="str"), when=when)


@pytest.mark.parametrize("kind", IMPURE)
def test_what_depends_on_more_than_its_row_is_named_with_what_it_depends_on(rows, kind: str) -> None:
    cause, make = IMPURE[kind]
    (leak,) = find_impure_features(lambda rows: rows.assign(new=make(rows), ratio=rows.x1 / rows.x2), rows)
    assert leak.columns == ("new",)
    assert leak.action is Action.STOP
    assert cause in leak.evidence


def test_a_feature_that_depends_on_nothing_but_its_row_is_honest(rows) -> None:
    def features(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(
            ratio=np.exp(rows.x1) / rows.x2,
            month=rows.when.dt.month,
            colour=rows.colour.str.strip().astype("category"),
            both=rows.flag & (rows.x2 > 0),
            nothing=np.nan,
            age=(pd.Timestamp("2025-01-01") - rows.when).dt.days,
        )

    assert find_impure_features(features, rows) == find_impure_features(lambda rows: rows, rows) == []


def test_the_example_of_the_docs_is_honest() -> None:
    example = (ROOT / "docs/your-features.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    namespace: dict[str, Any] = {}
    day = pd.Series(pd.date_range("2024-01-01", periods=50))
    exec(example, namespace)  # noqa: S102
    orders = pd.DataFrame({"price": np.arange(50.0), "units": 7.0, "city": " Here ", "ordered": day, "promised": day})
    assert list(namespace["features"](orders))[-4:] == ["price_per_unit", "weekday", "days_to_delivery", "is_large"]
    assert find_impure_features(namespace["features"], orders) == []


def test_a_file_is_not_there_and_an_error_on_fewer_rows_and_other_columns_are_found(
    rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows.to_csv("known.csv")
    cache: list[pd.Series] = []

    def read_file_once(rows: pd.DataFrame) -> pd.DataFrame:
        cache[:] = cache or [pd.read_csv("known.csv")["x1"]]
        return rows.assign(new=rows.x1.isin(cache[0]))

    def fail(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(new=1 / (len(rows) - 150))

    results = [
        find_impure_features(features, rows)
        for features in (read_file_once, fail, lambda rows: rows.assign(**{f"n{len(rows)}": 1}))
    ]
    assert [leak.columns for leaks in results for leak in leaks] == [(), (), ("new",), ("n150",), ("n300",), ("n1",)]
    assert "reads a file (known.csv), and a package does not contain it" in results[0][0].evidence
    assert (
        "src/features.py raises an error when the function gets half of the rows: it depends on other rows"
        in results[1][0].evidence
    )
    assert Path.cwd() == tmp_path
