"""The verdict on two recipes: better, worse, same or cannot tell.

Both recipes have K replicas (a seed and a split; replica k has the same ones on both sides) of predictions for rows
that they were not trained on. A metric is taken as a goodness (higher is better), and its influence function says what
each row contributes. The variance of the difference has a part due to rows and a part due to replicas; what both parts
share is counted once. The verdict follows from one-sided tests of a minimum effect and from two one-sided tests of
equivalence, both against the margin.

`plumbline docs statistics` gives the derivation and the measured error rates.

References
----------
Murphy, K. R. and Myors, B. (1999), Testing the hypothesis that treatments have negligible effects: minimum-effect tests
in the general linear model. Journal of Applied Psychology 84(2), 234-248.

Schuirmann, D. J. (1987), A comparison of the two one-sided tests procedure and the power approach for assessing the
equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
"""

import numpy as np
from scipy import stats

from plumbline.review.estimates import ROUNDING, MetricEstimate
from plumbline.review.result.comparison import NO_MARGIN, Verdict, Word

MIN_ROWS, MIN_GROUPS, MIN_CLASS_ROWS = 100, 5, 10  # below one of these the verdict is "cannot tell"
NEGLIGIBLE = 0.5  # share of the margin: a 5 % test of no difference at all errs in 5 %; of a negligible one hardly ever
POWER = 0.8  # of the smallest detectable difference


def derive_margin(base: float, trivial: float, *, gap_share: float, loss_share: float) -> float:
    """Return the smallest difference that matters.

    It is the smaller of a share of what base gains on the trivial baseline and a share of what base still loses: the
    gain alone is too lax for a good model, the loss alone for a weak one.

    Parameters
    ----------
    base, trivial : float
        Goodness of base and of the trivial baseline; 0 is perfect.
    gap_share, loss_share : float
        review.gap and review.loss of params.yaml.

    Returns
    -------
    float
        0 where base is no better than the trivial baseline.

    Examples
    --------
    >>> round(derive_margin(-0.1, -0.66, gap_share=0.05, loss_share=0.1), 4)
    0.01
    """
    return max(0.0, min(gap_share * (base - trivial), loss_share * (0.0 - base)))


def find_shortage(truth: np.ndarray, group: np.ndarray | None, *, has_classes: bool) -> str | None:
    """Return which of rows, groups and rows of the rarest class are too few for a verdict; None where none is."""
    if group is not None and len(np.unique(group)) < MIN_GROUPS:
        return f"{len(np.unique(group))} groups, at least {MIN_GROUPS} are needed"
    if group is None and len(truth) < MIN_ROWS:
        return f"{len(truth)} rows, at least {MIN_ROWS} are needed"
    counts = np.bincount(truth) if has_classes else np.array([MIN_CLASS_ROWS])
    rarest = int(counts[counts > 0].min())
    if rarest < MIN_CLASS_ROWS:
        return f"{rarest} rows of the rarest class, at least {MIN_CLASS_ROWS} are needed"
    return None


def compare_paired(
    base: MetricEstimate,
    head: MetricEstimate,
    margin: float,
    *,
    alpha: float = 0.05,
    group: np.ndarray | None = None,
) -> Verdict:
    """Return the verdict on head against base, both estimated on the same rows and replicas.

    Parameters
    ----------
    base, head : MetricEstimate
    margin : float
        The smallest difference that matters; 0 where there is none.
    alpha : float
        Level of each one-sided test.
    group : ndarray of shape (rows,), optional
        Rows of a group count as one unit: delete-one-group jackknife, with the effective number of groups in the
        degrees of freedom.

    References
    ----------
    Satterthwaite, F. E. (1946), An approximate distribution of estimates of variance components. Biometrics Bulletin
    2(6), 110-114: the degrees of freedom of the sum of both parts of the variance.
    """
    count, replicas = head.influence.shape[1], len(head.values)
    influence = head.influence - base.influence
    difference = float(head.values.mean() - base.values.mean())
    if np.abs(influence).max() < ROUNDING and abs(difference) < ROUNDING:
        return Verdict(word="same", why="the predictions are identical", difference=0.0, margin=margin)
    row_variance, shared, freedom = _row_variance(influence, group)
    replica_variance = 0.0
    if replicas > 1:  # what rows and replicas share is in the rows' part already
        replica_variance = max(0.0, float((head.values - base.values).var(ddof=1)) - shared) / replicas
    error = float(np.sqrt(row_variance + replica_variance))
    if error < ROUNDING:
        return _constant_verdict(difference, margin)
    spread = row_variance**2 / freedom + (replica_variance**2 / (replicas - 1) if replicas > 1 else 0.0)
    freedom = (row_variance + replica_variance) ** 2 / spread
    return _test_difference(difference, margin, error, float(freedom), alpha, count)


def _constant_verdict(difference: float, margin: float) -> Verdict:
    """Return the verdict where every row changed by the same amount, so that there is no noise."""
    is_same = abs(difference) < max(ROUNDING, NEGLIGIBLE * margin)
    return Verdict(
        word="same" if is_same else "worse" if difference < 0 else "better",
        why="every row changed by the same amount",
        difference=difference,
        margin=margin,
        low=difference,
        high=difference,
        standard_error=0.0,
    )


def _test_difference(
    difference: float, margin: float, error: float, freedom: float, alpha: float, count: int
) -> Verdict:
    negligible, quantile = NEGLIGIBLE * margin, float(stats.t.ppf(1 - alpha, freedom))
    reach = quantile * error
    p_worse, p_better = (float(stats.t.cdf((sign * difference + negligible) / error, freedom)) for sign in (1, -1))
    low, high = difference - reach, difference + reach
    word, why = _choose_word(low, high, margin, is_worse=p_worse < alpha, is_better=p_better < alpha)
    beyond = float(stats.t.ppf(1 - alpha, freedom) + stats.t.ppf(POWER, freedom)) * error
    return Verdict(
        word=word,
        why=why.format(interval=f"the {100 - 200 * alpha:.4g} % interval"),
        difference=difference,
        margin=margin,
        low=low,
        high=high,
        standard_error=error,
        degrees_of_freedom=freedom,
        p_worse=p_worse,
        p_better=p_better,
        detectable_difference=negligible + beyond,
        rows_needed=int(np.ceil(count * (beyond / (margin - negligible)) ** 2)) if margin > 0 else None,
    )


def _choose_word(low: float, high: float, margin: float, *, is_worse: bool, is_better: bool) -> tuple[Word, str]:
    """Return the word and its explanation, in which `{interval}` stands for the name of the interval."""
    size = " by more than half the margin" if margin else ""
    if is_worse:
        return "worse", f"even the most favourable end of {{interval}} is worse{size}"
    if is_better:
        return "better", f"even the least favourable end of {{interval}} is better{size}"
    if -margin < low and high < margin:
        return "same", "all of {interval} lies within the margin"
    if margin <= 0:
        return "cannot tell", NO_MARGIN
    why = "{interval} contains both changes larger than the margin and changes smaller than half the margin"
    return "cannot tell", why


def _row_variance(influence: np.ndarray, group: np.ndarray | None) -> tuple[float, float, float]:
    """Return the variance of the mean by rows (or groups), the part of it that replicas add, the degrees of freedom.

    influence: shape (replicas, rows).
    """
    mean, count, replicas = influence.mean(axis=0), influence.shape[1], len(influence)
    if group is None:
        shared = float(influence.var(axis=0, ddof=1).mean()) / count if replicas > 1 else 0.0
        return float((mean**2).sum()) / (count * (count - 1)), shared, count - 1.0
    codes = np.unique(group, return_inverse=True)[1]
    sizes = np.bincount(codes)
    sums = np.array([np.bincount(codes, replica) for replica in influence])
    jackknife_means = (mean.sum() - sums.mean(axis=0)) / (count - sizes)
    groups = len(sizes)
    variance = float((groups - 1) / groups * ((jackknife_means - mean.mean()) ** 2).sum())
    shared = float(sums.var(axis=0, ddof=1).sum()) / count**2 if replicas > 1 else 0.0
    return variance, shared, max(1.0, count**2 / float((sizes**2).sum()) - 1)


def compare_unpaired(
    base: MetricEstimate,
    head: MetricEstimate,
    margin: float,
    *,
    alpha: float = 0.05,
    groups: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
) -> Verdict:
    """Return the verdict on head against base, each estimated on rows (and groups) of its own.

    Parameters
    ----------
    base, head : MetricEstimate
    margin, alpha : float
        As in `compare_paired`.
    groups : pair of ndarray or None
        The groups of base's rows and of head's.

    References
    ----------
    Welch, B. L. (1947), The generalization of "Student's" problem when several different population variances are
    involved. Biometrika 34, 28-35: rows without a partner, so the noise of both sides counts.
    """
    difference = float(head.values.mean() - base.values.mean())
    variances: list[float] = []
    freedoms: list[float] = []
    for side, group in zip((base, head), groups, strict=True):
        row_variance, shared, freedom = _row_variance(side.influence, group)
        replicas = len(side.values)
        replica_variance = max(0.0, float(side.values.var(ddof=1)) - shared) / replicas if replicas > 1 else 0.0
        variances += [row_variance, replica_variance]
        freedoms += [freedom, max(1, replicas - 1)]
    error = float(np.sqrt(sum(variances)))
    if error < ROUNDING:
        return _constant_verdict(difference, margin)
    spread = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    freedom = sum(variances) ** 2 / spread
    return _test_difference(difference, margin, error, float(freedom), alpha, head.influence.shape[1])
