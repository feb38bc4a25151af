"""What tests need of the machine: .ci/tools installs what is missing and no more; in CI nothing is skipped for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from template.tests import tools

FOUND = ("bash", "env", "id", "git", "make")  # besides what a test puts on PATH


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH: with apt, which writes down what it is asked, and one Python that Debian has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in FOUND:
        (folder / name).symlink_to(str(shutil.which(name)))
    write(folder / "apt-get", f'echo "$*" >> {tmp_path}/asked')
    write(folder / "apt-cache", '[ "$2" != python3.12-venv ] || echo "Package: $2"')
    write(folder / "sudo", 'exec "$@"')
    write(folder / "python3")
    write(folder / "google-chrome")
    for version in ("3.11", "3.12", "3.13"):
        write(folder / f"python{version}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write(path: Path, script: str = "exit 0") -> None:
    path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    path.chmod(0o700)


def installed(folder: Path) -> tuple[list[str], str]:
    """What is asked of apt-get, and what is printed."""
    ran = subprocess.run([tools.INSTALLS], capture_output=True, encoding="utf-8", check=True)
    asked = folder.parent / "asked"
    return asked.read_text().splitlines() if asked.exists() else [], ran.stdout + ran.stderr


def test_where_nothing_is_missing_nothing_is_asked_or_said(bin_: Path) -> None:
    assert installed(bin_) == ([], "")


@pytest.mark.parametrize(("gone", "package"), [
    ("google-chrome", "chromium"), ("make", "make"), ("git", "git"), ("python3.12", "python3.12-venv")])  # fmt: skip
def test_what_is_missing_is_installed_and_no_more(bin_: Path, gone: str, package: str) -> None:
    (bin_ / gone).unlink()
    asked, said = installed(bin_)
    assert asked == ["-qq update", f"-qq install --yes --no-install-recommends {package}"]
    assert said == f"tools: installs {package}\n"


def test_a_python_without_venv_or_that_does_not_run_is_missing_and_one_that_debian_has_not_is_let_be(bin_) -> None:
    write(bin_ / "python3", "exit 1")
    write(bin_ / "python3.12", "exit 127")  # as a command of pyenv's without that version
    (bin_ / "python3.13").unlink()
    asked, _ = installed(bin_)
    assert asked[1].split()[4:] == ["python3-venv", "python3.12-venv"]
    write(bin_ / "pyenv", '[ "$*" = "prefix 3.12" ]')
    assert installed(bin_)[0][-1].split()[4:] == ["python3-venv"]


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_any_of_its_names_will_do(bin_: Path, name: str) -> None:
    assert tools.need(name) == str(bin_ / "google-chrome")


def test_what_is_missing_fails_in_ci_with_its_package_and_is_skipped_elsewhere(bin_: Path, monkeypatch) -> None:
    for gone in ("google-chrome", "python3.12"):
        (bin_ / gone).unlink()
    for need, name, package in ((tools.need, "chromium", "chromium"), (tools.need_python, "3.12", "python3.12-venv")):
        for ci, outcome in (("1", pytest.fail.Exception), ("", pytest.skip.Exception)):
            monkeypatch.setenv("CI", ci)
            with pytest.raises(outcome, match=rf"{name} is not on PATH: \.ci/tools installs it, .* package {package}$"):
                need(name)


def test_a_python_that_no_package_brings_is_skipped_even_in_ci(bin_: Path, monkeypatch) -> None:
    monkeypatch.setenv("CI", "1")
    assert tools.need_python("3.13") == str(bin_ / "python3.13")
    with pytest.raises(pytest.skip.Exception, match=r"no Python 3\.14 is here"):
        tools.need_python("3.14")


def test_no_test_skips_for_want_of_a_program_in_another_way() -> None:
    files = [*tools.INSTALLS.parents[1].glob("t*/**/test_*.py")]
    assert len(files) > 50
    asking = {path.name for path in files if "shutil.which(" in path.read_text(encoding="utf-8")}
    assert asking == {Path(__file__).name}


def test_a_run_of_ci_says_so_to_its_tests() -> None:
    run = tools.INSTALLS.with_name("run").read_text()
    script = f"{run[: run.index('cd ')]} env"
    for given, expected in (({}, "1"), ({"CI": "true"}, "true")):
        env = {key: value for key, value in os.environ.items() if key != "CI"} | given
        ran = subprocess.run(["bash", "-c", script], env=env, capture_output=True, encoding="utf-8", check=True)
        assert f"CI={expected}" in ran.stdout.splitlines()
