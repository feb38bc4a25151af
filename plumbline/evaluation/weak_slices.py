"""The search for weak slices: pairs of conditions under which the model errs more than on rows of equal confidence.

Near the boundary between two classes every model errs, and its probabilities say so; such rows are not a weak slice.
Whatever a search finds is bad on the rows that it searched, so the pairs are found in one half of the holdout and
tested on the other half. All pairs are tried: a greedy tree misses two conditions that look harmless alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from plumbline.bootstrap import Estimate, draw_weights, interval
from plumbline.data.schema import NUMERIC
from plumbline.evaluation.slices import holm
from plumbline.outcome import Outcome, losses

MIN_ROWS = 300  # of a holdout in which a search makes sense
MAX_ROWS = 10_000  # of the holdout that are searched
MIN_SLICE, MIN_SHARE = 15, 0.03  # rows of a slice in each half, and its share of them
EDGES, LEVELS = 16, 20  # quantiles, and most frequent levels, of a column that make conditions
MAX_CONDITIONS = 400  # the worst single conditions, which are paired
CANDIDATES, MAX_RANK = 3, 5000  # slices of each half that are tested, and how many pairs are looked at for them
MAX_OVERLAP = 0.3  # Jaccard similarity of the rows of two slices, above which they count as one
CLIP = 0.99  # quantile at which losses are cut off: one outlier is not a slice
ALPHA = 0.02
BINS = 10  # of rows of equal confidence
DRAWS = 500
WIDTH = 77  # characters of a condition: two with " and " have at most 160


@dataclass(frozen=True)
class WeakSlice:
    """A confirmed weak slice, measured on the half that confirms it; an entry of "weak_slices" in metrics/slices.json.

    Attributes
    ----------
    conditions : str
        In words, such as "x < 0.5 and level = 'c'".
    rows : int
    loss : Estimate
        The mean loss inside.
    loss_elsewhere : float
        The mean loss of the other rows.
    p_value : float
        Adjusted for the number of tests.
    """

    conditions: str
    rows: int
    loss: Estimate
    loss_elsewhere: float
    p_value: float


@dataclass(frozen=True)
class _Candidate:
    """Two conditions (positions), the rows where both hold, the rows that test them, and the p value there."""

    p_value: float
    pair: tuple[int, int]
    inside: np.ndarray
    test_rows: np.ndarray


def find_weak_slices(
    rows: pd.DataFrame, types: dict[str, str], outcome: Outcome, group: np.ndarray | None = None
) -> list[WeakSlice]:
    """Return the confirmed weak slices, the smallest p value first.

    Each candidate is tested on the other half of the rows, one-sided by Welch's t-test, adjusted by Holm's method.

    Parameters
    ----------
    rows : DataFrame, shape (rows, columns)
        Source columns of the holdout.
    types : dict of str to str
        The type of each column.
    outcome : Outcome
        Of the same rows.
    group : array, shape (rows,), optional
        The rows of a group stay in one half and count as one in the test.

    References
    ----------
    Welch (1947). The generalization of Student's problem. Biometrika 34, 28-35.
    """
    if len(rows) < MIN_ROWS:
        return []
    random = np.random.default_rng(0)
    sample = np.sort(random.permutation(len(rows))[:MAX_ROWS])
    units = np.arange(len(sample)) if group is None else np.unique(group[sample], return_inverse=True)[1]
    half = (random.permutation(units.max() + 1) % 2)[units]
    if np.ptp(half) == 0:
        return []
    part = outcome.take(sample)
    loss = losses(part.task, part.truth, part.scores)
    excess = _excess_loss(part, np.minimum(loss, np.quantile(loss, CLIP)))
    names, masks = _conditions(rows.iloc[sample], types)
    candidates = []
    for search_rows in (half == 0, half == 1):
        for pair in _worst_pairs(masks[:, search_rows], excess[search_rows], loss[search_rows]):
            inside, test_rows = np.logical_and.reduce(masks[list(pair)]), np.logical_not(search_rows)
            candidates.append(_Candidate(_welch(excess, units, inside, test_rows), pair, inside, test_rows))
    return [
        _describe(candidate, p_value, names, loss, None if group is None else units)
        for p_value, candidate in _confirm(candidates)
    ]


def _describe(
    candidate: _Candidate, p_value: float, names: Sequence[str], loss: np.ndarray, units: np.ndarray | None
) -> WeakSlice:
    rows = candidate.inside & candidate.test_rows
    inside, outside = loss[rows], loss[~candidate.inside & candidate.test_rows]
    weights = draw_weights(len(inside), DRAWS, None, None if units is None else units[rows])
    means = np.concatenate([chunk @ inside / chunk.sum(axis=1) for chunk in weights])
    conditions = " and ".join(names[i] for i in dict.fromkeys(candidate.pair))
    estimate = Estimate(float(inside.mean()), *interval(means))
    return WeakSlice(conditions, len(inside), estimate, float(outside.mean()), p_value)


def _excess_loss(outcome: Outcome, loss: np.ndarray) -> np.ndarray:
    """Return the loss of each row beyond the mean loss of rows of equal confidence."""
    confidence = outcome.scores
    if outcome.task != "regression":
        probability = np.clip(outcome.scores, np.finfo(float).eps, 1)
        confidence = -(probability * np.log(probability)).sum(axis=1)
    excess = np.empty(len(loss))
    for rows in np.array_split(np.argsort(confidence, kind="stable"), BINS):
        excess[rows] = loss[rows] - loss[rows].mean()
    return excess


def _conditions(rows: pd.DataFrame, types: dict[str, str]) -> tuple[list[str], np.ndarray]:
    """Return conditions in words, and where they hold, shape (conditions, rows)."""
    masks = {}
    for name, kind in types.items():
        for text, condition in _column_conditions(rows[name], kind):
            mask = condition.to_numpy(dtype=bool, na_value=False)
            if mask.sum() >= 2 * MIN_SLICE:
                masks[_shorten(" ".join(name.split()), WIDTH - len(text)) + text] = mask
    return [*masks], np.array([*masks.values()], dtype=bool).reshape(len(masks), len(rows))


def _column_conditions(values: "pd.Series[Any]", kind: str) -> Iterator[tuple[str, "pd.Series[bool]"]]:
    """Yield: missing; below and from some quantiles (rounded, so the text is exact); each of the frequent levels."""
    yield " is missing", values.isna()
    if kind in (*NUMERIC, "timestamp"):
        edges = values.quantile(np.linspace(0, 1, EDGES + 2)[1:-1]).dropna()
        for edge in edges.map(lambda edge: edge.floor("s") if kind == "timestamp" else float(f"{edge:.4g}")).unique():
            text = str(pd.Timestamp(edge)) if kind == "timestamp" else f"{edge:.15g}"
            yield f" < {text}", values < edge
            yield f" >= {text}", values >= edge
    elif kind in ("category", "boolean"):
        for level in values.value_counts().sort_index().nlargest(LEVELS).index:
            text = repr(level) if isinstance(level, str) else str(level)
            yield f" = {_shorten(text, WIDTH // 2)}", values == level


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: (width - 1) // 2]}…{text[len(text) - width // 2 :]}"


def _worst_pairs(masks: np.ndarray, excess: np.ndarray, loss: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of conditions with the largest excess loss in these rows that do not overlap much."""
    least = max(MIN_SLICE, MIN_SHARE * len(excess))
    best = np.argsort(-_score(masks.sum(axis=1), masks @ excess, least), kind="stable")[:MAX_CONDITIONS]
    both = masks[best].astype(float)
    size, total, above_mean = both @ both.T, (both * excess) @ both.T, (both * (loss - loss.mean())) @ both.T
    score = np.triu(np.where(above_mean > 0, _score(size, total, least), 0))
    pairs: list[tuple[int, int]] = []
    slices: list[np.ndarray] = []
    for place in np.argsort(-score, axis=None, kind="stable")[:MAX_RANK]:
        i, j = divmod(int(place), len(best))
        if score[i, j] <= 0 or len(pairs) == CANDIDATES:
            break
        inside = masks[best[i]] & masks[best[j]]
        if not any(_overlaps(inside, slice_) for slice_ in slices):
            pairs.append((int(best[i]), int(best[j])))
            slices.append(inside)
    return pairs


def _score(size: np.ndarray, total: np.ndarray, least: float) -> np.ndarray:
    """Return the excess loss in units of its noise; 0 for a slice that is too small."""
    return np.where(size >= least, total / np.sqrt(np.maximum(size, 1)), 0)


def _overlaps(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a & b).sum() > MAX_OVERLAP * (a | b).sum())


def _welch(excess: np.ndarray, units: np.ndarray, inside: np.ndarray, test_rows: np.ndarray) -> float:
    """Return the p value for: the rows, or groups, inside have a larger excess loss than those outside."""
    means = []
    for rows in (inside & test_rows, ~inside & test_rows):
        counts = np.bincount(units[rows])
        means.append(np.bincount(units[rows], excess[rows])[counts > 0] / counts[counts > 0])
    if len(means[0]) < 2 or len(means[1]) < 2 or not np.ptp(means[0]):
        return 1.0
    return float(ttest_ind(*means, equal_var=False, alternative="greater").pvalue)


def _confirm(candidates: list[_Candidate]) -> Iterator[tuple[float, _Candidate]]:
    """Yield the candidates that pass, with adjusted p values; of two that overlap, the one with the smaller."""
    slices: list[np.ndarray] = []
    ordered_candidates = sorted(candidates, key=lambda candidate: candidate.p_value)
    p_values = holm([candidate.p_value for candidate in ordered_candidates])
    for p_value, candidate in zip(p_values, ordered_candidates, strict=True):
        if p_value <= ALPHA and not any(_overlaps(candidate.inside, slice_) for slice_ in slices):
            slices.append(candidate.inside)
            yield p_value, candidate
