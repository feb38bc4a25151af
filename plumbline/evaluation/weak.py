"""Weak slices that nobody named: two conditions together, searched in one half of the holdout, confirmed on the other.

A slice is weak where the model errs more than among other rows of which it is as sure: near the boundary between two
classes every model errs, and says so. What a search finds is always bad on the rows that it searched, so each slice is
tested on the other half, one-sided (Welch 1947), corrected for how many are (Holm 1979). It is the best tree of depth
two: a greedy one misses conjunctions whose parts look harmless alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from plumbline.data.schema import NUMERIC
from plumbline.evaluation.slices import holm
from plumbline.metrics import Outcome, draws, interval, losses

FEWEST = 300  # rows of a holdout in which a search makes sense
MOST = 10_000  # rows that are looked at
SMALLEST, SHARE = 15, 0.03  # rows of a slice in each half, and its share of them
EDGES, LEVELS = 16, 20  # quantiles, and most frequent levels, of a column that make conditions
CONDITIONS = 400  # that are put together: those that are worst alone
TRIED, RANKED = 3, 5000  # slices of each half that are tested, and how far down they are looked for
ALIKE = 0.3  # of the rows of either of two slices in both: more are one slice
CLIP = 0.99  # quantile at which losses are cut off: one wild row is no slice
ALPHA = 0.02
BINS = 10  # of equally sure predictions
DRAWS = 500
ROOM = 77  # characters of a condition: two and the word between them are 160 at most


@dataclass(frozen=True)
class Tested:
    """Two conditions, the rows where both hold, the half that tests them, and the p value there."""

    p: float
    pair: tuple[int, int]
    within: np.ndarray
    half: np.ndarray


def weak_slices(
    rows: pd.DataFrame, types: dict[str, str], outcome: Outcome, group: np.ndarray | None
) -> list[dict[str, Any]]:
    """Confirmed slices, the surest first: slice (in words), rows, loss [value, low, high], rest, p (after Holm).

    rows: source columns of the holdout; outcome: of the same rows; group: rows of one stay in one half and count as
    one in the test. Rows, loss and rest are of the half that confirms.
    """
    if len(rows) < FEWEST:
        return []
    random = np.random.default_rng(0)
    taken = np.sort(random.permutation(len(rows))[:MOST])
    units = np.arange(len(taken)) if group is None else np.unique(group[taken], return_inverse=True)[1]
    side = (random.permutation(units.max() + 1) % 2)[units]
    if np.ptp(side) == 0:
        return []
    part = outcome.part(taken)
    loss = losses(part.task, part.truth, part.scores)
    more = excess(part, np.minimum(loss, np.quantile(loss, CLIP)))
    words, holds = _conditions(rows.iloc[taken], types)
    tested = []
    for number in (0, 1):
        search: np.ndarray = side == number
        for pair in _worst(holds[:, search], more[search], loss[search]):
            within, half = np.logical_and.reduce(holds[list(pair)]), np.logical_not(search)
            tested.append(Tested(_p(more, units, within, half), pair, within, half))
    found = []
    for p, each in _confirmed(tested):
        inside, outside = loss[each.within & each.half], loss[~each.within & each.half]
        drawn = draws(len(inside), DRAWS, None, None if group is None else units[each.within & each.half])
        means = np.concatenate([weights @ inside / weights.sum(axis=1) for weights in drawn])
        name = " and ".join(words[i] for i in dict.fromkeys(each.pair))
        value = [float(inside.mean()), *interval(means)]
        found.append({"slice": name, "rows": len(inside), "loss": value, "rest": float(outside.mean()), "p": p})
    return found


def excess(outcome: Outcome, loss: np.ndarray) -> np.ndarray:
    """How much more each row costs than the mean of the rows of which the model is as sure."""
    sure = outcome.scores
    if outcome.task != "regression":
        likely = np.clip(outcome.scores, np.finfo(float).eps, 1)
        sure = -(likely * np.log(likely)).sum(axis=1)
    made = np.empty(len(loss))
    for part in np.array_split(np.argsort(sure, kind="stable"), BINS):
        made[part] = loss[part] - loss[part].mean()
    return made


def _conditions(rows: pd.DataFrame, types: dict[str, str]) -> tuple[list[str], np.ndarray]:
    """Conditions in words, and where they hold, shape (conditions, rows)."""
    found = {}
    for name, kind in types.items():
        for words, where in _of_column(rows[name], kind):
            holds = where.to_numpy(dtype=bool, na_value=False)
            if holds.sum() >= 2 * SMALLEST:
                found[_shortened(" ".join(name.split()), ROOM - len(words)) + words] = holds
    return [*found], np.array([*found.values()], dtype=bool).reshape(len(found), len(rows))


def _of_column(values: pd.Series, kind: str) -> Iterator[tuple[str, pd.Series]]:
    """Missing; below and from each of some quantiles (rounded: the words are exact), or one of the frequent levels."""
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
            yield f" = {_shortened(text, ROOM // 2)}", values == level


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: (room - 1) // 2]}…{text[len(text) - room // 2 :]}"


def _worst(holds: np.ndarray, more: np.ndarray, loss: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of conditions that are worst here and unlike each other."""
    least = max(SMALLEST, SHARE * len(more))
    best = np.argsort(-_score(holds.sum(axis=1), holds @ more, least), kind="stable")[:CONDITIONS]
    both = holds[best].astype(float)
    size, total, lost = both @ both.T, (both * more) @ both.T, (both * (loss - loss.mean())) @ both.T
    score = np.triu(np.where(lost > 0, _score(size, total, least), 0))
    found: list[tuple[int, int]] = []
    seen: list[np.ndarray] = []
    for place in np.argsort(-score, axis=None, kind="stable")[:RANKED]:
        i, j = divmod(int(place), len(best))
        if score[i, j] <= 0 or len(found) == TRIED:
            break
        within = holds[best[i]] & holds[best[j]]
        if not any(_alike(within, other) for other in seen):
            found.append((int(best[i]), int(best[j])))
            seen.append(within)
    return found


def _score(size: np.ndarray, total: np.ndarray, least: float) -> np.ndarray:
    """What is lost beyond expectation in units of its noise; 0 for a slice that is too small."""
    return np.where(size >= least, total / np.sqrt(np.maximum(size, 1)), 0)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one & other).sum() > ALIKE * (one | other).sum())


def _p(more: np.ndarray, units: np.ndarray, within: np.ndarray, half: np.ndarray) -> float:
    """Do the rows, or the groups, inside lose more than those outside?"""
    means = []
    for rows in (within & half, ~within & half):
        counts = np.bincount(units[rows])
        means.append(np.bincount(units[rows], more[rows])[counts > 0] / counts[counts > 0])
    if len(means[0]) < 2 or len(means[1]) < 2 or not np.ptp(means[0]):
        return 1.0
    return float(ttest_ind(*means, equal_var=False, alternative="greater").pvalue)


def _confirmed(tested: list[Tested]) -> Iterator[tuple[float, Tested]]:
    """Those that pass, with the adjusted p; of two that are alike the surer one."""
    seen: list[np.ndarray] = []
    ordered = sorted(tested, key=lambda one: one.p)
    for p, each in zip(holm([one.p for one in ordered]), ordered, strict=True):
        if p <= ALPHA and not any(_alike(each.within, other) for other in seen):
            seen.append(each.within)
            yield p, each
