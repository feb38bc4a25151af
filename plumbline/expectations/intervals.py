"""Prediction intervals: how far a statistic may move in another sample of a table, estimated from one sample."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaln

_MAX_ROWS = 4000  # more rows narrow no interval, since no table stays exactly the same
_TAIL = 0.05  # the share of values that is a tail ...
_MIN_TAIL, _MAX_TAIL = 10, 100  # ... and the limits of their number
_HEAVY = 1.1  # spread / mean of the excesses of a tail, 1 if exponential: above it the tail is extended on a log scale
_FAR = 1000  # ranges of the sample, from which there is no bound


@dataclass(frozen=True)
class PredictionIntervals:
    """Intervals for another sample of as many rows.

    Attributes
    ----------
    level : float
        The probability that the other sample is beyond one end of an interval.

    Examples
    --------
    >>> PredictionIntervals(0.01).share(0, 100)
    (0.0, 0.04)
    """

    level: float

    def share(self, count: int, rows: int) -> tuple[float, float]:
        """Return the interval of a share, where `count` of `rows` have it (beta-binomial)."""
        sample = min(rows, _MAX_ROWS)
        return _beta_binomial(count * sample / rows, sample, self.level)

    def quantile(self, sorted_values: np.ndarray, share: float) -> tuple[float, float]:
        """Return the interval of a quantile, by ranks; infinite where it may be beyond the values."""
        count = len(sorted_values)
        low, high = self.share(round(share * count), count)
        below, above = math.floor(low * count) - 2, math.ceil(high * count) + 1
        return (
            float(sorted_values[below]) if below >= 0 else -math.inf,
            float(sorted_values[above]) if above < count else math.inf,
        )

    def extremes(self, sorted_values: np.ndarray) -> tuple[float, float]:
        """Return an interval for all values, by extending both tails; infinite where a tail is too heavy."""
        return -self._upper(-sorted_values[::-1]), self._upper(sorted_values)

    def _upper(self, sorted_values: np.ndarray) -> float:
        count = len(sorted_values)
        tail = min(max(_MIN_TAIL, round(_TAIL * count)), _MAX_TAIL, count // 2)
        ranks = (-tail - 1, count // 2, 3 * count // 4, -1)
        start, median, quartile, maximum = (float(sorted_values[rank]) for rank in ranks)
        excess = sorted_values[-tail:] - start
        excess = excess[excess > 0]
        size = len(excess)
        if not size:
            return maximum
        steps = size * ((size / self.level) ** (1 / size) - 1)  # in means, for a mean that is itself estimated
        is_far = maximum - median > math.log2(count) * (quartile - median) > 0  # farther than an exponential reaches
        end = start + steps * float(excess.mean())
        if start > median and (is_far or excess.std() > _HEAVY * excess.mean()):
            rate = float(np.log1p(excess / (start - median)).mean())
            end = median + (start - median) * math.exp(min(steps * rate, 500))
        spread = maximum - float(sorted_values[0])
        return max(maximum, end) if end - maximum < _FAR * spread else math.inf


@lru_cache(maxsize=4096)
def _beta_binomial(count: float, rows: int, level: float) -> tuple[float, float]:
    outcome = np.arange(rows + 1)
    log = betaln(outcome + count + 0.5, 2 * rows - outcome - count + 0.5) - betaln(outcome + 1, rows - outcome + 1)
    cumulative = np.exp(log - log.max()).cumsum()
    low, high = np.searchsorted(cumulative / cumulative[-1], [level, 1 - level])
    return float(low / rows), float(high / rows)


def round_outward(value: float, spread: float, *, up: bool) -> float:
    """Return a bound in round numbers, with two digits of the spread, away from the values.

    Examples
    --------
    >>> round_outward(12.3456, 9, up=True)
    12.4
    """
    if math.isinf(value):
        return value
    digits = min(1 - math.floor(math.log10(spread)), 300) if spread > 0 else 6
    step = 10.0**digits
    return round((math.ceil if up else math.floor)(value * step) / step, digits)


def round_down(share: float) -> float:
    """Return a share, rounded down to three decimals.

    Examples
    --------
    >>> round_down(0.9999)
    0.999
    """
    return math.floor(share * 1000) / 1000
