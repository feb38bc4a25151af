"""A metric of one side with its influence function, from which the variance of a difference follows."""

from dataclasses import dataclass

import numpy as np

CLIP, CLIP_SHARE = 0.01, 0.1  # probabilities are clipped at the smaller of CLIP and this share of the rarest class's
ROUNDING = 1e-12  # a smaller difference is rounding
LOG_LOSS, MAE, RMSE = "log_loss", "mean_absolute_error", "root_mean_squared_error"


@dataclass(frozen=True)
class MetricEstimate:
    """A metric of one side, as a goodness.

    Attributes
    ----------
    values : ndarray of shape (replicas,)
        The metric of each replica; higher is better.
    influence : ndarray of shape (replicas, rows)
        What each row contributes; the mean over the rows is 0.
    """

    values: np.ndarray
    influence: np.ndarray

    @property
    def mean(self) -> float:
        """The mean over the replicas."""
        return float(self.values.mean())


def clip_bound(truth: np.ndarray) -> float:
    """Return the smallest probability that log loss is taken of: one confident miss must not outweigh all other rows.

    Parameters
    ----------
    truth : ndarray of shape (rows,)
        The class of each row, as a position.

    Examples
    --------
    >>> clip_bound(np.array([0] * 990 + [1] * 10))
    0.001
    """
    counts = np.bincount(truth)
    return float(min(CLIP, CLIP_SHARE * counts[counts > 0].min() / len(truth)))


def estimate_metric(
    metric: str,
    truth: np.ndarray,
    scores: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    clip: float | None = None,
) -> MetricEstimate:
    """Return the goodness of each replica and its influence function.

    Parameters
    ----------
    metric : str
        log_loss, mean_absolute_error or root_mean_squared_error.
    truth : ndarray of shape (rows,)
        Positions of classes, or values.
    scores : ndarray of shape (replicas, rows, classes) or (replicas, rows)
        Probabilities, or predicted values.
    weight : ndarray of shape (rows,), optional
    clip : float, optional
        Where log loss clips probabilities; `clip_bound` of these rows by default. Pass the bound of all rows where
        these are a part of them.

    Returns
    -------
    MetricEstimate
        The influence of the root mean squared error is its linear approximation.
    """
    if metric == LOG_LOSS:
        goodness = -_log_loss(truth, scores, clip_bound(truth) if clip is None else clip)
    else:
        goodness = -np.abs(truth - scores) if metric == MAE else -((truth - scores) ** 2)
    share = np.ones(len(truth)) if weight is None else weight * len(truth) / weight.sum()
    values = (goodness * share).mean(axis=1)
    influence = (goodness - values[:, None]) * share
    if metric == RMSE:
        root = np.sqrt(np.maximum(-values, ROUNDING**2))
        return MetricEstimate(-root, influence / (2 * root[:, None]))
    return MetricEstimate(values, influence)


def _log_loss(truth: np.ndarray, scores: np.ndarray, bound: float) -> np.ndarray:
    if scores.shape[-1] == 2:
        clipped = np.clip(scores, bound, 1 - bound)
    else:
        clipped = np.clip(scores, bound, 1)
        clipped = clipped / clipped.sum(axis=-1, keepdims=True)
    losses: np.ndarray = -np.log(clipped[:, np.arange(len(truth)), truth])
    return losses
