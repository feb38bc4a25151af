"""The lock, the dependency list and versions.json agree or it is found; a new lock moves no more than it must."""

import re
import shutil
from pathlib import Path

import pytest

from plumbline import lock, versions
from plumbline.commands import lock as locking
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT
from template.tests.command import run_command as command

CHANGES = [
    ("pyproject.toml", '\n  "dvc",', '\n  "dvc>3",', "requirements.lock: made from another dependency list"),
    ("pyproject.toml", "dvc[azure,", "dvc[", "requirements.lock: made from another dependency list"),
    ("requirements.lock", "\nnumpy==", "\n--index-url https://x/y\nnumpy==", "requirements.lock: names an address"),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a lock is made from, and the committed one."""
    monkeypatch.chdir(tmp_path)
    for name in ("plumbline", "src"):
        shutil.copytree(ROOT / name, name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.lock", "params.yaml"):
        shutil.copyfile(ROOT / name, name)
    versions.write()
    return tmp_path


def ask_for(requirement: str) -> None:
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    text = text.replace("\ndependencies = [\n", f'\ndependencies = [\n  "{requirement}",\n')
    Path("pyproject.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("name", "old", "new", "words"), CHANGES)
def test_what_is_committed_agrees_and_what_is_out_of_step_is_found(name, old, new, words, project) -> None:
    assert lock.disagreements() == []
    Path(name).write_text(Path(name).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    (line,) = lock.disagreements()
    assert line.startswith(words)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('": "', '": "9', 1),
        lambda _: "{}\n",
        lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n",
    ],
)
def test_digests_that_are_not_of_the_code_are_found_and_written(change, project: Path, capsys) -> None:
    path = Path("src/versions.json")
    right = path.read_text(encoding="utf-8")
    assert versions.disagreements() == []
    path.write_text(change(right), encoding="utf-8")
    assert all(line.startswith("src/versions.json: ") for line in versions.disagreements())
    assert versions.disagreements()
    assert command("versions") == 0
    assert "another digest of " in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == right
    assert command("versions") == 0
    assert capsys.readouterr().out == "src/versions.json: as it was\n"


def test_packages_come_as_words_or_in_one() -> None:
    text = "numpy==1\nscikit-learn==1\n"
    arguments = ["--upgrade-package", "numpy", "--upgrade-package", "scikit_learn"]
    assert locking.upgrade_arguments(["numpy", "scikit_learn"], text) == arguments
    assert (locking.upgrade_arguments([], text), locking.upgrade_arguments(["1"], text)) == ([], ["--upgrade"])


@pytest.mark.parametrize("words", [["numpy scikit-learn"], ["numpy", "scikit-learn"], [""]])
def test_what_make_hands_on_is_split_at_blanks(words: list[str], project: Path, monkeypatch, capsys) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(locking, "compile_lock", lambda old, upgrade: calls.append(upgrade) or old)
    assert command("lock", *words) == 0
    assert calls == [["--upgrade-package", "numpy", "--upgrade-package", "scikit-learn"] if words != [""] else []]
    assert "Nothing to do" in capsys.readouterr().out


@pytest.mark.slow
def test_one_more_package_moves_no_other_and_twice_is_once(project: Path, capsys) -> None:
    """With the package index: lightgbm needs numpy, scipy and nothing that is not there."""
    old, results = Path("requirements.lock").read_text(encoding="utf-8"), Path("src/versions.json").read_bytes()
    ask_for("lightgbm")
    assert command("lock") == 0
    new = Path("requirements.lock").read_bytes()
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"requirements\.lock: 1 added, 0 removed, 0 changed, \d+ unchanged", lines[0])
    assert re.fullmatch(r"  added    lightgbm [\d.]+", lines[1])
    assert len(lines) == 3
    block = r"lightgbm==\S+ \\\n(    --hash=\S+( \\)?\n)+"
    text, blocks = re.subn(block, "", new.decode("utf-8"))
    assert blocks == 1
    assert text.splitlines()[1:] == old.splitlines()[1:]
    assert Path("src/versions.json").read_bytes() == results
    assert command("lock") == 0
    assert Path("requirements.lock").read_bytes() == new
    assert "Nothing to do" in capsys.readouterr().out


@pytest.mark.slow
def test_an_upgrade_moves_what_it_names_and_no_more(project: Path, capsys) -> None:
    old_pins = lock.pins(Path("requirements.lock").read_text(encoding="utf-8"))
    ask_for("certifi<2025")
    assert command("lock") == 0
    assert len(locking.summarize_changes("", Path("requirements.lock").read_text(encoding="utf-8"), max_lines=5)) == 7
    Path("pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    assert command("lock") == 0
    capsys.readouterr()
    middle_pins = lock.pins(Path("requirements.lock").read_text(encoding="utf-8"))
    assert middle_pins["certifi"].startswith("2024"), "a version that still fits is kept"
    assert command("lock", "Certifi") == 0
    new = lock.pins(Path("requirements.lock").read_text(encoding="utf-8"))
    assert new["certifi"] >= old_pins["certifi"]
    assert new | {"certifi": ""} == middle_pins | {"certifi": ""}
    assert f"  changed  certifi {middle_pins['certifi']} -> {new['certifi']}" in capsys.readouterr().out


@pytest.mark.parametrize("offline", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_what_cannot_be_locked_leaves_the_lock_as_it_was(offline: bool, project: Path, capfd, monkeypatch) -> None:
    if offline:
        monkeypatch.setenv("UV_OFFLINE", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(project / "empty"))
    ask_for("numpy==99999")
    with pytest.raises(PlumblineError, match=r"requirements\.lock is as it was: .*its own message is above"):
        command("lock")
    assert "numpy" in capfd.readouterr().err
    assert Path("requirements.lock").read_bytes() == (ROOT / "requirements.lock").read_bytes()
    assert versions.disagreements() == []


def test_a_lock_or_list_that_cannot_be_read_is_refused_in_one_line(project: Path) -> None:
    for words, expected in ((["numpi"], "UPGRADE names 'numpi': .*, as numpy"), (["numpy<3 2"], "UPGRADE names '2': ")):
        with pytest.raises(PlumblineError, match=expected):
            command("lock", *words)
    ask_for('numpy"" ')
    with pytest.raises(PlumblineError, match=r"pyproject\.toml cannot be read: .* line \d+"):
        lock.disagreements()


def test_a_lock_with_marks_of_a_conflict_is_the_start_of_a_new_one(project: Path, monkeypatch, capsys) -> None:
    own_pins = "lightgbm==4.6 \\\n    --hash=sha256:aa\nnumpy==2.0\n"
    text = f"# header\n<<<<<<< ours\n{own_pins}=======\nnumpy==2.1\n>>>>>>> theirs\n"
    Path("requirements.lock").write_text(text, encoding="utf-8")
    with pytest.raises(PlumblineError, match=r"has marks of a merge conflict\. Run make lock, then this again"):
        lock.require_current()
    starts: list[str] = []
    monkeypatch.setattr(locking, "compile_lock", lambda old, upgrade: starts.append(old) or old)
    assert command("lock") == 0
    assert starts == ["numpy==2.1\nlightgbm==4.6\n"]
    assert "requirements.lock has marks of a merge conflict: the new lock starts" in capsys.readouterr().out


def test_what_changed_is_said_in_a_few_lines() -> None:
    old = "a==1\nb==1 ; python_version < '3.12'\nb==2 ; python_version > '3.12'\nc==3 \\\n"
    assert locking.summarize_changes(old, old) == ["requirements.lock: the same 3 packages at the same versions"]
    assert locking.summarize_changes(old, "a==2\nc==3\nd==1\n") == [
        "requirements.lock: 1 added, 1 removed, 1 changed, 1 unchanged",
        "  changed  a 1 -> 2",
        "  removed  b 1 and 2",
        "  added    d 1",
    ]
    many = "".join(f"p{number}==1\n" for number in range(20))
    lines = locking.summarize_changes("", many)
    assert len(lines) == 14
    assert lines[-1] == "  and 8 more: git diff requirements.lock"


def test_stages_are_named_to_explain_and_not_to_write(project: Path) -> None:
    before = Path("src/versions.json").read_bytes()
    with pytest.raises(PlumblineError, match="--explain"):
        command("versions", "train")
    assert Path("src/versions.json").read_bytes() == before
