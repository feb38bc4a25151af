"""What tells the target alone is found whatever it looks like; strong and honest features pass."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plumbline.leakage.tripwires import alone, later, repeated, shared


def found(target: Any, task: str = "classes", **features: Any) -> dict[str, str]:
    table = pa.Table.from_pandas(pd.DataFrame(features), preserve_index=False)
    leaks = alone(table.append_column("@target", pa.array(target)), task)
    return {leak.columns[0]: leak.severity for leak in leaks}


def targets(rows: int) -> dict[str, np.ndarray]:
    """Sorted, as tables often are."""
    latent = np.sort(np.random.default_rng(1).normal(size=rows))
    return {
        "binary": np.digitize(latent, [0]),
        "rare": np.digitize(latent, [latent[int(0.98 * rows)]]),
        "twelve": np.arange(rows) * 12 // rows,
        "regression": latent,
        "skewed": np.maximum(0, np.exp(3 * latent) - 0.5),
    }


@pytest.mark.parametrize("rows", [400, 5000])
@pytest.mark.parametrize("kind", targets(400))
def test_copies_codes_units_words_and_gaps_are_found(kind: str, rows: int) -> None:
    target = targets(rows)[kind]
    task = "regression" if target.dtype == float else "classes"
    noisy = np.where(np.arange(rows) % 700 == 350, target[::-1], target)
    leaky: dict[str, Any] = {
        "copy": target.astype(float),
        "units": -1e6 * target + 3,
        "bent": np.arctan(target / 3),
        "words": [f"about {value:.9g}" for value in target],
        "noisy": noisy,
        "gap": np.where(target == target.min(), np.nan, target),
        "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(target * 1e3, unit="s"),
    }
    if rows == 5000:
        side = np.where(np.random.default_rng(5).random(rows) < 0.5, 1, -1)
        leaky["folded"] = side * (
            target - target.min() + 1 + np.random.default_rng(6).random(rows) * (task == "classes") / 2
        )
        leaky["folded gap"] = np.where(target == target.max(), np.nan, leaky["folded"])
    if target.max() == 1:
        leaky["missing"] = np.where(target == 1, np.nan, np.random.default_rng(2).normal(size=rows))
        leaky["flag"] = target == 1
    assert found(target, task, **leaky) == dict.fromkeys(leaky, "stop")


@pytest.mark.parametrize("rows", [400, 5000])
@pytest.mark.parametrize("kind", targets(400))
def test_strong_features_that_are_honest_do_not_stop(kind: str, rows: int) -> None:
    random, target = np.random.default_rng(3), targets(rows)[kind]
    task = "regression" if target.dtype == float else "classes"
    rank = np.argsort(np.argsort(target)) / rows
    honest = {
        "near": 2.9 * target + random.normal(size=rows)
        if task == "classes"
        else rank + 0.03 * random.normal(size=rows),
        "names": [f"name {number}" for number in random.integers(rows // 2, size=rows)],
        "count": random.poisson(1 + 3 * rank),
        "level": np.array([*"abc"])[np.digitize(rank + 0.1 * random.normal(size=rows), [0.3, 0.7])],
        "row": [f"{number}" for number in random.permutation(rows)],
        "noise": random.normal(size=rows),
        "constant": np.ones(rows),
        "empty": np.full(rows, np.nan),
    }
    assert "stop" not in found(target, task, **honest).values()


def test_what_tells_nearly_all_is_a_warning_and_few_rows_prove_nothing() -> None:
    target = np.arange(2000) % 2
    wrong = np.arange(2000) % 70 == 0
    assert found(target, smell=target ^ wrong) == {"smell": "warning"}
    few = (np.arange(300) < 7).astype(int)
    assert found(few, copy=few) == {}
    assert found((np.arange(300) < 8).astype(int), copy=np.arange(300) < 8) == {"copy": "stop"}
    assert found(np.where(np.arange(300) < 5, np.arange(300), 0.0), "regression", copy=np.arange(300) < 5) == {}
    hundred = np.where((np.arange(100) > 60) & (np.arange(100) < 90), np.nan, np.arange(100))
    assert found((np.arange(100) >= 50).astype(int), part=hundred) == {"part": "stop"}
    words = np.array(["".join(letters) for letters in product("abcdefghij", repeat=3)])[:900]
    known = np.append(np.full(3100, None, object), words)  # by name, which memory would tell and another row does not
    assert found(((np.arange(4000) % 2) & (np.arange(4000) >= 3100)), street=known) == {}
    rare = (np.arange(5000) < 20).astype(int)
    assert found(rare, often=np.arange(5000) < 60) == {}  # finds each of 20, and is wrong more often than right


def test_a_time_is_later_when_it_is_in_nearly_all_rows() -> None:
    time = pd.Series(pd.date_range("2024-01-01", periods=200))
    shift = pd.to_timedelta(np.where(np.arange(200) < 10, -1, 5), unit="h")
    rows = pd.DataFrame({"paid": time + pd.Timedelta("1h"), "mixed": time + shift, "own": time, "@time": time})
    rows.loc[3:100, "paid"] = pd.NaT
    (leak,) = later(pa.Table.from_pandas(rows), "own")
    assert leak.evidence == "'paid' is later than 'own' in 102 of 102 rows: was it known by then?"
    assert later(pa.Table.from_pandas(rows.drop(columns="@time")), None) == []
    assert later(pa.Table.from_pandas(rows.assign(**{"@time": 1.0})), "own") == []


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 13])
def test_rows_on_both_sides_are_counted_by_all_of_their_columns(width: int) -> None:
    random = np.random.default_rng(width)
    kinds: list[list] = [[0.0, 1.0, np.nan], ["a", "b", None], [pd.Timestamp("2024-01-01"), pd.NaT], [True, False]]
    rows = pd.DataFrame({f"c{i}": random.choice(np.array(kinds[i % 4], object), 300) for i in range(width)})
    held = np.arange(300) % 3 == 0
    rows.loc[0, "c0"], rows.loc[1, "c0"] = 7.5, 7.5
    rows.iloc[3] = rows.iloc[1]
    table = pa.Table.from_pandas(rows, preserve_index=False)
    texts = rows.apply(lambda row: "|".join(map(str, row)), axis=1)
    expected = int(texts[held].isin(texts[~held]).sum())
    assert repeated(table.columns, held) == expected > 0
    assert repeated([*table.columns, pa.chunked_array([np.arange(300.0)])], held) == 0


def test_rows_that_differ_in_whole_numbers_are_told_apart_and_no_column_is_read_for_nothing() -> None:
    cells = np.indices((60, 60, 60)).reshape(3, -1).astype(float)
    read: list[int] = []
    columns = (read.append(i) or pa.chunked_array([cells[i % 3]]) for i in range(9))  # type: ignore[func-returns-value]
    assert repeated(columns, np.arange(cells.shape[1]) % 2 == 0) == 0
    assert read == [0, 1, 2]


def test_groups_on_both_sides_are_counted() -> None:
    held = np.array([False, True, True, False, False])
    assert shared(pa.chunked_array([["a", "a", "b", "c", "a"]]), held) == 1
    assert shared(pa.chunked_array([[1, 2, 3, 1, 4]]), held) == 0
