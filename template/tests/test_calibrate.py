"""The calibration is made by the product's functions, and its page says what its cells found."""

import numpy as np

from src import names
from template import calibrate


def test_a_cell_is_measured_and_told(monkeypatch) -> None:
    monkeypatch.setattr(calibrate, "REPEATS", 1)
    monkeypatch.setattr(calibrate, "FOLDS", 2)
    linear, given = calibrate.LINEAR["classification"], {"max_iter": 50}
    same = calibrate.changed("wine", linear, given, given)
    harmed = calibrate.changed("wine", linear, given, {"max_iter": 50, "C": 1e-6})
    assert [found[0]["word"] for found in (same, harmed)] == ["same", "worse"]
    assert not any(same[0][rule] for rule in ("fell", "by 1 %", "bootstrap"))
    assert all(harmed[0][rule] for rule in ("fell", "by 1 %", "bootstrap"))
    name = next(label for _, label, _ in calibrate.cells())
    page = calibrate.page({name: {"rows": same * 3 + harmed, "commit": "abc"}})
    assert f"| {name} | 4 | 25 (0.6 to 80.6) | 0 | 75 | 0 |" in page


def test_harm_touches_the_training_rows_as_it_says() -> None:
    rows, _ = calibrate.table("breast cancer")
    assert len(calibrate.half(rows, 1)) == round(len(rows) / 2)
    wrong = (calibrate.flipped(rows, 1)[names.TARGET] != rows[names.TARGET]).mean()
    assert 0.06 < wrong < 0.14
    assert np.array_equal(calibrate.flipped(rows, 1), calibrate.flipped(rows, 1))
