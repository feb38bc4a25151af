"""A feature that alone predicts the target is found whatever its form; strong and honest features pass."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plumbline.leakage.univariate import find_future_times, find_target_leaks


def find_actions(target: Any, task: str = "classes", **features: Any) -> dict[str, str]:
    table = pa.Table.from_pandas(pd.DataFrame(features), preserve_index=False)
    leaks = find_target_leaks(table.append_column("@target", pa.array(target)), task)
    return {leak.columns[0]: leak.action for leak in leaks}


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
    assert find_actions(target, task, **leaky) == dict.fromkeys(leaky, "stop")


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
    assert "stop" not in find_actions(target, task, **honest).values()


def test_what_predicts_nearly_all_is_a_warning_and_few_rows_prove_nothing() -> None:
    target = np.arange(2000) % 2
    wrong = np.arange(2000) % 70 == 0
    assert find_actions(target, smell=target ^ wrong) == {"smell": "warning"}
    few = (np.arange(300) < 7).astype(int)
    assert find_actions(few, copy=few) == {}
    assert find_actions((np.arange(300) < 8).astype(int), copy=np.arange(300) < 8) == {"copy": "stop"}
    assert find_actions(np.where(np.arange(300) < 5, np.arange(300), 0.0), "regression", copy=np.arange(300) < 5) == {}
    part = np.where((np.arange(100) > 60) & (np.arange(100) < 90), np.nan, np.arange(100))
    assert find_actions((np.arange(100) >= 50).astype(int), part=part) == {"part": "stop"}
    words = np.array(["".join(letters) for letters in product("abcdefghij", repeat=3)])[:900]
    street = np.append(np.full(3100, None, object), words)  # each name occurs once, so no other row predicts it
    assert find_actions(((np.arange(4000) % 2) & (np.arange(4000) >= 3100)), street=street) == {}
    rare = (np.arange(5000) < 20).astype(int)
    assert find_actions(rare, often=np.arange(5000) < 60) == {}  # finds each of 20, and is wrong more often than right


def test_a_time_is_later_when_it_is_in_nearly_all_rows() -> None:
    time = pd.Series(pd.date_range("2024-01-01", periods=200))
    shift = pd.to_timedelta(np.where(np.arange(200) < 10, -1, 5), unit="h")
    rows = pd.DataFrame({"paid": time + pd.Timedelta("1h"), "mixed": time + shift, "own": time, "@time": time})
    rows.loc[3:100, "paid"] = pd.NaT
    (leak,) = find_future_times(pa.Table.from_pandas(rows), "own")
    assert leak.evidence == "'paid' is later than 'own' in 102 of 102 rows: was it known by then?"
    assert find_future_times(pa.Table.from_pandas(rows.drop(columns="@time")), None) == []
    assert find_future_times(pa.Table.from_pandas(rows.assign(**{"@time": 1.0})), "own") == []
