"""Curves: few points, the right ends, and weights that count as rows, for every task."""

from itertools import pairwise

import numpy as np
import pytest

from plumbline.evaluation.curves import calibration_curve, ranking_curve
from plumbline.outcome import Outcome

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
    result = outcome(classes)
    points, copies = ranking_curve(result, WEIGHT), result.take(np.repeat(np.arange(3000), WEIGHT))
    assert points == [pytest.approx(point) for point in ranking_curve(copies, np.ones(len(copies.truth)))]
    assert len(points) <= 200
    assert (points[0], points[-1]) == ({"x": 0, "y": 0}, {"x": 1, "y": end})
    assert all(a["y"] <= b["y"] for a, b in pairwise(points))
    truth = result.truth if not classes else result.truth == (1 if classes == 2 else result.predictions)
    shares = [point["y"] for point in calibration_curve(result, np.where(truth >= truth.mean(), 1, 0))]
    assert 1 <= len(shares) <= 10
    assert min(shares) >= (1 if classes else truth.mean())  # only such rows weigh anything
