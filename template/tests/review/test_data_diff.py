"""What happened to the table, by counts and positions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plumbline.review.compare import MAX_LABEL_SHIFT, _doubt_selection
from plumbline.review.data_diff import compare_tables
from plumbline.review.result.changes import ColumnChanges, DataChanges, RowChanges
from plumbline.review.result.comparison import Word
from plumbline.testing.projects import Project, make_table


def ingest(folder: Path, table: pd.DataFrame, monkeypatch, **data: object) -> Path:
    folder.mkdir()
    monkeypatch.chdir(folder)
    project = Project(folder)
    project.table(table, **data)
    project.run("ingest")
    return folder


def test_rows_columns_labels_and_shifts_are_told_by_key(tmp_path: Path, monkeypatch) -> None:
    old = make_table()
    new = old.drop(columns="x2").drop(index=[0, 1, 2]).reset_index(drop=True)
    new.loc[[5, 9], "colour"] = "green" if new.colour[5] != "green" else "red"
    new.loc[7, "target"] = "no" if new.target[7] == "yes" else "yes"
    added = pd.DataFrame({"row_id": [5000, 5001], "x1": [9.0, 9.0], "colour": "red", "flag": True, "target": "yes"})
    new = pd.concat([new, added], ignore_index=True).assign(extra=np.arange(len(new) + 2) % 3)
    new["x1"] += 0.5
    base, head = ingest(tmp_path / "a", old, monkeypatch), ingest(tmp_path / "b", new, monkeypatch)
    changes, relabelled = compare_tables(base, head)
    assert relabelled.tolist() == [7]
    assert changes.columns == ColumnChanges(added_names=("extra",), removed_names=("x2",))
    rows = changes.rows
    assert (rows.base_count, rows.head_count, rows.added_count, rows.removed_count) == (300, 299, 2, 3)
    assert (rows.label_change_count, rows.label_change_positions) == (1, (8,))
    assert rows.change_count == 297
    assert rows.change_count_by_column["x1"] == 297
    assert 1 <= rows.change_count_by_column["colour"] <= 2
    assert next(iter(changes.shifts)) == "x1"
    assert 0.1 < changes.shifts["x1"] < 0.4
    no_changes, _ = compare_tables(base, base)
    assert (no_changes.shifts, no_changes.rows.change_count) == ({}, 0)


def test_rows_that_are_gone_by_their_label_are_a_selection(tmp_path: Path, monkeypatch) -> None:
    old = make_table()
    yes = old.target == "yes"
    fewer, swap = ~yes | (old.index % 5 == 0), {"yes": "no", "no": "yes"}
    flipped = old.assign(target=old.target.where(fewer, old.target.map(swap)))
    one_more = old[:1].assign(row_id=9000, x1=7.0)
    tables = {
        "label": old[fewer],
        "chance": old[old.index % 5 < 3],
        "none": old,
        "flipped": flipped,
        "nobody's": old[fewer].drop(columns="row_id"),
        "with another": pd.concat([old[fewer], one_more]),
        "twice": pd.concat([old[fewer], old[fewer][:1]]),
    }
    base = ingest(tmp_path / "base", old, monkeypatch)
    rows = {
        name: compare_tables(base, ingest(tmp_path / name, table, monkeypatch, key=None))[0].rows
        for name, table in tables.items()
    }
    share = (yes & (old.index % 5 == 0)).sum() / fewer.sum()
    assert rows["label"].label_shift == pytest.approx(yes.mean() - share, abs=1e-4)
    assert (rows["chance"].removed_count, rows["chance"].label_shift, rows["none"].label_shift) == (120, 0, 0)
    assert all(rows[name].label_shift > MAX_LABEL_SHIFT for name in tables.keys() - {"chance", "none"}), rows
    assert rows["flipped"].label_change_count == (~fewer).sum()


def test_labels_are_compared_under_another_name_and_without_a_key(tmp_path: Path, monkeypatch) -> None:
    old = make_table()
    flipped = old.target.where(old.index >= 40, old.target.map({"yes": "no", "no": "yes"}))
    new = old.drop(columns="target").assign(label=flipped)
    base = ingest(tmp_path / "base", old, monkeypatch)
    _, relabelled = compare_tables(base, ingest(tmp_path / "named", new, monkeypatch, target="label"))
    assert relabelled.tolist() == [*range(40)]
    pair = old.drop(columns="row_id"), old.drop(columns="row_id").assign(target=flipped)
    nameless = [ingest(tmp_path / n, t, monkeypatch, key=None) for n, t in zip("ab", pair, strict=True)]
    changes, relabelled = compare_tables(*nameless)
    assert (changes.has_key, changes.rows.label_change_count, relabelled.tolist()) == (False, 40, [*range(40)])


@pytest.mark.parametrize(
    ("word", "shift", "expected"),
    [
        ("better", 0.3, "cannot tell"),
        ("better", 0.05, "better"),
        ("worse", 0.3, "worse"),
        ("same", 0.3, "same"),
    ],
)
def test_better_on_a_selection_is_not_better(word: Word, shift: float, expected: Word) -> None:
    rows = RowChanges(base_count=300, head_count=200, added_count=0, removed_count=100, label_shift=shift)
    changes = DataChanges(has_key=True, rows=rows, columns=ColumnChanges())
    assert _doubt_selection(word, "why", changes)[0] == expected
    assert _doubt_selection(word, "why", None) == (word, "why")


def test_without_a_key_a_changed_row_is_a_removed_and_an_added_one(tmp_path: Path, monkeypatch) -> None:
    old = make_table().drop(columns="row_id")
    new = old.copy()
    new.loc[3, "x1"] += 1
    base, head = (ingest(tmp_path / n, t, monkeypatch, key=None) for n, t in (("a", old), ("b", new)))
    changes, _ = compare_tables(base, head)
    assert not changes.has_key
    assert (changes.rows.added_count, changes.rows.removed_count) == (1, 1)


def count_rows(tmp_path: Path, monkeypatch, tables: list[pd.DataFrame], **data: object) -> tuple[RowChanges, list[int]]:
    """The rows of the first table against the second, and the positions of other labels."""
    folders = [ingest(tmp_path / name, t, monkeypatch, **data) for name, t in zip("ab", tables, strict=True)]
    changes, relabelled = compare_tables(*folders)
    return changes.rows, relabelled.tolist()


def test_rows_that_repeat_are_counted_each(tmp_path: Path, monkeypatch) -> None:
    """A table whose 600 rows are 12 different ones, and 500 more of them in another order."""
    levels = [(size, colour) for size in (1.5, 2.5, 3.5) for colour in ("red", "blue", "green", "grey")]
    old = pd.DataFrame(levels * 50, columns=["size", "colour"]).assign(target=["yes", "no", "no"] * 200)
    new = pd.concat([old, old[:500]]).sample(frac=1, random_state=0)
    rows, relabelled = count_rows(tmp_path, monkeypatch, [old, new], key=None)
    assert (rows.added_count, rows.removed_count, rows.label_change_count, relabelled) == (500, 0, 0, [])
    (tmp_path / "back").mkdir()
    rows, _ = count_rows(tmp_path / "back", monkeypatch, [new, old], key=None)
    assert (rows.added_count, rows.removed_count, rows.label_change_count) == (0, 500, 0)


def test_other_labels_of_rows_that_repeat_are_counted(tmp_path: Path, monkeypatch) -> None:
    old = pd.DataFrame({"size": np.arange(300) % 6 + 0.5, "target": ["yes", "no"] * 150})
    new = old.assign(target=old.target.where(old.index >= 7, "yes"))  # of the rows 0 to 6 three were no
    rows, relabelled = count_rows(tmp_path, monkeypatch, [old, new], key=None)
    assert (rows.added_count, rows.removed_count, rows.label_change_count) == (0, 0, 3)
    assert {old["size"][row] for row in relabelled} == {1.5, 3.5, 5.5}, "which of those that repeat cannot be known"


def test_rows_of_a_group_are_rows_and_not_one(tmp_path: Path, monkeypatch) -> None:
    old = make_table().drop(columns="row_id").assign(shop=np.arange(300) // 10)
    new = pd.concat([old.drop(index=[0, 1, 2]), old[:5].assign(x1=9.0)])
    rows, _ = count_rows(tmp_path, monkeypatch, [old, new], key=None, group="shop")
    assert (rows.added_count, rows.removed_count, rows.label_change_count) == (5, 3, 0)
