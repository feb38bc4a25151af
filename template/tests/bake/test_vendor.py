"""The wheel in vendor/ is refused where it is not that of the lock, before anything of it is imported or installed."""

import shutil
import zipfile
from pathlib import Path

import pytest

from template.tests.bake.conftest import SCRIPTS, tree
from template.tests.bake.test_update import make_in
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


def test_a_wheel_with_another_hash_is_refused_by_each_command(bake) -> None:
    project = bake()
    for has_venv in (False, True):
        if has_venv:
            create_venv(project)
        else:
            tamper(project)
        before = tree(project)
        for verb in VERBS:
            output = make_in(project, verb, code=2)
            assert (
                "-py3-none-any.whl does not have the hash that requirements.lock has for it. Restore them: " in output
            )
            assert output.count("\n") == 2, "one line, and one of make"
        assert tree(project) == before


def test_a_missing_wheel_and_a_missing_pin_are_refused(bake) -> None:
    project = bake()
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    (project / "requirements.lock").write_text(lock.replace("plumbline-ml==0", "plumbline-ml==1"), encoding="utf-8")
    assert "which requirements.lock does not have. Run make lock, then this again" in make_in(project, "repro", code=2)
    (project / "requirements.lock").write_text(lock, encoding="utf-8")
    next((project / "vendor").iterdir()).unlink()
    assert "is not there: it is the project's machinery. Restore it: git checkout HEAD --" in make_in(
        project, "repro", code=2
    )
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    (project / "pyproject.toml").write_text(text.replace("plumbline-ml==", "plumbline-ml>="), encoding="utf-8")
    for verb in ("setup", "lock"):
        assert "ERROR: pyproject.toml has no plumbline-ml==VERSION, and there is no" in make_in(project, verb, code=2)


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
    output = make_in(project, "lock")
    assert "Nothing to do." in output
    assert tree(project)["requirements.lock"] == before["requirements.lock"]
