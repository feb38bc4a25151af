"""The wheel in vendor/ is refused where it is not that of the lock, before anything of it is imported or installed."""

import shutil
import zipfile
from pathlib import Path

import pytest

from template.tests.bake.conftest import SCRIPTS, tree
from template.tests.bake.shell import make_in
from template.tests.libraries import create_venv

VERBS = ("setup", "repro", "report", "test", "check", "review", "lock")


def tamper(project: Path) -> None:
    """Let the wheel write a file where anything of it is imported."""
    (wheel,) = (project / "vendor").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(wheel, "w") as archive:
        for info, content in files.items():
            trap = b"open('imported', 'w').close()\n" if info.filename.endswith(".py") else b""
            archive.writestr(info, trap + content)


@pytest.mark.parametrize("has_venv", [False, True])
def test_a_wheel_with_another_hash_is_refused_by_each_command(has_venv: bool, bake) -> None:
    project = bake()
    if has_venv:
        create_venv(project)
    tamper(project)
    before = tree(project)
    for verb in VERBS:
        output = make_in(project, verb, code=2)
        assert (
            "-py3-none-any.whl does not have the hash that requirements.lock has for it. Restore what is committed: "
            in output
        )
        assert output.count("\n") == 2, "one line, and one of make"
    after = tree(project)
    assert {name: after[name] for name in after if "__pycache__" not in name or name in before} == before


def test_a_missing_wheel_and_a_missing_pin_are_refused(bake) -> None:
    project = bake()
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    (project / "requirements.lock").write_text(lock.replace("plumbline-ml==0", "plumbline-ml==1"), encoding="utf-8")
    assert "which requirements.lock does not have. Run make lock, then this again" in make_in(project, "repro", code=2)
    (project / "requirements.lock").write_text(lock, encoding="utf-8")
    next((project / "vendor").iterdir()).unlink()
    assert (
        "is not there, which pyproject.toml asks for. Restore what is committed: git checkout HEAD -- vendor"
        in make_in(project, "repro", code=2)
    )
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    (project / "pyproject.toml").write_text(text.replace("plumbline-ml==", "plumbline-ml>="), encoding="utf-8")
    for verb in ("setup", "lock"):
        assert "ERROR: pyproject.toml has no plumbline-ml==VERSION, or several, and there" in make_in(
            project, verb, code=2
        )


def test_a_second_pin_cannot_take_the_place_of_the_first(bake) -> None:
    project = bake()
    lock, settings = ((project / name).read_text(encoding="utf-8") for name in ("requirements.lock", "pyproject.toml"))
    entry = "plumbline-ml==9.9.9 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    for text in (lock + entry, lock + entry.replace("plumbline-ml", "Plumbline_ML")):
        (project / "requirements.lock").write_text(text, encoding="utf-8")
        assert "requirements.lock has plumbline-ml more than once. Restore what" in make_in(project, "repro", code=2)
    (project / "requirements.lock").write_text(lock, encoding="utf-8")
    requirement = next(line for line in settings.splitlines() if line.startswith('  "plumbline-ml=='))
    decoy = settings.replace(requirement, f'  # {requirement}\n  "plumbline-ml==9.9.9",')
    (project / "pyproject.toml").write_text(decoy, encoding="utf-8")
    assert "asks for plumbline-ml 9.9.9, which requirements.lock does not" in make_in(project, "repro", code=2)


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["warm", "empty"])
def test_a_cache_with_the_right_wheel_changes_nothing(bake, cache: str, tmp_path: Path, monkeypatch) -> None:
    """With the package index: uv alone would take the wheel of its cache without a word."""
    project = bake()
    make_in(project, "setup")
    assert (project / ".venv" / SCRIPTS / "plumbline").exists()
    tamper(project)
    shutil.rmtree(project / ".venv")
    if cache == "empty":
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    assert "does not have the hash that requirements.lock has for it" in make_in(project, "setup", code=2)
    assert not (project / ".venv").exists()
    assert not (project / "imported").exists()


@pytest.mark.slow
def test_the_lock_of_a_new_project_is_what_make_lock_writes(bake) -> None:
    """With the package index."""
    project = bake()
    create_venv(project)
    before = tree(project)
    assert "packages at the same versions\n" in make_in(project, "lock")
    assert tree(project)["requirements.lock"] == before["requirements.lock"]
