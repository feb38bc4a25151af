"""No model predicts a row that it was trained on: a model that knows its rows by heart must not know these."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from plumbline import contract
from plumbline.columns import default
from plumbline.data.schema import TARGET, Column, Schema
from plumbline.errors import PlumblineError
from plumbline.review.worker import unseen
from plumbline.training.recipe import fit

ROWS = 120
SCHEMA = Schema((Column("x", "number"), Column("y", "number", "target")), ROWS, "regression")
NEAREST = SimpleNamespace(
    estimator="sklearn.neighbors.KNeighborsRegressor", arguments={"n_neighbors": 1}, threshold=0.5
)
MAKING = partial(fit, schema=SCHEMA, params=NEAREST, seed=0, build=default)


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=ROWS), TARGET: random.normal(size=ROWS)})


@pytest.mark.parametrize("folds", [5, None])
def test_what_was_learned_by_heart_is_not_known_out_of_fold(rows: pd.DataFrame, folds: int | None) -> None:
    named, side = np.arange(ROWS, dtype=np.uint64), np.arange(ROWS) % 5 > 0
    learned: list[set[int]] = []

    def making(train: pd.DataFrame) -> dict:
        learned.append({*train.index})
        return MAKING(train)

    own = contract.Rows(rows, named, side)
    found = unseen(making, own, own, folds, salt=0)
    known = ~np.isnan(found)
    assert known.all() if folds else (known == ~side).all()
    assert not np.isclose(found[known], rows[TARGET][known]).any()
    assert len(learned) == (folds or 1)
    if folds:  # each row is left out once
        assert sum(ROWS - len(part) for part in learned) == ROWS
        other = unseen(making, own, own, folds, salt=1)
        assert not np.isclose(other, found).all()


def test_another_tables_rows_are_predicted_by_the_fold_of_their_names(rows: pd.DataFrame) -> None:
    """The same rows in another order, with one more: each is predicted as before, since its fold is its name's."""
    named, side = np.arange(ROWS, dtype=np.uint64), np.ones(ROWS, bool)
    own = contract.Rows(rows, named, side)
    found = unseen(MAKING, own, own, 5, 3)
    turned = np.r_[np.arange(ROWS)[::-1], 7]
    others = contract.Rows(rows.iloc[turned].reset_index(drop=True), named[turned], np.zeros(ROWS + 1, bool))
    other = unseen(MAKING, own, others, 5, 3)
    assert (other == found[turned]).all()


def test_nothing_to_predict_is_refused(rows: pd.DataFrame) -> None:
    own = contract.Rows(rows, np.arange(ROWS, dtype=np.uint64), np.ones(ROWS, bool))
    with pytest.raises(PlumblineError, match="no row is left"):
        unseen(MAKING, own, own, None, 0)
