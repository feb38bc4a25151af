"""Folds respect groups, repeated rows and time; the threshold is the best one on rows that were not seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from plumbline.data.schema import GROUP, KEY, TARGET, TIME
from plumbline.errors import PlumblineError
from plumbline.training.folds import best_threshold, count_repeats, make_folds


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
        folds = make_folds(rows, task, n_folds=8, seed=0).folds
    except PlumblineError:
        assert columns
        return
    assert 1 <= len(folds) <= 8
    for train, test in ((rows.iloc[fold.train], rows.iloc[fold.test]) for fold in folds):
        assert not set(train.index) & set(test.index)
        assert train[TARGET].nunique() == 2
        assert GROUP not in rows or not set(train[GROUP]) & set(test[GROUP])
        assert TIME not in rows or train[TIME].max() <= test[TIME].min()


@pytest.mark.parametrize(
    ("columns", "task", "positives", "expected"),
    [
        ({}, "binary", 3, ("stratified", 3)),  # as many as the rarest class has rows
        ({}, "regression", 3, ("shuffled", 5)),
        ({GROUP: [0, 1, 2, 3] * 5}, "regression", 3, ("by group", 4)),
        ({TIME: range(20, 0, -1)}, "binary", 10, ("in time order", 3)),  # two have one class to learn from
    ],
)
def test_folds_are_as_many_as_wanted_or_as_there_can_be_and_none_is_refused(columns, task, positives, expected) -> None:
    rows = pd.DataFrame({TARGET: [1] * positives + [0] * (20 - positives)} | columns)
    folds = make_folds(rows, task, n_folds=5, seed=0)
    assert (folds.kind, len(folds.folds)) == expected
    with pytest.raises(PlumblineError, match=r"of 20 training rows, no fold \(in time order\)"):
        make_folds(rows.assign(**{TARGET: [0] * 18 + [1] * 2, TIME: range(20)}), "binary", n_folds=5, seed=0)


def wide(rows: int, distinct: int, task: str, seed: int = 0, groups: int = 0) -> pd.DataFrame:
    """Features of every type with gaps, of which each row takes one of the distinct ones."""
    random = np.random.default_rng(seed)
    x = np.arange(distinct, dtype=float)
    features = pd.DataFrame(
        {
            "x": np.where(x % 5, x, np.nan),
            "flag": pd.array(x % 2 > 0, dtype="boolean"),
            "word": [f"w{i}" for i in x],
            "when": np.datetime64("2024-01-01", "us") + x.astype(int),
            "empty": None,
        }
    )
    features.loc[::7, ["flag", "when"]] = None
    features = features.iloc[random.integers(0, distinct, rows) if distinct < rows else x].reset_index(drop=True)
    target = random.normal(size=rows) if task == "regression" else random.integers(0, 2, rows)
    group = {GROUP: pd.factorize(random.integers(0, groups, rows))[0]} if groups else {}
    return features.assign(**{TARGET: target, KEY: np.arange(rows)}, **group)


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("groups", [0, 40])
def test_rows_of_the_same_features_are_in_one_fold_with_their_group(task: str, groups: int) -> None:
    rows = wide(300, 300 if groups else 90, task, groups=groups)
    if groups:  # a few, or they would join all groups
        rows.loc[:5, "x":"empty"] = rows.loc[100:105, "x":"empty"].set_axis(range(6))
    folds = make_folds(rows, task, n_folds=5, seed=0)
    features = rows["word"]  # stands for all of them
    count = int(features.duplicated().sum())
    assert count == (6 if groups else 300 - rows["word"].nunique())
    assert count_repeats(rows, folds) == (count, 0)
    assert len(folds.folds) == 5
    assert sorted(np.concatenate([fold.test for fold in folds.folds])) == list(range(300))
    for train, test in ((fold.train, fold.test) for fold in folds.folds):
        assert not set(features[train]) & set(features[test])
        assert not groups or not set(rows[GROUP][train]) & set(rows[GROUP][test])
        if task == "binary" and not groups:
            assert abs(rows[TARGET][test].mean() - rows[TARGET].mean()) < 0.15


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("groups", [0, 40])
def test_where_nothing_repeats_the_folds_are_those_of_scikit_learn(task: str, groups: int) -> None:
    rows = wide(200, 200, task, groups=groups)
    plain_splitter, group_splitter = (
        (KFold, GroupKFold) if task == "regression" else (StratifiedKFold, StratifiedGroupKFold)
    )
    splitter = (group_splitter if groups else plain_splitter)(n_splits=5, shuffle=True, random_state=3)
    expected = list(splitter.split(rows[TARGET], rows[TARGET], rows.get(GROUP)))
    folds = make_folds(rows, task, n_folds=5, seed=3)
    assert count_repeats(rows, folds) == (0, 0)
    for fold, (train, test) in zip(folds.folds, expected, strict=True):
        assert np.array_equal(fold.train, train)
        assert np.array_equal(fold.test, test)


@pytest.mark.parametrize(("distinct", "rare"), [(3, False), (30, True)])
def test_too_few_distinct_rows_are_split_as_if_they_were_and_counted(distinct: int, rare: bool) -> None:
    rows = wide(200, distinct, "binary")
    if rare:  # all rows of a class have the same features
        rows[TARGET] = (rows["word"] == "w1.0").astype(int)
    folds = make_folds(rows, "binary", n_folds=5, seed=0)
    assert (folds.kind, len(folds.folds)) == ("stratified", min(5, rows[TARGET].sum()))
    count, apart = count_repeats(rows, folds)
    assert count == 200 - rows["word"].nunique()
    assert 0 < apart <= 200


def test_fewer_folds_where_few_distinct_rows_have_the_rarest_class() -> None:
    rows = wide(200, 30, "binary")
    rows[TARGET] = rows["word"].isin(["w1.0", "w2.0", "w3.0"]).astype(int)
    folds = make_folds(rows, "binary", n_folds=5, seed=0)
    assert (len(folds.folds), count_repeats(rows, folds)[1]) == (3, 0)
    assert all(rows[TARGET][fold.test].nunique() == 2 for fold in folds.folds)


def test_what_was_seen_before_may_come_again_in_time() -> None:
    rows = wide(200, 4, "regression").assign(**{TIME: range(200)})
    folds = make_folds(rows, "regression", n_folds=5, seed=0).folds
    assert [len(fold.train) for fold in folds] == [35, 68, 101, 134, 167]


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_the_automatic_threshold_has_the_highest_balanced_accuracy(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, score, weight = (
        np.r_[0, 1, random.integers(0, 2, 9)],
        random.integers(0, 9, 11) / 8,
        random.integers(1, 4, 11),
    )
    best = best_threshold(truth, score, weight)
    accuracy, *accuracies = (
        balanced_accuracy_score(truth, score >= x, sample_weight=weight) for x in [best, *np.arange(9) / 8]
    )
    assert accuracy == pytest.approx(max(accuracies))
    assert 0 <= best <= 1
    with pytest.raises(PlumblineError, match=r"model\.threshold: auto needs rows of both classes"):
        best_threshold(np.zeros(11, int), score, weight)
