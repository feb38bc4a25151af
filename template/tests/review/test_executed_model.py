"""The packaged model is one more replica: worse only where neither rows nor seeds explain it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plumbline.review.decide import Criterion
from plumbline.review.executed_model import Replicas, find_worse_model
from plumbline.review.predictions import Predictions, Rows

ROWS, HOLDOUT = 2000, 400
RANDOM = np.random.default_rng(0)
SIGNAL = RANDOM.normal(size=ROWS)
TRUTH = (RANDOM.random(ROWS) < 1 / (1 + np.exp(-2 * SIGNAL))).astype(int)
POSITIONS = np.arange(HOLDOUT) * 3


def score(slope: float) -> np.ndarray:
    probability = 1 / (1 + np.exp(-slope * SIGNAL))
    return np.stack([1 - probability, probability], axis=1)


def say(
    tmp_path: Path, slopes: list[float], slope: float, rows: Rows | None = None, *, other: float = 2, **changes: Any
) -> str | None:
    """What is said of a model with this slope next to replicas with those and to the other model; 2 is the truth."""
    file, settings = tmp_path / "scores.npz", SimpleNamespace(alpha=0.05)
    np.savez(file, scores=score(slope)[POSITIONS], other_scores=score(other)[POSITIONS], positions=POSITIONS)
    rows = rows or Rows(np.arange(ROWS), TRUTH, None, None)
    criterion = Criterion("log_loss", rows, 0.01, settings, 0.01)  # type: ignore[arg-type]
    predictions = Predictions(np.stack([score(value) for value in slopes]), np.arange(ROWS), {})
    return find_worse_model(replace(Replicas(predictions, criterion, 0.8, {}), **changes), file)


@pytest.mark.parametrize(
    ("slopes", "slope", "is_worse"),
    [
        ([2, 2.1, 1.9], 2, False),
        ([2, 2.1, 1.9], 0.2, True),
        ([2, 2.1, 1.9], 1.7, False),  # less than the margin
        ([2, 1, 0.2], 0.2, False),  # seeds do that
        ([0.2, 0.3, 0.2], 2, False),  # better
    ],
)
def test_it_is_worse_by_more_than_rows_and_seeds_explain(
    tmp_path: Path, slopes: list[float], slope: float, is_worse: bool
) -> None:
    message = say(tmp_path, slopes, slope)
    assert (message is not None) == is_worse
    if message:
        assert message.endswith("on 400 rows of the holdout")


def test_of_too_few_rows_or_groups_nothing_is_said(tmp_path: Path) -> None:
    rows: Any = Rows(np.arange(80), TRUTH[:80], None, None)
    assert say(tmp_path, [2, 2.1, 1.9], -9, rows) is None
    groups = Rows(np.arange(ROWS), TRUTH, None, np.arange(ROWS) % 4)
    assert say(tmp_path, [2, 2.1, 1.9], -9, groups) is None
    assert say(tmp_path, [2, 2.1, 1.9], -9) is not None
    assert find_worse_model(None, tmp_path / "none.npz") is None  # type: ignore[arg-type]


def test_replicas_that_learn_from_more_rows_are_no_measure_and_the_other_model_is(tmp_path: Path) -> None:
    assert say(tmp_path, [2, 2.1, 1.9], 1, other=1) is not None
    assert say(tmp_path, [2, 2.1, 1.9], 1, other=1, share=0.95) is None, "0.8 of the rows are less than 0.9 of these"
    assert say(tmp_path, [2, 2.1, 1.9], 1, share=0.95) is not None


def test_a_slice_that_must_work_is_compared_on_its_own(tmp_path: Path) -> None:
    positions = POSITIONS[:60]
    part = Rows(positions, TRUTH[positions], None, None)
    file, settings = tmp_path / "scores.npz", SimpleNamespace(alpha=0.05)
    scores = score(2)
    scores[positions] = score(-2)[positions]
    np.savez(file, scores=scores[POSITIONS], other_scores=score(2)[POSITIONS], positions=POSITIONS)
    criterion = Criterion("log_loss", Rows(np.arange(ROWS), TRUTH, None, None), 0.5, settings, 0.01)  # type: ignore[arg-type]
    replicas = Replicas(Predictions(np.stack([score(2), score(2.1)]), np.arange(ROWS), {}), criterion, 0.8, {})
    assert find_worse_model(replicas, file) is None, "the margin is wide"
    message = find_worse_model(replace(replicas, slices={"region = north": part}), file)
    assert message is not None
    assert message.endswith("on 60 rows of the holdout where region = north")


def test_some_rows_that_go_wrong_may_be_chance(tmp_path: Path) -> None:
    file, settings = tmp_path / "scores.npz", SimpleNamespace(alpha=0.05)
    scores, positions = score(2), POSITIONS[:40]
    wrong = positions[np.argmax(scores[positions, TRUTH[positions]])]
    scores[wrong] = scores[wrong][::-1]
    np.savez(file, scores=scores[positions], other_scores=score(2)[positions], positions=positions)
    criterion = Criterion("log_loss", Rows(np.arange(ROWS), TRUTH, None, None), 0.01, settings, 0.01)  # type: ignore[arg-type]
    predictions = Predictions(np.stack([score(2), score(2), score(2)]), np.arange(ROWS), {})
    assert find_worse_model(Replicas(predictions, criterion, 0.8, {}), file) is None
    np.savez(file, scores=scores[positions, ::-1], other_scores=score(2)[positions], positions=positions)
    assert find_worse_model(Replicas(predictions, criterion, 0.8, {}), file) is not None
