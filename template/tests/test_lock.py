"""The lock, the dependency list and versions.json agree, and a disagreement is found."""

from pathlib import Path

import pytest

from src import lock
from tests.conftest import ROOT

CHANGES = [
    ("pyproject.toml", '\n  "dvc",', '\n  "dvc>3",', "requirements.lock: made from another dependency list"),
    ("pyproject.toml", "dvc[azure,", "dvc[", "requirements.lock: made from another dependency list"),
    ("src/versions.json", '": "', '": "9.', "src/versions.json: other versions"),
    ("requirements.lock", "\nnumpy==", "\n--index-url https://x/y\nnumpy==", "requirements.lock: names an address"),
]


@pytest.mark.parametrize(("name", "old", "new", "words"), CHANGES)
def test_what_is_committed_agrees_and_what_is_out_of_step_is_found(
    name, old, new, words, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("src").mkdir()
    for copied in ("pyproject.toml", "requirements.lock", "src/versions.json"):
        Path(copied).write_bytes((ROOT / copied).read_bytes())
    assert lock.disagreements() == []
    Path(name).write_text(Path(name).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    (line,) = lock.disagreements()
    assert line.startswith(words)
