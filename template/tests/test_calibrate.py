"""The calibration calls the product's functions, and its page shows the results of its cells."""

from typing import Any

import numpy as np
import pytest

from plumbline.data.schema import TARGET
from template.calibrate import __main__ as calibrate
from template.calibrate import cells, comparisons, page
from template.calibrate.tables import Table, draw_table, load_table
from template.records import read_records

LOGISTIC = comparisons.LINEAR["classification"]


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch) -> None:
    for name, value in {
        "REPEATS": 1,
        "FOLDS": 2,
        "TABLES": 2,
        "SEEDS": 2,
        "cached_scores": comparisons.score_recipe,
    }.items():
        monkeypatch.setattr(comparisons, name, value)
    for name, value in {"MODELS": 1, "HOLDOUTS": 2, "BOOTSTRAP": 100}.items():
        monkeypatch.setattr(cells, name, value)


def test_a_cell_is_measured_and_on_the_page(monkeypatch) -> None:
    arguments: dict[str, Any] = {"max_iter": 50}
    wine = load_table("wine")
    same, worse = (
        [
            cells.judge_pair(pair, True)
            for pair in comparisons.change_recipe(wine, LOGISTIC, arguments, arguments | after)
        ]
        for after in ({}, {"C": 1e-6})
    )
    assert same == [["same"]]
    assert worse == [["worse", "worse before", "fell", "by 1 %", "bootstrap"]]
    name = next(label for label, _ in cells.list_cells())
    for module in (calibrate, page):
        monkeypatch.setattr(module, "list_cells", lambda: [(name, lambda: iter(same * 3 + worse))])
    counts = calibrate.measure_cell(name)[1]
    assert counts == {"n": 4, "same": 3, "worse": 1, "worse before": 1, "fell": 1, "by 1 %": 1, "bootstrap": 1}
    text = page.render_page({name: counts | {"commit": "abc"}}, "plot.png")
    assert f"| {name} | 4 | 25.0 (0.6 to 80.6) | 0 | 75 | 0 | 25 | 25 | 25 |" in text
    assert text.endswith("Measured at abc.\n")


def test_the_page_is_what_the_records_give() -> None:
    text = page.render_page(read_records(calibrate.RECORDS), calibrate.PLOT.name)
    assert calibrate.PAGE.read_text(encoding="utf-8") == text


def test_harm_touches_the_rows_as_it_says() -> None:
    rows = load_table("breast cancer").rows
    assert len(comparisons.drop_half(rows, 1)) == round(len(rows) / 2)
    share = (comparisons.flip_labels(rows, 1)[TARGET] != rows[TARGET]).mean()
    assert 0.06 < share < 0.14
    assert np.array_equal(comparisons.flip_labels(rows, 1), comparisons.flip_labels(rows, 1))
    pairs = list(comparisons.corrupt_predictions(load_table("breast cancer"), LOGISTIC, {"max_iter": 50}))
    for pair in pairs:
        is_reversed = (pair.base != pair.head).any(axis=(0, 2))
        assert is_reversed.sum() == round(0.03 * 569)
        assert np.array_equal(pair.head[:, is_reversed], 1 - pair.base[:, is_reversed]) or np.allclose(
            pair.head[:, is_reversed], 1 - pair.base[:, is_reversed]
        )
    assert len({tuple(np.flatnonzero((pair.base != pair.head).any(axis=(0, 2)))) for pair in pairs}) == len(pairs)


def test_base_learns_from_the_rows_that_it_knows_and_of_a_cut_from_the_earlier() -> None:
    table = load_table("simulated classes", 60)
    rows = table.rows.assign(**{TARGET: np.where(np.arange(60) < 40, table.truth, 1 - table.truth)})
    tables = (table, Table(rows, table.schema))
    first_rows, all_rows = (
        [comparisons.score_recipe(table, LOGISTIC, {}, 0, range(2), first=first) for table in tables]
        for first in (40, None)
    )
    assert np.array_equal(*first_rows)
    assert not np.array_equal(*all_rows)
    late = load_table("simulated classes", 60, late=0.25)
    (scores,) = comparisons.score_recipe(late, LOGISTIC, {}, 0, range(1))
    assert np.array_equal(np.isnan(scores).all(axis=1), np.arange(60) < 45)


def test_drawn_tables_have_their_share_and_groups() -> None:
    random = np.random.default_rng(0)
    assert 0.08 < draw_table(random, 5000, share=0.1).truth.mean() < 0.12
    table = draw_table(random, 600, groups=10)
    assert table.group is not None
    assert len(np.unique(table.group)) == 10
    between = table.rows.x0.groupby(table.group).mean().var()
    assert 0.05 < between < 1
    pair = next(comparisons.compare_equals(LOGISTIC, {}, 100, groups=10))
    assert pair.table.schema.task == "binary"
    assert not np.array_equal(pair.base, pair.head)


def test_an_interval_covers_what_lies_in_it(monkeypatch) -> None:
    rows = list(cells.measure_coverage(100))
    assert [set(names) <= set(cells.AUTO["binary"]) for names in rows] == [True, True]
    for ends, names in (((-9.0, 9.0), list(cells.AUTO["binary"])), ((8.0, 9.0), [])):
        monkeypatch.setattr(cells, "interval", lambda _, ends=ends: ends)
        assert list(cells.measure_coverage(100)) == [names] * 2


def test_groups_share_a_name_and_base_has_the_smaller_table(monkeypatch) -> None:
    calls = []

    def predict_unseen(_, train, rows, *__):
        calls.append((len(train.units), rows.units))
        return np.zeros(len(rows.units))

    monkeypatch.setattr(comparisons, "predict_unseen", predict_unseen)
    table = draw_table(np.random.default_rng(0), 100, groups=7)
    comparisons.score_recipe(table, LOGISTIC, {}, 0, range(1))
    assert len(np.unique(calls.pop()[1])) == 7
    list(comparisons.append_rows(table, LOGISTIC, {}, 0.6, False))
    assert [count for count, _ in calls] == [60] * 5 + [100] * 5
