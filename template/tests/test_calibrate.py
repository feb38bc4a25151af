"""The calibration is made by the product's functions, and its page says what its cells found."""

from typing import Any

import numpy as np
import pytest

from plumbline.data.schema import TARGET
from template import calibrate, calibrating

LOGISTIC = calibrating.LINEAR["classification"]


@pytest.fixture(autouse=True)
def few(monkeypatch) -> None:
    for name, value in {"REPEATS": 1, "FOLDS": 2, "FRESH": 2, "SEEDS": 2, "kept": calibrating.recipe}.items():
        monkeypatch.setattr(calibrating, name, value)
    for name, value in {"MODELS": 1, "HOLDOUTS": 2, "BOOTSTRAP": 100}.items():
        monkeypatch.setattr(calibrate, name, value)


def test_a_cell_is_measured_and_told(monkeypatch) -> None:
    given: dict[str, Any] = {"max_iter": 50}
    wine = calibrating.table("wine")
    same, harmed = (
        [calibrate.judged(pair, True) for pair in calibrating.changed(wine, LOGISTIC, given, given | after)]
        for after in ({}, {"C": 1e-6})
    )
    assert same == [["same"]]
    assert harmed == [["worse", "worse before", "fell", "by 1 %", "bootstrap"]]
    name = next(label for label, _ in calibrate.cells())
    monkeypatch.setattr(calibrate, "cells", lambda: [(name, lambda: iter(same * 3 + harmed))])
    found = calibrate.counted(name)[1]
    assert found == {"n": 4, "same": 3, "worse": 1, "worse before": 1, "fell": 1, "by 1 %": 1, "bootstrap": 1}
    page = calibrate.page({name: found | {"commit": "abc"}})
    assert f"| {name} | 4 | 25.0 (0.6 to 80.6) | 0 | 75 | 0 | 25 | 25 | 25 |" in page
    assert page.endswith("Measured at abc.\n")


def test_harm_touches_the_rows_as_it_says() -> None:
    rows = calibrating.table("breast cancer").rows
    assert len(calibrating.half(rows, 1)) == round(len(rows) / 2)
    wrong = (calibrating.flipped(rows, 1)[TARGET] != rows[TARGET]).mean()
    assert 0.06 < wrong < 0.14
    assert np.array_equal(calibrating.flipped(rows, 1), calibrating.flipped(rows, 1))
    pairs = list(calibrating.corrupted(calibrating.table("breast cancer"), LOGISTIC, {"max_iter": 50}))
    for pair in pairs:
        turned = (pair.base != pair.head).any(axis=(0, 2))
        assert turned.sum() == round(0.03 * 569)
        assert np.array_equal(pair.head[:, turned], 1 - pair.base[:, turned]) or np.allclose(
            pair.head[:, turned], 1 - pair.base[:, turned]
        )
    assert len({tuple(np.flatnonzero((pair.base != pair.head).any(axis=(0, 2)))) for pair in pairs}) == len(pairs)


def test_base_learns_from_the_rows_that_it_knows_and_of_a_cut_from_the_earlier() -> None:
    of = calibrating.table("simulated classes", 60)
    later = of.rows.assign(**{TARGET: np.where(np.arange(60) < 40, of.truth, 1 - of.truth)})
    changed = calibrating.Table(later, of.schema)
    known, all_rows = (
        [calibrating.recipe(each, LOGISTIC, {}, 0, range(2), known=known) for each in (of, changed)]
        for known in (40, None)
    )
    assert np.array_equal(*known)
    assert not np.array_equal(*all_rows)
    late = calibrating.table("simulated classes", 60, late=0.25)
    (scores,) = calibrating.recipe(late, LOGISTIC, {}, 0, range(1))
    assert np.array_equal(np.isnan(scores).all(axis=1), np.arange(60) < 45)


def test_fresh_tables_are_as_they_are_asked_for() -> None:
    random = np.random.default_rng(0)
    assert 0.08 < calibrating.fresh(random, 5000, share=0.1).truth.mean() < 0.12
    of = calibrating.fresh(random, 600, groups=10)
    assert of.group is not None
    assert len(np.unique(of.group)) == 10
    between = of.rows.x0.groupby(of.group).mean().var()
    assert 0.05 < between < 1
    pair = next(calibrating.equal(LOGISTIC, {}, 100, groups=10))
    assert pair.table.schema.task == "binary"
    assert not np.array_equal(pair.base, pair.head)


def test_an_interval_covers_what_lies_in_it(monkeypatch) -> None:
    found = list(calibrate.covering(100))
    assert [set(each) <= set(calibrate.AUTO["binary"]) for each in found] == [True, True]
    for ends, said in (((-9.0, 9.0), list(calibrate.AUTO["binary"])), ((8.0, 9.0), [])):
        monkeypatch.setattr(calibrate, "interval", lambda _, ends=ends: ends)
        assert list(calibrate.covering(100)) == [said] * 2


def test_groups_share_a_name_and_base_has_the_smaller_table(monkeypatch) -> None:
    seen = []

    def unseen(_, own, rows, *__):
        seen.append((len(own.units), rows.units))
        return np.zeros(len(rows.units))

    monkeypatch.setattr(calibrating, "unseen", unseen)
    of = calibrating.fresh(np.random.default_rng(0), 100, groups=7)
    calibrating.recipe(of, LOGISTIC, {}, 0, range(1))
    assert len(np.unique(seen.pop()[1])) == 7
    list(calibrating.appended(of, LOGISTIC, {}, 0.6, False))
    assert [count for count, _ in seen] == [60] * 5 + [100] * 5
