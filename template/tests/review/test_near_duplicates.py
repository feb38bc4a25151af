"""Copies of rows with some noise make no model better: they are tested together with their originals."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from plumbline import paths
from plumbline.data.schema import Column, Schema
from plumbline.review import near_duplicates
from plumbline.review.near_duplicates import encode_rows, find_added, write_units
from plumbline.review.new_rows import NewRows
from plumbline.review.predictions import Predictions, Rows
from plumbline.review.sides import Side
from plumbline.testing.projects import make_table
from template.tests.review.conftest import PARAMS, Commit, git, run_review

FOREST = {"estimator": "sklearn.ensemble.RandomForestClassifier", "arguments": {"n_estimators": 30}}
RANDOM = np.random.default_rng(3)


def noisy_table(rows: int = 300, first: int = 0) -> pd.DataFrame:
    """A table on which a forest learns by heart: a third of the labels are chance, and no column alone names a row."""
    random, table = np.random.default_rng(first), make_table(rows=rows, seed=first)
    more = {f"x{number}": random.normal(size=rows).round(1) for number in range(3, 6)}
    table = table.assign(x1=table.x1.round(1), x2=table.x2.round(1), **more)
    is_chance = random.random(rows) < 0.3
    target = np.where(is_chance, random.choice(["yes", "no"], rows), table.target)
    return table.assign(row_id=np.arange(first, first + rows) + 1000, target=target)


def jitter(table: pd.DataFrame, size: float) -> pd.DataFrame:
    """The same rows with some steps of a tenth in a third of the cells."""
    names = [f"x{number}" for number in range(1, 6)]
    steps = RANDOM.choice([-0.1, 0, 0, 0, 0, 0.1], size=(len(table), len(names))) * size
    return table.assign(
        row_id=table.row_id + 50_000, **{n: (table[n] + steps[:, i]).round(1) for i, n in enumerate(names)}
    )


def commit_table(folder: Path, table: pd.DataFrame, message: str) -> None:
    table.to_csv(folder / "data/source/table.csv", index=False)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": FOREST}))
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


@pytest.fixture
def forest(repository: Path, commit_change: Commit) -> pd.DataFrame:
    commit_change()
    table = noisy_table()
    commit_table(repository, table, "a forest")
    git(repository, "tag", "-f", "forest")
    return table


def test_rows_that_were_copied_with_noise_make_nothing_better(repository: Path, forest: pd.DataFrame) -> None:
    commit_table(repository, pd.concat([forest, jitter(forest, 1)]), "augmented")
    _, _, result = run_review(repository, "forest", code=1)
    assert result.word == "worse", "a forest that saw each row twice is too sure of itself"
    assert result.data_changes.rows.added_count == 300


def test_an_added_row_has_the_unit_of_its_original_and_no_other_row_moves(
    repository: Path, forest: pd.DataFrame, monkeypatch: Any
) -> None:
    commit_table(repository, pd.concat([forest, jitter(forest, 0)]), "augmented")
    monkeypatch.chdir(repository)
    base, head = (Side(name, git(repository, "rev-parse", name)) for name in ("forest", "HEAD"))
    head.prepare()
    base.prepare()
    is_added = find_added(base, head)
    assert is_added.tolist() == [False] * 300 + [True] * 300
    path = write_units(head, is_added)
    assert path is not None
    units = np.load(path)
    assert len(np.unique(units[:300])) == 300
    has_gap = forest.x2.isna().to_numpy()
    assert (units[300:] == units[:300])[~has_gap].all()
    assert write_units(head, np.arange(600) >= 598) is None, "two rows move no verdict"
    monkeypatch.setattr(near_duplicates, "MAX_VALUES", 100)  # of base's rows
    assert write_units(head, is_added) is None


def test_near_means_in_units_of_base_and_in_levels_and_not_by_target_or_text() -> None:
    columns = {"size": "number", "day": "timestamp", "town": "category", "name": "text", "y": "category"}
    schema = Schema(
        tuple(Column(name, type_, "target" if name == "y" else "feature") for name, type_ in columns.items()),
        4,
        "binary",
    )
    table = pa.table(
        {
            "size": [0.0, 10.0, None, 1e9],
            "day": pa.array([0, 86_400_000_000, None, 0], pa.timestamp("us")),
            "town": ["a", "b", "a", None],
            "name": list("wxyz"),
            "y": ["p", "q", "p", "q"],
        }
    )
    values = encode_rows(table, schema, np.array([False, False, False, True]))
    assert values.shape == (4, 2 + 3)
    assert values[:3, 0].tolist() == [-1.0, 1.0, 0.0]
    assert values[3, 0] > 1e7, "the added row does not set the scale"
    assert (values[0] != values[2]).sum() == 2


def test_better_with_added_rows_that_nobody_could_compare_is_not_known() -> None:
    """As with a table of texts, or one that is too large for a search."""
    rows = Rows(np.arange(8), np.zeros(8, dtype=int), None, None)
    criterion: Any = SimpleNamespace(rows=rows)
    predictions = Predictions(np.zeros((1, 8)), np.arange(8), {})
    new_rows = NewRows(predictions, predictions, criterion, np.arange(8) > 3, are_apart=False)
    assert new_rows.doubt("better", "why")[0] == "cannot tell"
    assert new_rows.doubt("worse", "why") == ("worse", "why")
    assert replace(new_rows, is_added=np.zeros(8, dtype=bool)).doubt("better", "why") == ("better", "why")


@pytest.mark.parametrize(
    ("words", "word", "harm"),
    [("worse", "cannot tell", 1), ("same", "cannot tell", 0), ("better", "better", 0)],
)
def test_worse_on_bases_rows_is_no_better_with_others(words: str, word: str, harm: int) -> None:
    predictions = Predictions(np.zeros((1, 300)), np.arange(300), {})
    verdict = SimpleNamespace(word=words, difference=-0.1)
    rows = Rows(np.arange(300), np.zeros(300, dtype=int), None, None)
    sizes: list[int] = []
    criterion: Any = SimpleNamespace(rows=rows, compare=lambda base, head, part: sizes.append(len(part)) or verdict)
    new_rows = NewRows(predictions, predictions, criterion, np.arange(300) >= 200, are_apart=True)
    one_row = replace(new_rows, is_added=np.arange(300) > 0)
    assert (one_row.doubt("better", "why")[0], [*one_row.find_harm("same")]) == ("cannot tell", []), "none has noise"
    assert new_rows.doubt("better", "why")[0] == word
    assert len([*new_rows.find_harm("same")]) == len([*new_rows.find_harm("cannot tell")]) == harm
    assert not [*new_rows.find_harm("worse")], "it is red already"
    assert {*sizes} == {200}


@pytest.mark.parametrize(("role", "has_cut"), [("group", False), ("feature", True), ("feature", False)])
def test_a_copy_has_the_unit_of_its_original_under_another_group_and_before_a_cut_in_time(
    tmp_path: Path, monkeypatch: Any, role: str, has_cut: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    names, values = [f"x{number}" for number in range(4)], RANDOM.normal(size=(400, 4))
    values[300:350] = values[:50] + 1e-4 * RANDOM.normal(size=(50, 4))
    columns = [Column("clinic", "text", role), *(Column(name, "number") for name in names)]
    schema = Schema((*columns, Column("y", "category", "target")), 400, "binary")
    clinics = [f"{'new' if row >= 300 else 'c'}{row % 30}" for row in range(400)]
    table = pa.table({"clinic": clinics, **dict(zip(names, values.T, strict=True)), "y": ["p", "q"] * 200})
    Path("data").mkdir()
    pq.write_table(table, paths.TABLE)
    head: Any = SimpleNamespace(folder=tmp_path, schema=schema)
    path = write_units(head, np.arange(400) >= 300, has_cut=has_cut)
    assert path is not None
    units = np.load(path)
    assert (units[300:350] == units[:50]).all()
    is_only_copies = role == "group" or has_cut
    assert np.isin(units[350:], units[:300]).all() != is_only_copies
    assert len(np.unique(units[:300])) == (30 if role == "group" else 300)
    if is_only_copies:
        pq.write_table(table.slice(0, 300).append_column("z", pa.array(range(300))), paths.TABLE)
        assert write_units(head, np.arange(300) >= 250, has_cut=has_cut) is None, "none is a copy"
