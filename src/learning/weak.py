"""Weak slices that nobody named: a shallow tree on the loss of one half of the holdout, confirmed on the other.

A slice is weak where the model errs more than among other rows of which it is as sure: near the boundary between two
classes every model errs, and says so. And what a search finds is always bad on the rows that it searched, so each leaf
is tested on rows that the tree has not seen, one-sided (Welch 1947), corrected for the number of leaves (Holm 1979).
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind
from sklearn.tree import DecisionTreeRegressor

from src.learning.metrics import LEVEL, Outcome, losses
from src.predictor.schema import NUMERIC

FEWEST = 300  # rows of a holdout in which a search makes sense
DEPTH = 3
LEAF = 0.03  # of a half, and at least SMALLEST rows
SMALLEST = 15
LEVELS = 8  # of a category, the most frequent, that can be a condition
CLIP = 0.98  # quantile at which losses are cut off for the search: one wild row is no slice
ALPHA = 0.05
BINS = 20  # of equally sure predictions
DRAWS = 500
LONG = 40  # characters of a name in words

Conditions = dict[str, tuple[str, Any, np.ndarray]]  # column of the tree: name, level or None for a number, values


def weak_slices(
    rows: pd.DataFrame, types: dict[str, str], outcome: Outcome, group: np.ndarray | None
) -> list[dict[str, Any]]:
    """Confirmed slices, the worst first: slice (in words), rows, loss [value, low, high], rest, p (after Holm).

    rows: source columns of the holdout; outcome: of the same rows; group: rows of one stay in one half. Loss and rest
    are means of the half that confirms.
    """
    if len(rows) < FEWEST:
        return []
    conditions = _conditions(rows, types)
    if not conditions:
        return []
    values = np.column_stack([column for *_, column in conditions.values()])
    random = np.random.default_rng(0)
    codes = np.arange(len(rows)) if group is None else np.unique(group, return_inverse=True)[1]
    search = (random.permutation(codes.max() + 1) % 2).astype(bool)[codes]
    if search.all() or not search.any():
        return []
    loss, listed = losses(outcome.task, outcome.truth, outcome.scores), list(conditions.values())
    more = excess(outcome, loss)
    found = [each for half in (search, ~search) for each in _leaves(values, loss, more, half, listed)]
    found = [each for each in found if each["p"] < 1]
    order = sorted(range(len(found)), key=lambda i: found[i]["p"])
    bound = 0.0
    for rank, i in enumerate(order):
        bound = max(bound, min(1.0, found[i]["p"] * (len(found) - rank)))
        found[i]["p"] = bound
    kept = {each["slice"]: each for each in sorted(found, key=lambda each: -each["p"]) if each["p"] <= ALPHA}
    return sorted(kept.values(), key=lambda each: each["p"])


def excess(outcome: Outcome, loss: np.ndarray) -> np.ndarray:
    """How much more each row costs than the mean of the rows with a prediction like its own."""
    score = outcome.scores
    if outcome.task != "regression":
        score = outcome.scores[:, outcome.positive] if outcome.task == "binary" else outcome.scores.max(axis=1)
    bins = np.empty(len(loss), int)
    bins[np.argsort(score, kind="stable")] = np.arange(len(loss)) * BINS // len(loss)
    return loss - (np.bincount(bins, loss) / np.bincount(bins))[bins]


def _conditions(rows: pd.DataFrame, types: dict[str, str]) -> Conditions:
    made: Conditions = {}
    for name, kind in types.items():
        values = rows[name]
        if kind in (*NUMERIC, "timestamp"):
            number = values.astype("int64").astype(float) if kind == "timestamp" else values.astype(float)
            number = number.where(values.notna())
            made[f"{name} <"] = (name, None, number.fillna(number.median()).fillna(0).to_numpy())
        elif kind in ("category", "boolean"):
            for level in values.value_counts().index[:LEVELS]:
                made[f"{name} = {level}"] = (name, level, (values == level).fillna(False).to_numpy(dtype=float))
        if values.isna().any():
            made[f"{name} missing"] = (name, pd.NA, values.isna().to_numpy(dtype=float))
    return made


def _leaves(
    values: np.ndarray, loss: np.ndarray, more: np.ndarray, search: np.ndarray, conditions: list[tuple]
) -> list[dict[str, Any]]:
    """Each leaf that is worse in the half `search`, tested on the other half."""
    least = max(SMALLEST, int(LEAF * search.sum()))
    target = np.minimum(more, np.quantile(more[search], CLIP))
    tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=least, random_state=0)
    tree.fit(values[search], target[search])
    leaves, random = tree.apply(values), np.random.default_rng(0)
    worse = [leaf for leaf in np.unique(leaves) if target[search & (leaves == leaf)].mean() > target[search].mean()]
    found = []
    for leaf in worse:
        inside, outside = (loss[~search & side] for side in (leaves == leaf, leaves != leaf))
        if len(inside) < SMALLEST or not len(outside):
            continue
        means = random.choice(inside, (DRAWS, len(inside))).mean(axis=1)
        low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        sides = (more[~search & side] for side in (leaves == leaf, leaves != leaf))
        p = float(np.nan_to_num(ttest_ind(*sides, equal_var=False, alternative="greater").pvalue, nan=1.0))
        words = _in_words(tree.tree_, int(leaf), conditions)
        interval = [float(inside.mean()), float(low), float(high)]
        rows = int((leaves == leaf).sum())
        found.append({"slice": words, "rows": rows, "loss": interval, "rest": float(outside.mean()), "p": p})
    return found


def _in_words(tree: Any, leaf: int, conditions: list[tuple]) -> str:
    """The conditions on the way to a leaf; of a number the narrowest on each side."""
    sides = {"left": tree.children_left, "right": tree.children_right}
    parents = {
        int(child): (node, side)
        for side, children in sides.items()
        for node, child in enumerate(children)
        if child >= 0
    }
    said: dict[tuple[str, str], str] = {}
    while leaf in parents:
        leaf, side = parents[leaf]
        name, level, _ = conditions[tree.feature[leaf]]
        short = name if len(name) <= LONG else f"{name[: LONG // 2]}…{name[-LONG // 2 :]}"
        if level is None:
            sign = "<=" if side == "left" else ">"
            said.setdefault((name, sign), f"{short} {sign} {tree.threshold[leaf]:.4g}")
        elif level is pd.NA:
            said.setdefault((name, "missing"), f"{short} is {'not ' if side == 'left' else ''}missing")
        else:
            said.setdefault((name, str(level)), f"{short} {'!=' if side == 'left' else '='} {str(level)[:LONG]!r}")
    return " and ".join(reversed(said.values()))
