"""Metrics equal scikit-learn's for each row of weights; draws are shared, of whole groups; one's own metric."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t
from sklearn import metrics as sk

from plumbline import bootstrap
from plumbline.bootstrap import draw_weights, interval, measure
from plumbline.errors import PlumblineError
from plumbline.metrics import AUTO, lower_is_better, prepare, resolve_metrics
from plumbline.outcome import Outcome

OF_PREDICTIONS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": partial(sk.precision_score, zero_division=0),
    "f1_macro": partial(sk.f1_score, average="macro"),
    "recall": partial(sk.recall_score, zero_division=np.nan),
    "f1": partial(sk.f1_score, zero_division=np.nan),
}
OF_SCORES = {
    "log_loss": sk.log_loss,
    "brier_score": sk.brier_score_loss,
    "mean_absolute_error": sk.mean_absolute_error,
    "root_mean_squared_error": sk.root_mean_squared_error,
    "roc_auc": sk.roc_auc_score,
    "r2": lambda t, s, **k: sk.r2_score(t, s, **k) if np.ptp(t) else np.nan,
    "average_precision": lambda t, s, **k: sk.average_precision_score(t, s, **k) if t.any() else np.nan,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", AUTO)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_every_metric_equals_that_of_scikit_learn_for_each_row_of_weights(task: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, classes, positive = random.integers(2, 13), [0, 1, 2][: 2 if task == "binary" else 3], seed % 2
    truth, predictions = random.integers(0, len(classes), (2, rows))  # a class may be missing
    raw = random.integers(1, 5, (rows, len(classes)))  # with ties
    scores: np.ndarray = raw / raw.sum(axis=1, keepdims=True)
    if task == "regression":
        truth, scores = truth / 10 + random.choice([0, 1e6]), random.normal(size=rows)
    outcome = Outcome(task, truth, scores, predictions, positive, tuple(classes))
    if task == "binary":
        truth, predictions, scores = truth == positive, predictions == positive, scores[:, positive]
    weights = np.vstack([np.ones(rows), random.integers(0, 4, (3, rows)) / 2])
    weights = weights[weights.sum(axis=1) > 0]
    values = prepare(AUTO[task], outcome)(weights)
    for name in AUTO[task]:
        function, guess = (OF_PREDICTIONS[name], predictions) if name in OF_PREDICTIONS else (OF_SCORES[name], scores)
        options = {"labels": classes} if name in ("log_loss", "brier_score") else {}
        expected = [function(truth[w > 0], guess[w > 0], sample_weight=w[w > 0], **options) for w in weights]
        assert values[name] == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True), name
        assert lower_is_better(name) == (f"neg_{name}" in sk.get_scorer_names())


def test_a_draw_takes_whole_groups_whatever_number_of_draws_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    group = np.array([7, 3, 3, 7, 5, 1, 9])
    weight = np.arange(7) + 1.0
    times = np.concatenate(list(draw_weights(7, 200, weight, group))) / weight
    assert (times[:, [0, 1]] == times[:, [3, 2]]).all()
    assert (times[:, [0, 1, 4, 5, 6]].sum(axis=1) == 2).all()
    assert len(np.unique(times, axis=0)) == 15  # all ways to draw two of five groups
    monkeypatch.setattr(bootstrap, "CELLS_IN_CHUNK", 35)
    assert np.array_equal(np.concatenate(list(draw_weights(7, 200, weight, group))) / weight, times)


@pytest.mark.parametrize("units", [12, 20, 60, 400])
def test_the_interval_of_a_mean_is_as_wide_as_students(units: int) -> None:
    values = np.random.default_rng(units).normal(size=units)
    means = np.concatenate([w @ values / w.sum(axis=1) for w in draw_weights(units, 20_000, None, None)])
    low, high = interval(means)
    student = 2 * t.ppf(0.975, units - 1) * values.std(ddof=1) / np.sqrt(units)
    assert high - low == pytest.approx(student, rel=0.04)


def test_models_share_each_draw_and_an_interval_needs_half_of_the_draws() -> None:
    truth = np.arange(30.0)
    models = [Outcome("regression", truth, truth + np.sin(truth) + more, truth) for more in (0, 0, 2)]
    parts: dict = {i: (None, prepare(["r2"], model)) for i, model in enumerate(models)}
    first, same, worse = (values["r2"] for values in measure(parts, draw_weights(30, 100, None, None)).values())
    assert interval(first - same) == (0, 0)
    assert interval(first - worse)[0] > 0
    values = np.array([0.0] * 6 + [0.1] * 5)
    constant = prepare(["r2"], Outcome("regression", values, values + 1, values))
    assert np.isnan(constant(np.array([[0.0] * 6 + [1.0] * 5]))["r2"]).all()  # whatever rounding leaves of its spread
    half = np.r_[np.arange(50.0), np.full(50, np.nan)]
    assert interval(half) == (pytest.approx(1.225), pytest.approx(47.775))
    assert np.isnan(interval(np.r_[half, np.nan])).all()


def share_of_a(y_true, y_pred, *, sample_weight) -> float:
    return float(np.average(y_pred == "a", weights=sample_weight))


def test_ones_own_metric_gets_labels_or_scores_by_its_second_argument_or_is_refused() -> None:
    words = Outcome("multiclass", np.array([0, 1, 2]), np.eye(3), np.array([0, 0, 1]), 1, ("a", "b", "c"))
    scores = np.array([[0.3, 0.7], [0.1, 0.9], [0.6, 0.4]])
    both = Outcome("binary", np.array([0, 0, 1]), scores, np.array([1, 0, 0]), 0, ("no", "yes"))
    for name, outcome, value in (
        (f"{__name__}.share_of_a", words, 2 / 3),  # of several classes their values
        ("sklearn.metrics.accuracy_score", both, 1 / 3),  # of two what is predicted ...
        ("sklearn.metrics.roc_auc_score", both, 0),  # ... or the score of the positive class
        ("sklearn.metrics.top_k_accuracy_score", words.take(np.array([0, 1])), np.nan),  # a slice lacks a class
    ):
        assert prepare([name], outcome)(np.ones((2, len(outcome.truth))))[name] == pytest.approx(
            [value] * 2, nan_ok=True
        )
    empty = prepare([f"{__name__}.share_of_a"], words)(np.zeros((1, 3)))
    assert np.isnan(empty[f"{__name__}.share_of_a"]).all()
    for name, why in (
        ("r2", "'r2', expected of a multiclass task: log_loss, accuracy"),
        ("sklearn.metrics.rand_score", "takes no sample_weight"),
        ("sklearn.metrics.nothing", "cannot be imported"),
        ("sklearn.metrics.roc_auc_score", "raised: multi_class must be"),
    ):
        with pytest.raises(PlumblineError, match=why):
            prepare(resolve_metrics([name], "multiclass"), words)(np.ones((1, 3)))
