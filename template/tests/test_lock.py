"""The lock and the dependency list agree or it is found; a new lock moves no more than it must."""

import re
import shutil
from pathlib import Path

import pytest

from plumbline import lock, versions
from plumbline.commands import lock as renewing
from plumbline.errors import Refusal
from plumbline.testing import ROOT

CHANGES = [
    ("pyproject.toml", '\n  "dvc",', '\n  "dvc>3",', "requirements.lock: made from another dependency list"),
    ("pyproject.toml", "dvc[azure,", "dvc[", "requirements.lock: made from another dependency list"),
    ("requirements.lock", "\nnumpy==", "\n--index-url https://x/y\nnumpy==", "requirements.lock: names an address"),
]


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a lock is made from, and the committed one."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "src", "src")
    for copied in ("pyproject.toml", "requirements.lock", "params.yaml"):
        Path(copied).write_bytes((ROOT / copied).read_bytes())
    versions.write()
    return tmp_path


def ask_for(requirement: str) -> None:
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    text = text.replace("\ndependencies = [\n", f'\ndependencies = [\n  "{requirement}",\n')
    Path("pyproject.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("name", "old", "new", "words"), CHANGES)
def test_what_is_committed_agrees_and_what_is_out_of_step_is_found(name, old, new, words, locked) -> None:
    assert lock.disagreements() == []
    Path(name).write_text(Path(name).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    (line,) = lock.disagreements()
    assert line.startswith(words)


@pytest.mark.slow
def test_one_more_package_moves_no_other_and_twice_is_once(locked: Path, command, capsys) -> None:
    """With the package index: lightgbm needs numpy, scipy and nothing that is not there."""
    old, results = Path("requirements.lock").read_text(encoding="utf-8"), Path("src/versions.json").read_bytes()
    ask_for("lightgbm")
    assert command("lock") == 0
    new = Path("requirements.lock").read_bytes()
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"requirements\.lock: 1 added, 0 removed, 0 moved, \d+ as before", said[0])
    assert re.fullmatch(r"  added    lightgbm [\d.]+", said[1])
    assert len(said) == 3
    block = r"lightgbm==\S+ \\\n(    --hash=\S+( \\)?\n)+    # via pyproject.toml\n"
    text, blocks = re.subn(block, "", new.decode("utf-8"))
    assert blocks == 1
    text = text.replace("    #   lightgbm\n", "")  # beside what it needs
    assert text.splitlines()[1:] == old.splitlines()[1:]
    assert Path("src/versions.json").read_bytes() == results
    assert command("lock") == 0
    assert Path("requirements.lock").read_bytes() == new
    assert "Nothing to do" in capsys.readouterr().out


@pytest.mark.slow
def test_an_upgrade_moves_what_it_names_and_no_more(locked: Path, command, capsys) -> None:
    was = lock.pins(Path("requirements.lock").read_text(encoding="utf-8"))
    ask_for("certifi<2025")
    assert command("lock") == 0
    assert len(renewing.changes("", Path("requirements.lock").read_text(encoding="utf-8"))) == renewing.MOST_LINES + 2
    Path("pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    assert command("lock") == 0
    capsys.readouterr()
    kept = lock.pins(Path("requirements.lock").read_text(encoding="utf-8"))
    assert kept["certifi"].startswith("2024"), "a version that still fits is kept"
    assert command("lock", "Certifi") == 0
    new = lock.pins(Path("requirements.lock").read_text(encoding="utf-8"))
    assert new["certifi"] >= was["certifi"]
    assert new | {"certifi": ""} == kept | {"certifi": ""}
    assert f"  moved    certifi {kept['certifi']} -> {new['certifi']}" in capsys.readouterr().out


@pytest.mark.parametrize("offline", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_what_cannot_be_locked_leaves_the_lock_as_it_was(
    offline: bool, locked: Path, command, capfd, monkeypatch
) -> None:
    if offline:
        monkeypatch.setenv("UV_OFFLINE", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(locked / "empty"))
    ask_for("numpy==99999")
    results = Path("src/versions.json").read_bytes()
    with pytest.raises(Refusal, match=r"requirements\.lock is as it was: .*its own message is above"):
        command("lock")
    assert "numpy" in capfd.readouterr().err
    assert Path("requirements.lock").read_bytes() == (ROOT / "requirements.lock").read_bytes()
    assert Path("src/versions.json").read_bytes() == results


def test_a_lock_or_list_that_cannot_be_read_is_refused_in_one_line(locked: Path, command) -> None:
    for words, expected in ((["numpi"], "UPGRADE names 'numpi': .*, as numpy"), (["numpy<3 2"], "UPGRADE names '2': ")):
        with pytest.raises(Refusal, match=expected):
            command("lock", *words)
    ask_for('numpy"" ')
    with pytest.raises(Refusal, match=r"pyproject\.toml cannot be read: .* line \d+"):
        lock.disagreements()
    Path("requirements.lock").write_text("<<<<<<< HEAD\nx==1\n=======\n>>>>>>> b\n", encoding="utf-8")
    with pytest.raises(Refusal, match=r"marks of a merge conflict"):
        command("lock")


def test_what_changed_is_said_in_a_few_lines() -> None:
    old = "a==1\nb==1 ; python_version < '3.12'\nb==2 ; python_version > '3.12'\nc==3 \\\n"
    assert renewing.changes(old, old) == ["requirements.lock: the same 3 packages at the same versions"]
    assert renewing.changes(old, "a==2\nc==3\nd==1\n") == [
        "requirements.lock: 1 added, 1 removed, 1 moved, 1 as before",
        "  moved    a 1 -> 2", "  removed  b 1 and 2", "  added    d 1"]  # fmt: skip
    many = "".join(f"p{number}==1\n" for number in range(20))
    lines = renewing.changes("", many)
    assert len(lines) == 14
    assert lines[-1] == "  and 8 more: git diff requirements.lock"
