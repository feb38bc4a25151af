"""Labels and weights that change are seen where the key moved, where there is none, and where rows repeat."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plumbline.review.gate import _is_exchange
from plumbline.review.result.changes import RowChanges
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
    assert _is_exchange(rows) == (name == "another month")


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
