"""What is required is met, met with doubt, not met, or cannot be judged; the words and the flag say the same."""

import numpy as np
import pytest

from plumbline.bootstrap import Bootstrap
from plumbline.evaluation.requirements import judge_requirements
from plumbline.evaluation.slices import SMALL, Slice

PARTS = [Slice("region", "south", np.arange(SMALL)), Slice("region", "north", np.arange(SMALL - 1))]
METRICS = Bootstrap(
    {"roc_auc": 0.8, "log_loss": 0.4},
    {"roc_auc": np.linspace(0.7, 0.9, 101), "log_loss": np.linspace(0.3, 0.5, 101)},
)


def verdicts(floors: dict[str, float], must_work: list[str]) -> list[tuple[str, bool]]:
    judgements = judge_requirements(floors, must_work, METRICS, [(part, METRICS) for part in PARTS])
    return [(judgement.evidence.rpartition(": ")[2], judgement.is_met) for judgement in judgements]


@pytest.mark.parametrize(
    ("metric", "floor", "word", "met"),
    [
        ("roc_auc", 0.6, "met", True),
        ("roc_auc", 0.75, "met, but its interval is not", True),
        ("roc_auc", 0.85, "NOT MET", False),
        ("log_loss", 0.6, "met", True),
        ("log_loss", 0.45, "met, but its interval is not", True),
        ("log_loss", 0.35, "NOT MET", False),
    ],
)
def test_a_floor_is_surely_met_only_with_its_whole_interval(metric: str, floor: float, word: str, met: bool) -> None:
    assert verdicts({metric: floor}, []) == [(word, met)]


def test_a_slice_of_few_rows_is_not_judged_and_one_that_is_large_enough_is() -> None:
    must_work = ["region = south", "region = north"]
    assert verdicts({"roc_auc": 0.6}, must_work) == [("met", True), ("met", True), ("NOT JUDGED", False)]


def test_slices_that_must_work_without_a_floor_are_said_to_be_held_to_nothing() -> None:
    assert verdicts({}, ["region = south"]) == [("NOT JUDGED", False)]
