"""Labels and weights that change are seen where the key moved, where there is none, and where rows repeat."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plumbline.review.gate import _is_exchange
from plumbline.review.result.changes import RowChanges
from plumbline.review.row_distances import Neighbours
from plumbline.testing.projects import make_table
from template.tests.review.test_data_diff import count_rows

TABLE, SWAP = make_table(), {"yes": "no", "no": "yes"}
NAMELESS = TABLE.drop(columns="row_id")
FLIPPED = [3, 50, 51, 200]


def flip(table: pd.DataFrame, rows: list[int] = FLIPPED) -> pd.DataFrame:
    target = table.target.where(~np.isin(np.arange(len(table)), rows), table.target.map(SWAP))
    return table.assign(target=target)


def shuffle(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1, random_state=1).reset_index(drop=True)


CASES: dict[str, tuple[pd.DataFrame, pd.DataFrame, int]] = {  # base, head, rows with another label
    "every key moved": (TABLE, flip(TABLE).assign(row_id=TABLE.row_id + 9000), 4),
    "every key moved, in another order": (TABLE, shuffle(flip(TABLE).assign(row_id=TABLE.row_id + 9000)), 4),
    "a key dropped": (TABLE, flip(NAMELESS), 4),
    "each row twice": (NAMELESS, shuffle(pd.concat([NAMELESS, flip(NAMELESS)])), 4),
    "each row twice under another key": (
        TABLE,
        pd.concat([TABLE, flip(TABLE).assign(row_id=TABLE.row_id + 9000)]),
        4,
    ),
    "a column in other units": (NAMELESS, flip(NAMELESS).assign(x1=NAMELESS.x1 * 100), 4),
    "columns renamed": (NAMELESS, shuffle(flip(NAMELESS)).rename(columns={"x1": "X_1", "x2": "X_2"}), 4),
    "columns renamed and rounded": (NAMELESS, flip(NAMELESS).rename(columns={"x1": "a"}).assign(x2=0.5, a=1.5), 0),
    "all columns are others": (
        NAMELESS,
        flip(NAMELESS).assign(x1=1.5, x2=NAMELESS.x2 + 7, flag=NAMELESS.x1 > 9, colour=NAMELESS.colour + "x"),
        0,
    ),
    "every column renamed and changed": (
        NAMELESS[["x1", "x2", "target"]],
        flip(NAMELESS)[["target"]].assign(a=NAMELESS.x1 * 2, b=NAMELESS.x2 * 3),
        0,
    ),
    "a column less": (NAMELESS, flip(NAMELESS).drop(columns="colour"), 4),
    "honest new rows": (TABLE, pd.concat([TABLE, make_table(seed=7).assign(row_id=np.arange(300))]), 0),
    "honest new rows without a key": (NAMELESS, pd.concat([NAMELESS, make_table(seed=7).drop(columns="row_id")]), 0),
    "each row twice, as it was": (NAMELESS, pd.concat([NAMELESS, NAMELESS]), 0),
    "another month": (NAMELESS, make_table(seed=7).drop(columns="row_id"), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_other_labels_are_counted_whatever_became_of_the_key(tmp_path: Path, monkeypatch: Any, name: str) -> None:
    old, new, count = CASES[name]
    key = {} if "row_id" in old and "row_id" in new else {"key": None}
    rows, relabelled = count_rows(tmp_path, monkeypatch, [old, new], **key)
    assert rows.label_change_count == len(relabelled) == count
    assert _is_exchange(rows) == (
        name
        in (
            "another month",
            "columns renamed and rounded",
            "all columns are others",
            "every column renamed and changed",
        )
    )


def test_of_few_levels_equal_features_are_no_same_row(tmp_path: Path, monkeypatch: Any) -> None:
    """Two people of one age and town may well have another label each."""
    random = np.random.default_rng(0)
    old, new = (
        pd.DataFrame(
            {
                "who": np.arange(300) + first,
                "age": random.integers(20, 30, 300) + 0.5,
                "target": random.choice(["yes", "no"], 300),
            }
        )
        for first in (1000, 5000)
    )
    rows, relabelled = count_rows(tmp_path, monkeypatch, [old, pd.concat([old, new])], key="who")
    assert (rows.added_count, rows.label_change_count, relabelled) == (300, 0, [])


def test_other_weights_are_counted_without_a_key(tmp_path: Path, monkeypatch: Any) -> None:
    old = NAMELESS.assign(share=1.0)
    new = old.assign(share=np.where(np.arange(300) < 40, 1e-6, 1.0))
    rows, _ = count_rows(tmp_path, monkeypatch, [old, shuffle(new)], key=None, weight="share")
    assert rows.change_count_by_column == {"share": 40}
    assert (rows.added_count, rows.removed_count, rows.label_change_count) == (0, 0, 0)


@pytest.mark.parametrize(
    ("removed", "added", "expected"),
    [(100, 300, False), (160, 10, False), (160, 90, True), (300, 300, True), (0, 300, False)],
)
def test_most_rows_gone_and_others_in_their_place_are_an_exchange(removed: int, added: int, expected: bool) -> None:
    rows = RowChanges(base_count=300, head_count=300, removed_count=removed, added_count=added)
    assert _is_exchange(rows) == expected


NUMBERS = [f"n{number}" for number in range(4)]


def make_points(seed: int, first: int = 0, decimals: int = 9) -> pd.DataFrame:
    """300 rows of four numbers."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(300, len(NUMBERS))).round(decimals)
    label = np.where(random.random(300) < 0.5, "yes", "no")
    return pd.DataFrame(values, columns=NUMBERS).assign(row_id=np.arange(first, first + 300), target=label)


def shake(table: pd.DataFrame, first: int = 5000) -> pd.DataFrame:
    """The same rows with some noise, under another key."""
    noise = 0.01 * np.random.default_rng(first).normal(size=(len(table), len(NUMBERS)))
    return table.assign(row_id=table.row_id + first, **(table[NUMBERS] + noise))


POINTS = make_points(0)
NEW_POINTS = make_points(1, first=1000)
NEAR_CASES: dict[str, tuple[pd.DataFrame, pd.DataFrame, int]] = {
    "some rows under another key, with noise": (POINTS, pd.concat([POINTS[100:], shake(flip(POINTS))[:100]]), 3),
    "copies with noise and the same labels": (POINTS, pd.concat([POINTS, shake(POINTS)]), 0),
    "copies with noise and other labels": (POINTS, pd.concat([POINTS, shake(flip(POINTS, [*range(0, 90, 3)]))]), 30),
    "a window that moved on": (POINTS, pd.concat([POINTS[100:], NEW_POINTS]), 0),
    "a window that moved on, rounded": (
        make_points(0, decimals=1),
        pd.concat([make_points(0, decimals=1)[100:], make_points(1, first=1000, decimals=1)]),
        0,
    ),
    "few distinct values": (
        make_points(0, decimals=0),
        pd.concat([make_points(0, decimals=0)[100:], make_points(1, first=1000, decimals=0)]),
        0,
    ),
    "repeated measurements": (
        pd.concat([POINTS, shake(POINTS, first=300)]),
        pd.concat([POINTS, shake(POINTS, first=300), shake(flip(POINTS, [*range(100)]))]),
        0,
    ),
}


@pytest.mark.parametrize("name", NEAR_CASES)
def test_a_row_with_some_noise_is_the_same_row_unless_base_has_such_pairs(
    tmp_path: Path, monkeypatch: Any, name: str
) -> None:
    old, new, count = NEAR_CASES[name]
    rows, relabelled = count_rows(tmp_path, monkeypatch, [old, new])
    assert rows.label_change_count == len(relabelled) == count


def test_what_is_near_by_chance_is_not_near() -> None:
    values = np.random.default_rng(0).normal(size=(900, 3))
    neighbours = Neighbours(values[:600], np.concatenate([values[600:], values[:40] + 1e-6]))
    pairs = neighbours.find_near(np.arange(600), np.arange(300, 340))
    assert sorted(map(tuple, pairs.tolist())) == [(row, row + 300) for row in range(40)]
    assert not len(neighbours.find_near(np.arange(600), np.arange(300)))
    assert not len(neighbours.find_near(np.arange(600), np.arange(300, 305))), "five are too few to say"
    assert not len(neighbours.find_near(np.arange(0), np.arange(300, 340)))
    steps = Neighbours(values[:600].round(), values[600:].round())
    assert not len(steps.find_near(np.arange(600), np.arange(300))), "of few distinct values all are near"
