"""Better, worse, same, or cannot tell: two recipes that predicted the same rows, compared with their noise.

Each side has K replicas (seeds and splits, replica k of both sides with the same ones) of out-of-fold predictions. A
metric is a goodness, higher is better, and its influence function says what each row adds to it. The variance of the
difference has a part of the rows and a part of the replicas; what both hold is counted once. The words follow from
one-sided tests of a minimum effect (Murphy and Myors 1999) and from two one-sided tests of equivalence (Schuirmann
1987), both against the smallest difference that matters.
docs/statistics.md has the sources and what was measured.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

ROWS, GROUPS, RAREST = 100, 5, 10  # fewer rows, groups, or rows of the rarest class: cannot tell
CLIP, CLIP_SHARE = 0.01, 0.1  # probabilities are clipped at the smaller of CLIP and this share of the rarest class's
NEGLIGIBLE = 0.5  # share of the margin: a 5 % test of no difference at all errs in 5 %; of a negligible one hardly ever
POWER = 0.8  # at which the smallest difference that could have been seen is stated
NO_MARGIN = "base is no better than the trivial model, so no margin can be derived: set review.margin in params.yaml"
NOTHING = 1e-12  # below, a difference is rounding
LOG_LOSS, MAE, RMSE = "log_loss", "mean_absolute_error", "root_mean_squared_error"


@dataclass(frozen=True)
class Measured:
    """A metric of one side: values, shape (replicas,), and influences, shape (replicas, rows), each of mean 0."""

    values: np.ndarray
    influence: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """word: better, worse, same or cannot tell; the numbers are None where nothing could be estimated.

    difference, low, high: head less base in goodness, with the interval whose ends are the one-sided tests'; margin:
    the smallest difference that matters; worse, better: p values, of a difference that is at most NEGLIGIBLE; visible:
    the smallest that could have been seen with a power of 0.8; rows_needed: how many it takes to see the margin so.
    """

    word: str
    why: str
    difference: float
    margin: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    freedom: float | None = None
    worse: float | None = None
    better: float | None = None
    visible: float | None = None
    rows_needed: int | None = None


def clipped_at(truth: np.ndarray) -> float:
    """Where probabilities are clipped: one sure miss must not outweigh all the rest (truth: positions of classes)."""
    counts = np.bincount(truth)
    return float(min(CLIP, CLIP_SHARE * counts[counts > 0].min() / len(truth)))


def measured(
    metric: str, truth: np.ndarray, scores: np.ndarray, weight: np.ndarray | None = None, clip: float | None = None
) -> Measured:
    """The goodness of each replica and its influence function.

    truth: positions of classes, or values, shape (rows,); scores: probabilities, shape (replicas, rows, classes), or
    values, shape (replicas, rows). log_loss is clipped, at `clip` where these rows are a part of others; of the root
    mean squared error the influence is linearised.
    """
    if metric == LOG_LOSS:
        rows = -_log_loss(truth, scores, clipped_at(truth) if clip is None else clip)
    else:
        rows = -np.abs(truth - scores) if metric == MAE else -((truth - scores) ** 2)
    share = np.ones(len(truth)) if weight is None else weight * len(truth) / weight.sum()
    values = (rows * share).mean(axis=1)
    influence = (rows - values[:, None]) * share
    if metric == RMSE:
        root = np.sqrt(np.maximum(-values, NOTHING**2))
        return Measured(-root, influence / (2 * root[:, None]))
    return Measured(values, influence)


def _log_loss(truth: np.ndarray, scores: np.ndarray, least: float) -> np.ndarray:
    if scores.shape[-1] == 2:
        kept = np.clip(scores, least, 1 - least)
    else:
        kept = np.clip(scores, least, 1)
        kept = kept / kept.sum(axis=-1, keepdims=True)
    return -np.log(kept[:, np.arange(len(truth)), truth])


def margin(base: float, trivial: float, gap_share: float, loss_share: float, perfect: float = 0.0) -> float:
    """The smallest difference that matters: a share of what base gained on the trivial model or of what it still loses.

    The gap alone is too lax for a good model, the loss alone for a weak one. 0 where base is no better than trivial.
    """
    return max(0.0, min(gap_share * (base - trivial), loss_share * (perfect - base)))


def too_small(truth: np.ndarray, group: np.ndarray | None, classes: bool) -> str | None:
    """Why nothing can be said of so few rows, groups or rows of a class, if so."""
    if group is not None and len(np.unique(group)) < GROUPS:
        return f"{len(np.unique(group))} groups, at least {GROUPS} are needed"
    if group is None and len(truth) < ROWS:
        return f"{len(truth)} rows, at least {ROWS} are needed"
    counts = np.bincount(truth) if classes else np.array([RAREST])
    rarest = int(counts[counts > 0].min())
    return f"{rarest} rows of the rarest class, at least {RAREST} are needed" if rarest < RAREST else None


def compare(
    base: Measured, head: Measured, margin: float, alpha: float = 0.05, group: np.ndarray | None = None
) -> Verdict:
    """Head against base on the same rows and replicas.

    group: rows of one count as one (delete-one-group jackknife, with the effective number of groups as the degrees of
    freedom).
    """
    count, replicas = head.influence.shape[1], len(head.values)
    moved = head.influence - base.influence
    difference = float(head.values.mean() - base.values.mean())
    if np.abs(moved).max() < NOTHING and abs(difference) < NOTHING:
        return Verdict("same", "the predictions are identical", 0.0, margin)
    of_rows, of_both, freedom = _row_variance(moved, group)
    of_replicas = 0.0
    if replicas > 1:  # what rows and replicas share is in the rows' part already
        of_replicas = max(0.0, float((head.values - base.values).var(ddof=1)) - of_both) / replicas
    error = float(np.sqrt(of_rows + of_replicas))
    if error < NOTHING:
        return _without_noise(difference, margin)
    # Satterthwaite (1946)
    spread = of_rows**2 / freedom + (of_replicas**2 / (replicas - 1) if replicas > 1 else 0.0)
    freedom = (of_rows + of_replicas) ** 2 / spread
    return _verdict(difference, margin, error, float(freedom), alpha, count)


def _without_noise(difference: float, margin: float) -> Verdict:
    word = "same" if abs(difference) < max(NOTHING, NEGLIGIBLE * margin) else "worse" if difference < 0 else "better"
    return Verdict(word, "every row changed by the same amount", difference, margin, difference, difference, 0.0)


def _verdict(difference: float, margin: float, error: float, freedom: float, alpha: float, count: int) -> Verdict:
    reach, negligible = float(stats.t.ppf(1 - alpha, freedom)) * error, NEGLIGIBLE * margin
    worse, better = (float(stats.t.cdf((sign * difference + negligible) / error, freedom)) for sign in (1, -1))
    low, high = difference - reach, difference + reach
    interval = f"the {100 - 200 * alpha:.4g} % interval"
    word, why = _word(low, high, margin, worse < alpha, better < alpha)
    why = why.format(interval=interval)
    beyond = float(stats.t.ppf(1 - alpha, freedom) + stats.t.ppf(POWER, freedom)) * error
    needed = int(np.ceil(count * (beyond / (margin - negligible)) ** 2)) if margin > 0 else None
    return Verdict(word, why, difference, margin, low, high, error, freedom, worse, better, negligible + beyond, needed)


def _word(low: float, high: float, margin: float, worse: bool, better: bool) -> tuple[str, str]:
    """The word and its reason, in which `{interval}` stands for the interval's name."""
    size = " by more than half the margin" if margin else ""
    if worse:
        return "worse", f"all of {{interval}} is worse{size}"
    if better:
        return "better", f"all of {{interval}} is better{size}"
    if -margin < low and high < margin:
        return "same", "all of {interval} lies within the margin"
    if margin <= 0:
        return "cannot tell", NO_MARGIN
    return "cannot tell", "{interval} holds changes larger than the margin and changes smaller than half of it"


def _row_variance(moved: np.ndarray, group: np.ndarray | None) -> tuple[float, float, float]:
    """Variance of the mean difference by rows (or groups), the part of it that replicas add, degrees of freedom.

    moved: differences of influences, shape (replicas, rows).
    """
    mean, count, replicas = moved.mean(axis=0), moved.shape[1], len(moved)
    if group is None:
        both = float(moved.var(axis=0, ddof=1).mean()) / count if replicas > 1 else 0.0
        return float((mean**2).sum()) / (count * (count - 1)), both, count - 1.0
    codes = np.unique(group, return_inverse=True)[1]
    sizes = np.bincount(codes)
    sums = np.array([np.bincount(codes, each) for each in moved])
    left_out = (mean.sum() - sums.mean(axis=0)) / (count - sizes)
    groups = len(sizes)
    rows = float((groups - 1) / groups * ((left_out - mean.mean()) ** 2).sum())
    both = float(sums.var(axis=0, ddof=1).sum()) / count**2 if replicas > 1 else 0.0
    return rows, both, max(1.0, count**2 / float((sizes**2).sum()) - 1)


def compare_apart(
    base: Measured,
    head: Measured,
    margin: float,
    alpha: float = 0.05,
    groups: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
) -> Verdict:
    """Each side on rows, and groups, of its own: none has a partner, so the noise of both counts (Welch 1947)."""
    difference = float(head.values.mean() - base.values.mean())
    parts, freedoms = [], []
    for side, group in zip((base, head), groups, strict=True):
        of_rows, of_both, freedom = _row_variance(side.influence, group)
        replicas = len(side.values)
        own = max(0.0, float(side.values.var(ddof=1)) - of_both) / replicas if replicas > 1 else 0.0
        parts += [of_rows, own]
        freedoms += [freedom, max(1, replicas - 1)]
    error = float(np.sqrt(sum(parts)))
    if error < NOTHING:
        return _without_noise(difference, margin)
    freedom = sum(parts) ** 2 / sum(part**2 / each for part, each in zip(parts, freedoms, strict=True))
    return _verdict(difference, margin, error, float(freedom), alpha, head.influence.shape[1])
