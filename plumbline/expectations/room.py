"""Room: how far a statistic may move in another sample of the same table, judged by the one sample at hand."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaln

ALARM = 0.01  # the chance that a whole suite stops a table like the one it was drafted from
DRIFT = 4000  # rows: more of them narrow no bound, for no table stays wholly as it was
TAIL = 0.05  # the share of values that a tail is judged by ...
FEWEST, MOST = 10, 100  # ... and their number
HEAVY = 1.1  # spread over mean of a tail's excesses, 1 if exponential: above it the tail is followed on a log scale
FAR = 1000  # ranges away there is no bound any more


@dataclass(frozen=True)
class Room:
    """Room at a level: the chance of one bound to be crossed by another sample of as many rows."""

    level: float

    def share(self, count: int, rows: int) -> tuple[float, float]:
        """Bounds of the share that another sample shows, where `count` of `rows` were found (beta-binomial)."""
        drawn = min(rows, DRIFT)
        return _predictive(count * drawn / rows, drawn, self.level)

    def quantile(self, ordered: np.ndarray, share: float) -> tuple[float, float]:
        """Bounds of a quantile, by ranks; infinite where it may lie beyond the values at hand."""
        low, high = self.share(round(share * len(ordered)), len(ordered))
        below, above = math.floor(low * len(ordered)) - 2, math.ceil(high * len(ordered)) + 1
        return (
            float(ordered[below]) if below >= 0 else -math.inf,
            float(ordered[above]) if above < len(ordered) else math.inf,
        )

    def ends(self, ordered: np.ndarray) -> tuple[float, float]:
        """A range that holds all values of another sample, its tails continued as they are; infinite if too heavy."""
        return -self._upper(-ordered[::-1]), self._upper(ordered)

    def _upper(self, ordered: np.ndarray) -> float:
        rows = len(ordered)
        many = min(max(FEWEST, round(TAIL * rows)), MOST, rows // 2)
        start, centre, quarter, highest = (float(ordered[at]) for at in (-many - 1, rows // 2, 3 * rows // 4, -1))
        excess = ordered[-many:] - start
        excess = excess[excess > 0]
        if not len(excess):
            return highest
        steps = len(excess) * ((len(excess) / self.level) ** (1 / len(excess)) - 1)  # a rate that is itself estimated
        far = highest - centre > math.log2(rows) * (quarter - centre) > 0  # farther than half-lives reach
        end = start + steps * float(excess.mean())
        if start > centre and (far or excess.std() > HEAVY * excess.mean()):
            steep = float(np.log1p(excess / (start - centre)).mean())
            end = centre + (start - centre) * math.exp(min(steps * steep, 500))
        return max(highest, end) if end - highest < FAR * (highest - float(ordered[0])) else math.inf


@lru_cache(maxsize=4096)
def _predictive(count: float, rows: int, level: float) -> tuple[float, float]:
    outcome = np.arange(rows + 1)
    log = betaln(outcome + count + 0.5, 2 * rows - outcome - count + 0.5) - betaln(outcome + 1, rows - outcome + 1)
    below = np.exp(log - log.max()).cumsum()
    low, high = np.searchsorted(below / below[-1], [level, 1 - level])
    return low / rows, high / rows


def outward(value: float, spread: float, up: bool) -> float:
    """A bound in round numbers: two digits of the spread, away from the values."""
    if math.isinf(value):
        return value
    digits = min(1 - math.floor(math.log10(spread)), 300) if spread > 0 else 6
    step = 10.0**digits
    return round((math.ceil if up else math.floor)(value * step) / step, digits)


def at_least(share: float) -> float:
    """A share that is asked for, in three decimals, down."""
    return math.floor(share * 1000) / 1000
