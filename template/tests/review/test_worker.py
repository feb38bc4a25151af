"""No model predicts a row that it was trained on: a model that knows its rows by heart must not know these."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from plumbline import contract
from plumbline.columns import default
from plumbline.data.schema import TARGET, Column, Schema
from plumbline.prediction.fitted_model import FittedModel
from plumbline.review.worker import Job, Replica, WorkerError, predict_unseen
from plumbline.training.recipe import fit

ROWS = 120
SCHEMA = Schema((Column("x", "number"), Column("y", "number", "target")), ROWS, "regression")
NEAREST = SimpleNamespace(
    estimator="sklearn.neighbors.KNeighborsRegressor", arguments={"n_neighbors": 1}, threshold=0.5
)
FIT_NEAREST = partial(fit, schema=SCHEMA, params=NEAREST, seed=0, build=default)


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=ROWS), TARGET: random.normal(size=ROWS)})


@pytest.mark.parametrize("folds", [5, None])
def test_what_was_learned_by_heart_is_not_known_out_of_fold(rows: pd.DataFrame, folds: int | None) -> None:
    units, is_train = np.arange(ROWS, dtype=np.uint64), np.arange(ROWS) % 5 > 0
    training_sets: list[set[int]] = []

    def fit_nearest(train: pd.DataFrame) -> FittedModel:
        training_sets.append({*train.index})
        return FIT_NEAREST(train)

    own_rows = contract.Rows(rows, units, is_train)
    scores = predict_unseen(fit_nearest, own_rows, own_rows, folds, salt=0)
    is_predicted = ~np.isnan(scores)
    assert is_predicted.all() if folds else (is_predicted == ~is_train).all()
    assert not np.isclose(scores[is_predicted], rows[TARGET][is_predicted]).any()
    assert len(training_sets) == (folds or 1)
    if folds:  # each row is left out once
        assert sum(ROWS - len(training_set) for training_set in training_sets) == ROWS
        other_scores = predict_unseen(fit_nearest, own_rows, own_rows, folds, salt=1)
        assert not np.isclose(other_scores, scores).all()


def test_another_tables_rows_are_predicted_by_the_fold_of_their_names(rows: pd.DataFrame) -> None:
    """The same rows in another order, with one more: each is predicted as before, since its fold is its name's."""
    units, is_train = np.arange(ROWS, dtype=np.uint64), np.ones(ROWS, bool)
    own_rows = contract.Rows(rows, units, is_train)
    scores = predict_unseen(FIT_NEAREST, own_rows, own_rows, 5, 3)
    order = np.r_[np.arange(ROWS)[::-1], 7]
    other_rows = contract.Rows(rows.iloc[order].reset_index(drop=True), units[order], np.zeros(ROWS + 1, bool))
    assert (predict_unseen(FIT_NEAREST, own_rows, other_rows, 5, 3) == scores[order]).all()


def test_nothing_to_predict_is_refused(rows: pd.DataFrame) -> None:
    own_rows = contract.Rows(rows, np.arange(ROWS, dtype=np.uint64), np.ones(ROWS, bool))
    with pytest.raises(WorkerError, match="no row is left"):
        predict_unseen(FIT_NEAREST, own_rows, own_rows, None, 0)


def test_a_job_is_read_as_it_was_written() -> None:
    job = Job(contract=1, replicas=(Replica(0, 0, 7), Replica(3, 3, 9)), folds=None, table="t.parquet", folder="out")
    assert Job.loads(job.dumps()) == job


def test_a_model_that_answers_no_number_is_refused_and_leaves_no_row_out(rows: pd.DataFrame) -> None:
    """A row without a prediction is left out on both sides: a model could choose the rows that it is asked."""
    own_rows = contract.Rows(rows, np.arange(ROWS, dtype=np.uint64), np.ones(ROWS, bool))

    def fit_shy(train: pd.DataFrame) -> FittedModel:
        model = FIT_NEAREST(train)
        predict = model.pipeline.predict
        model.pipeline.predict = lambda frame: np.where(np.arange(len(frame)) == 0, np.nan, predict(frame))
        return model

    with pytest.raises(WorkerError, match="predicts a value that is no number"):
        predict_unseen(fit_shy, own_rows, own_rows, 5, 0)
