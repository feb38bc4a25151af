"""A planted conjunction is found and said in words; where there is none, nothing is confirmed."""

import numpy as np
import pandas as pd
import pytest
from plumbline.evaluation.weak import FEWEST, weak_slices

from plumbline.metrics import Outcome

TYPES = {"x": "number", "when": "timestamp", "level": "category", "flag": "boolean"}


def table(task: str, planted: bool, rows: int = 2000) -> tuple[pd.DataFrame, Outcome]:
    random = np.random.default_rng(3)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, rows), unit="D")
    frame = pd.DataFrame({"x": random.normal(size=rows), "when": days, "level": random.choice(list("abcd"), rows)})
    frame["flag"] = pd.array(random.random(rows) < 0.5, "boolean")
    frame.loc[::9, ["x", "level", "flag"]] = [np.nan, None, pd.NA]
    inside = ((frame.x < -0.7) & (frame.level == "c")).to_numpy() & planted
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
    frame, outcome = table(task, planted=True)
    worst = weak_slices(frame, TYPES, outcome, None)[0]
    assert "x < -0." in worst["slice"]
    assert "level = 'c'" in worst["slice"]
    assert worst["loss"][1] <= worst["loss"][0] <= worst["loss"][2]
    assert worst["loss"][1] > worst["rest"]
    assert worst["p"] < 0.01
    frame, outcome = table(task, planted=False)
    assert weak_slices(frame, TYPES, outcome, None) == []


def test_few_rows_are_not_searched_and_groups_stay_in_one_half() -> None:
    frame, outcome = table("binary", planted=True)
    part = np.arange(FEWEST - 1)
    assert weak_slices(frame.iloc[part], TYPES, outcome.part(part), None) == []
    assert weak_slices(frame, TYPES, outcome, np.zeros(len(frame))) == []  # one group: nothing is left to confirm by
