"""What happened to the table, by counts and positions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plumbline.review.reviewed import SELECTED, _of_a_selection
from plumbline.review.rows import difference
from plumbline.testing.projects import Project, make_table


def ingested(folder: Path, table: pd.DataFrame, monkeypatch, **data: object) -> Path:
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
    base, head = ingested(tmp_path / "a", old, monkeypatch), ingested(tmp_path / "b", new, monkeypatch)
    found, relabelled = difference(base, head)
    assert relabelled.tolist() == [7]
    assert found["columns"] == {"added": ["extra"], "removed": ["x2"], "retyped": {}}
    rows = found["rows"]
    assert (rows["base"], rows["head"], rows["added"], rows["removed"]) == (300, 299, 2, 3)
    assert (rows["labels"], rows["labels_at"]) == (1, [8])
    assert rows["changed"] == 297
    assert rows["by_column"]["x1"] == 297
    assert 1 <= rows["by_column"]["colour"] <= 2
    assert next(iter(found["moved"])) == "x1"
    assert 0.1 < found["moved"]["x1"] < 0.4
    nothing, _ = difference(base, base)
    assert (nothing["moved"], nothing["rows"]["changed"]) == ({}, 0)


def test_rows_that_are_gone_by_their_label_are_a_selection(tmp_path: Path, monkeypatch) -> None:
    old = make_table()
    yes = old.target == "yes"
    fewer, swap = ~yes | (old.index % 5 == 0), {"yes": "no", "no": "yes"}
    flipped = old.assign(target=old.target.where(fewer, old.target.map(swap)))
    one_more = old[:1].assign(row_id=9000, x1=7.0)
    tables = {
        "label": old[fewer], "chance": old[old.index % 5 < 3], "none": old, "flipped": flipped,
        "nobody's": old[fewer].drop(columns="row_id"), "with another": pd.concat([old[fewer], one_more]),
        "twice": pd.concat([old[fewer], old[fewer][:1]]),
    }  # fmt: skip
    base = ingested(tmp_path / "base", old, monkeypatch)
    found = {
        n: difference(base, ingested(tmp_path / n, t, monkeypatch, key=None))[0]["rows"] for n, t in tables.items()
    }
    left = (yes & (old.index % 5 == 0)).sum() / fewer.sum()
    assert found["label"]["selected"] == pytest.approx(yes.mean() - left, abs=1e-4)
    assert (found["chance"]["removed"], found["chance"]["selected"], found["none"]["selected"]) == (120, 0, 0)
    assert all(found[name]["selected"] > SELECTED for name in tables.keys() - {"chance", "none"}), found
    assert found["flipped"]["labels"] == (~fewer).sum()


def test_labels_are_compared_under_another_name_and_without_a_key(tmp_path: Path, monkeypatch) -> None:
    old = make_table()
    flipped = old.target.where(old.index >= 40, old.target.map({"yes": "no", "no": "yes"}))
    new = old.drop(columns="target").assign(label=flipped)
    base = ingested(tmp_path / "base", old, monkeypatch)
    _, relabelled = difference(base, ingested(tmp_path / "named", new, monkeypatch, target="label"))
    assert relabelled.tolist() == [*range(40)]
    pair = old.drop(columns="row_id"), old.drop(columns="row_id").assign(target=flipped)
    nameless = [ingested(tmp_path / n, t, monkeypatch, key=None) for n, t in zip("ab", pair, strict=True)]
    found, relabelled = difference(*nameless)
    assert (found["by_key"], found["rows"]["labels"], relabelled.tolist()) == (False, 40, [*range(40)])


@pytest.mark.parametrize(("word", "moved", "said"), [("better", 0.3, "cannot tell"), ("better", 0.05, "better"),
                                                     ("worse", 0.3, "worse"), ("same", 0.3, "same")])  # fmt: skip
def test_better_on_a_selection_is_not_better(word: str, moved: float, said: str) -> None:
    result = {"word": word, "data": {"rows": {"selected": moved}}}
    assert (result | _of_a_selection(result))["word"] == said
    assert _of_a_selection({"word": word}) == {}


def test_without_a_key_a_changed_row_is_a_removed_and_an_added_one(tmp_path: Path, monkeypatch) -> None:
    old = make_table().drop(columns="row_id")
    new = old.copy()
    new.loc[3, "x1"] += 1
    base, head = (ingested(tmp_path / n, t, monkeypatch, key=None) for n, t in (("a", old), ("b", new)))
    found, _ = difference(base, head)
    assert not found["by_key"]
    assert (found["rows"]["added"], found["rows"]["removed"]) == (1, 1)


def counted(tmp_path: Path, monkeypatch, tables: list[pd.DataFrame], **data: object) -> tuple[dict, list[int]]:
    """rows of the first table against the second, and the positions of other labels."""
    folders = [ingested(tmp_path / name, t, monkeypatch, **data) for name, t in zip("ab", tables, strict=True)]
    found, relabelled = difference(*folders)
    return found["rows"], relabelled.tolist()


def test_rows_that_repeat_are_counted_each(tmp_path: Path, monkeypatch) -> None:
    """A table whose 600 rows are 12 different ones, and 500 more of them in another order."""
    rows = [(size, colour) for size in (1.5, 2.5, 3.5) for colour in ("red", "blue", "green", "grey")]
    old = pd.DataFrame(rows * 50, columns=["size", "colour"]).assign(target=["yes", "no", "no"] * 200)
    new = pd.concat([old, old[:500]]).sample(frac=1, random_state=0)
    found, relabelled = counted(tmp_path, monkeypatch, [old, new], key=None)
    assert (found["added"], found["removed"], found["labels"], relabelled) == (500, 0, 0, [])
    (tmp_path / "back").mkdir()
    found, _ = counted(tmp_path / "back", monkeypatch, [new, old], key=None)
    assert (found["added"], found["removed"], found["labels"]) == (0, 500, 0)


def test_other_labels_of_rows_that_repeat_are_counted(tmp_path: Path, monkeypatch) -> None:
    old = pd.DataFrame({"size": np.arange(300) % 6 + 0.5, "target": ["yes", "no"] * 150})
    new = old.assign(target=old.target.where(old.index >= 7, "yes"))  # of the rows 0 to 6 three were no
    found, relabelled = counted(tmp_path, monkeypatch, [old, new], key=None)
    assert (found["added"], found["removed"], found["labels"]) == (0, 0, 3)
    assert {old["size"][row] for row in relabelled} == {1.5, 3.5, 5.5}, "which of those that repeat cannot be known"


def test_rows_of_a_group_are_rows_and_not_one(tmp_path: Path, monkeypatch) -> None:
    old = make_table().drop(columns="row_id").assign(shop=np.arange(300) // 10)
    new = pd.concat([old.drop(index=[0, 1, 2]), old[:5].assign(x1=9.0)])
    found, _ = counted(tmp_path, monkeypatch, [old, new], key=None, group="shop")
    assert (found["added"], found["removed"], found["labels"]) == (5, 3, 0)
