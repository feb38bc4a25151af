"""A drafted suite catches every listed corruption and lets another half of the same table pass.

The whole measurement, 100 redraws of each table, is `python -m template.drafts`, and stands in template/drafts.md.
"""

from pathlib import Path

import pytest

from template import drafts
from template.corruptions import CORRUPTIONS


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


def test_every_corruption_is_caught_and_no_false_one(tmp_path: Path) -> None:
    missed = [name for name, words in drafts.caught(tmp_path) if not words]
    assert missed == ["none"]
    assert len(CORRUPTIONS) > 30


@pytest.mark.parametrize(("name", "times"), [("orders", 2), ("readings", 1), ("small", 1), ("sample", 1)])
def test_another_half_passes(name: str, times: int, tmp_path: Path) -> None:
    assert list(drafts.redraws(name, range(times), tmp_path)) == [[]] * times
