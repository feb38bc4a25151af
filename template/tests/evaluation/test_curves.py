"""Curves: few points, the right ends, and weights that count as rows, for every task."""

from itertools import pairwise

import numpy as np
import pytest

from plumbline.evaluation.curves import calibration, ranking
from plumbline.metrics import Outcome

RANDOM, WEIGHT = np.random.default_rng(0), np.arange(3000) % 3
TRUTH, NOISE = RANDOM.integers(0, 250, 3000), RANDOM.random((3000, 250))
WITHIN_ONE = np.average(np.abs(TRUTH - 600 * NOISE[:, 0]) <= 249, weights=WEIGHT)


def outcome(classes: int) -> Outcome:
    if not classes:
        return Outcome("regression", TRUTH, 600 * NOISE[:, 0], 600 * NOISE[:, 0])
    truth = TRUTH % classes
    scores = NOISE[:, :classes] + 0.3 * np.eye(classes)[truth]
    return Outcome(
        "binary" if classes == 2 else "multiclass", truth, scores, scores.argmax(1), 1, tuple(range(classes))
    )


@pytest.mark.parametrize(("classes", "end"), [(0, WITHIN_ONE), (2, 1), (3, 1), (250, 1)])
def test_curves_have_few_points_both_ends_and_weights_that_count_as_rows(classes: int, end: float) -> None:
    given = outcome(classes)
    points, repeated = ranking(given, WEIGHT), given.part(np.repeat(np.arange(3000), WEIGHT))
    assert points == [pytest.approx(point) for point in ranking(repeated, np.ones(len(repeated.truth)))]
    assert len(points) <= 200
    assert (points[0], points[-1]) == ({"x": 0, "y": 0}, {"x": 1, "y": end})
    assert all(a["y"] <= b["y"] for a, b in pairwise(points))
    observed = given.truth if not classes else given.truth == (1 if classes == 2 else given.decided)
    weighed = [point["y"] for point in calibration(given, np.where(observed >= observed.mean(), 1, 0))]
    assert 1 <= len(weighed) <= 10
    assert min(weighed) >= (1 if classes else observed.mean())  # only such rows weigh anything
