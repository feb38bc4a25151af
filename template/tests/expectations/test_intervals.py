"""Intervals contain the statistics of another sample, at the level that is asked for, and are not much wider."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from plumbline.expectations.intervals import PredictionIntervals, round_down, round_outward

LEVEL = 1e-4
INTERVALS = PredictionIntervals(LEVEL)


@pytest.mark.parametrize("total", [1, 5, 30, 100, 250])
def test_one_half_of_a_table_bounds_the_share_in_the_other(total: int) -> None:
    rows = 200
    bounds = [INTERVALS.share(count, rows) for count in range(rows + 1)]
    misses = 0.0
    for count in range(max(0, total - rows), min(total, rows) + 1):
        low, high = bounds[count]
        if not low <= (total - count) / rows <= high:
            misses += hypergeom(2 * rows, total, rows).pmf(count)
    assert misses < 3 * LEVEL  # two sides, and what a prior of half a row costs
    low, high = bounds[100]
    spread = (2 * 0.25 / rows) ** 0.5
    assert 3.3 < (high - 0.5) / spread < 4.3
    assert (low, bounds[0][0], bounds[rows][1]) == (pytest.approx(1 - high, abs=0.011), 0, 1)


def test_a_large_table_has_the_intervals_of_one_of_4000_rows() -> None:
    assert INTERVALS.share(10**6, 10**7) == INTERVALS.share(400, 4000) != INTERVALS.share(200, 2000)


DRAWS = {
    "normal": lambda random, size: random.normal(50, 3, size),
    "uniform": lambda random, size: random.random(size),
    "exponential": lambda random, size: random.exponential(2, size),
    "lognormal": lambda random, size: random.lognormal(0, 1, size),
    "pareto": lambda random, size: random.pareto(1.5, size),
    "cauchy": lambda random, size: random.standard_cauchy(size),
    "negative": lambda random, size: -random.lognormal(0, 2, size),
    "counts": lambda random, size: random.poisson(8, size).astype(float),
    "mostly zero": lambda random, size: np.where(random.random(size) < 0.9, 0, random.exponential(size=size)),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("size", [60, 1000])
def test_another_sample_stays_within_ends_and_quantiles(name: str, size: int) -> None:
    random = np.random.default_rng(1)
    times, misses = 150, 0
    for _ in range(times):
        first, second = np.sort(DRAWS[name](random, (2, size)))
        low, high = INTERVALS.extremes(first)
        misses += not low <= second[0] <= second[-1] <= high
        for share in (0.05, 0.5, 0.95):
            below, above = INTERVALS.quantile(first, share)
            quantile = second[round(share * (size - 1))]
            misses += not (-np.inf if below is None else below) <= quantile <= (np.inf if above is None else above)
    assert misses <= 5  # of 600: a small sample of a heavy tail may show nothing of it
    if size == 1000 and name in ("normal", "uniform"):
        assert high - low < 5 * np.ptp(first)  # and not so far away that nothing is ever caught
        below, above = INTERVALS.quantile(first, 0.5)
        assert 0.3 < np.mean((first > below) & (first < above)) * size**0.5 / 5 < 1.6


def test_bounds_are_round_and_on_the_far_side() -> None:
    assert [round_outward(12.3456, 9, up=up) for up in (False, True)] == [12.3, 12.4]
    assert [round_outward(-12345.6, 10**4, up=up) for up in (False, True)] == [-13000, -12000]
    assert round_outward(5, 0, up=True) == 5
    assert [round_down(share) for share in (0.9999, 0.0004)] == [0.999, 0]
