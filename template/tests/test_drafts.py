"""A drafted suite catches every listed corruption and lets another half of the same table pass.

`python -m template.drafts` measures 100 redraws of each table and writes template/drafts.md.
"""

from pathlib import Path

import pytest

from template import drafts
from template.corruptions import CORRUPTIONS


@pytest.fixture(autouse=True)
def project_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


def test_every_corruption_is_caught_and_no_false_one(tmp_path: Path) -> None:
    missed = [name for name, failures in drafts.corrupt_tables(tmp_path) if not failures]
    assert missed == ["none"]
    assert len(CORRUPTIONS) > 30


@pytest.mark.parametrize(("name", "times"), [("orders", 2), ("readings", 1), ("small", 1), ("sample", 1)])
def test_another_half_passes(name: str, times: int, tmp_path: Path) -> None:
    assert list(drafts.redraw(name, range(times), tmp_path)) == [[]] * times
