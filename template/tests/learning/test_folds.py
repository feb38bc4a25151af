"""Folds respect groups and time; the threshold is the best one on rows that were not seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from src.learning.folds import best_threshold, folds
from src.names import GROUP, TARGET, TIME
from src.predictor.refusal import Refusal


@given(
    st.integers(0, 2**32),
    st.sampled_from([[GROUP], [TIME], [GROUP, TIME], []]),
    st.sampled_from(["binary", "regression"]),
)
@settings(max_examples=50, deadline=None)
def test_no_group_is_on_both_sides_and_nothing_trained_on_comes_after_the_test(seed, columns, task) -> None:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({TARGET: [0, 0, 1, 1, *random.integers(0, 2, random.integers(1, 30))]})  # as featurize grants
    rows[columns] = random.permutation(len(rows))[:, None] // random.integers(1, 4, len(columns))
    try:
        parts = folds(rows, task, 8, 0)[1]
    except Refusal:
        assert columns
        return
    assert 1 <= len(parts) <= 8
    for train, test in ((rows.iloc[a], rows.iloc[b]) for a, b in parts):
        assert not set(train.index) & set(test.index)
        assert train[TARGET].nunique() == 2
        assert GROUP not in rows or not set(train[GROUP]) & set(test[GROUP])
        assert TIME not in rows or train[TIME].max() <= test[TIME].min()


@pytest.mark.parametrize(
    ("columns", "task", "ones", "expected"),
    [
        ({}, "binary", 3, ("stratified", 3)),  # as many as the rarest class has rows
        ({}, "regression", 3, ("shuffled", 5)),
        ({GROUP: [0, 1, 2, 3] * 5}, "regression", 3, ("by group", 4)),
        ({TIME: range(20, 0, -1)}, "binary", 10, ("in time order", 3)),  # two have one class to learn from
    ],
)
def test_folds_are_as_many_as_wanted_or_as_there_can_be_and_none_is_refused(columns, task, ones, expected) -> None:
    rows = pd.DataFrame({TARGET: [1] * ones + [0] * (20 - ones)} | columns)
    kind, parts = folds(rows, task, 5, 0)
    assert (kind, len(parts)) == expected
    with pytest.raises(Refusal, match=r"of 20 training rows, no fold \(in time order\)"):
        folds(rows.assign(**{TARGET: [0] * 18 + [1] * 2, TIME: range(20)}), "binary", 5, 0)


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_the_automatic_threshold_has_the_highest_balanced_accuracy(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, score, weight = (
        np.r_[0, 1, random.integers(0, 2, 9)],
        random.integers(0, 9, 11) / 8,
        random.integers(1, 4, 11),
    )
    found = best_threshold(truth, score, weight)
    here, *others = (
        balanced_accuracy_score(truth, score >= x, sample_weight=weight) for x in [found, *np.arange(9) / 8]
    )
    assert here == pytest.approx(max(others))
    assert 0 <= found <= 1
    with pytest.raises(Refusal, match=r"model\.threshold: auto needs rows of both classes"):
        best_threshold(np.zeros(11, int), score, weight)
