"""The fixtures of a project come as a plugin: every test has them, and a start of pytest does not wait for them."""

import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT, environment

OWN_TEST = """
def test_a_table_is_there(project, tmp_path):
    assert project.folder == tmp_path == project.folder.cwd()
"""
PROGRAM = Path(sys.executable).with_name("pytest")


@pytest.fixture
def tests_folder(tmp_path: Path) -> Path:
    """The tests of a project with one of the user's, and no conftest.py beside it."""
    for name in ("plumbline", "src", "pyproject.toml", "dvc.yaml", "requirements.lock", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_own.py").write_text(OWN_TEST, encoding="utf-8")
    return tmp_path / "tests"


@pytest.mark.parametrize("place", [".", ".."])
@pytest.mark.parametrize("command", [[PROGRAM], [sys.executable, "-m", "pytest"]], ids=["pytest", "python -m pytest"])
def test_a_users_test_has_the_fixtures_without_an_import(tests_folder: Path, command: list, place: str) -> None:
    variables = environment(PYTHONPATH="")
    folder = tests_folder / place
    ran = subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def test_the_plugin_imports_no_library_that_takes_long() -> None:
    script = (
        "import sys, plumbline.testing.fixtures; print(*{'numpy', 'pandas', 'pyarrow', 'sklearn'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert ran.stdout == "\n"


def test_a_project_has_three_files_of_tests_and_no_conftest() -> None:
    names = sorted(path.name for path in (ROOT / "tests").glob("*.py"))
    assert names == ["test_clone.py", "test_dvc_yaml.py", "test_pipeline.py"]
