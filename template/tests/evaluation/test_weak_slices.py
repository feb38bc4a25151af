"""A planted conjunction is found and said in words; where there is none, nothing is confirmed."""

import numpy as np
import pandas as pd
import pytest

from plumbline.evaluation.weak_slices import MIN_ROWS, find_weak_slices
from plumbline.outcome import Outcome

TYPES = {"x": "number", "when": "timestamp", "level": "category", "flag": "boolean"}


def table(task: str, has_weak_slice: bool, rows: int = 2000) -> tuple[pd.DataFrame, Outcome]:
    random = np.random.default_rng(3)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, rows), unit="D")
    frame = pd.DataFrame({"x": random.normal(size=rows), "when": days, "level": random.choice(list("abcd"), rows)})
    frame["flag"] = pd.array(random.random(rows) < 0.5, "boolean")
    frame.loc[::9, ["x", "level", "flag"]] = [np.nan, None, pd.NA]
    inside = ((frame.x < -0.7) & (frame.level == "c")).to_numpy() & has_weak_slice
    if task == "regression":
        truth = random.normal(size=rows)
        return frame, Outcome(task, truth, truth + random.normal(0, np.where(inside, 3, 0.5)), truth)
    chance = random.uniform(0.05, 0.95, rows)
    truth = (random.random(rows) < chance).astype(int)
    truth[inside] = 1 - (chance[inside] > 0.5)
    scores = np.c_[1 - chance, chance]
    return frame, Outcome(task, truth, scores, scores.argmax(axis=1), 1, ("no", "yes"))


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_planted_conjunction_is_found_and_nothing_where_there_is_none(task: str) -> None:
    frame, outcome = table(task, has_weak_slice=True)
    worst = find_weak_slices(frame, TYPES, outcome, None)[0]
    assert "x < -0." in worst.conditions
    assert "level = 'c'" in worst.conditions
    assert worst.loss.low <= worst.loss.value <= worst.loss.high
    assert worst.loss.low > worst.loss_elsewhere
    assert worst.p_value < 0.01
    frame, outcome = table(task, has_weak_slice=False)
    assert find_weak_slices(frame, TYPES, outcome, None) == []


def test_few_rows_are_not_searched_and_groups_stay_in_one_half() -> None:
    frame, outcome = table("binary", has_weak_slice=True)
    part = np.arange(MIN_ROWS - 1)
    assert find_weak_slices(frame.iloc[part], TYPES, outcome.take(part), None) == []
    assert (
        find_weak_slices(frame, TYPES, outcome, np.zeros(len(frame))) == []
    )  # one group: nothing is left to confirm by
