"""Rows and groups on both sides of the split are counted."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plumbline.leakage.overlap import count_copied_rows, count_shared_groups


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 13])
def test_rows_on_both_sides_are_counted_by_all_of_their_columns(width: int) -> None:
    random = np.random.default_rng(width)
    kinds: list[list] = [[0.0, 1.0, np.nan], ["a", "b", None], [pd.Timestamp("2024-01-01"), pd.NaT], [True, False]]
    rows = pd.DataFrame({f"c{i}": random.choice(np.array(kinds[i % 4], object), 300) for i in range(width)})
    holdout = np.arange(300) % 3 == 0
    rows.loc[0, "c0"], rows.loc[1, "c0"] = 7.5, 7.5
    rows.iloc[3] = rows.iloc[1]
    table = pa.Table.from_pandas(rows, preserve_index=False)
    texts = rows.apply(lambda row: "|".join(map(str, row)), axis=1)
    expected = int(texts[holdout].isin(texts[~holdout]).sum())
    assert count_copied_rows(table.columns, holdout) == expected > 0
    assert count_copied_rows([*table.columns, pa.chunked_array([np.arange(300.0)])], holdout) == 0


def test_rows_that_differ_in_whole_numbers_are_distinct_and_no_column_is_read_for_nothing() -> None:
    cells = np.indices((60, 60, 60)).reshape(3, -1).astype(float)
    read: list[int] = []
    columns = (read.append(i) or pa.chunked_array([cells[i % 3]]) for i in range(9))  # type: ignore[func-returns-value]
    assert count_copied_rows(columns, np.arange(cells.shape[1]) % 2 == 0) == 0
    assert read == [0, 1, 2]


def test_groups_on_both_sides_are_counted() -> None:
    holdout = np.array([False, True, True, False, False])
    assert count_shared_groups(pa.chunked_array([["a", "a", "b", "c", "a"]]), holdout) == 1
    assert count_shared_groups(pa.chunked_array([[1, 2, 3, 1, 4]]), holdout) == 0
