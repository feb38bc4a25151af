"""Programs that tests need: .ci/tools installs only what is missing; in CI a missing one is never a reason to skip."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from template.tests import tools

PROGRAMS = ("bash", "env", "id", "git", "make")  # in addition to what a test puts on PATH


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH: with an apt that writes its arguments to a file, and one Python that Debian has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).symlink_to(str(shutil.which(name)))
    write_script(folder / "apt-get", f'echo "$*" >> {tmp_path}/apt.log')
    write_script(folder / "apt-cache", '[ "$2" != python3.12-venv ] || echo "Package: $2"')
    write_script(folder / "sudo", 'exec "$@"')
    write_script(folder / "python3")
    write_script(folder / "google-chrome")
    for version in ("3.11", "3.12", "3.13"):
        write_script(folder / f"python{version}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write_script(path: Path, script: str = "exit 0") -> None:
    path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    path.chmod(0o700)


def run_script(folder: Path) -> tuple[list[str], str]:
    """Run .ci/tools; return the arguments of each call of apt-get, and the output."""
    ran = subprocess.run([tools.SCRIPT], capture_output=True, encoding="utf-8", check=True)
    log = folder.parent / "apt.log"
    return log.read_text().splitlines() if log.exists() else [], ran.stdout + ran.stderr


def test_where_nothing_is_missing_nothing_is_asked_or_said(bin_: Path) -> None:
    assert run_script(bin_) == ([], "")


@pytest.mark.parametrize(
    ("name", "package"),
    [("google-chrome", "chromium"), ("make", "make"), ("git", "git"), ("python3.12", "python3.12-venv")],
)
def test_what_is_missing_is_installed_and_no_more(bin_: Path, name: str, package: str) -> None:
    (bin_ / name).unlink()
    calls, output = run_script(bin_)
    assert calls == ["-qq update", f"-qq install --yes --no-install-recommends {package}"]
    assert output == f"tools: installing {package}\n"


def test_a_python_without_venv_or_that_does_not_run_is_missing_and_one_that_debian_has_not_is_let_be(bin_) -> None:
    write_script(bin_ / "python3", "exit 1")
    write_script(bin_ / "python3.12", "exit 127")  # as a command of pyenv's without that version
    (bin_ / "python3.13").unlink()
    calls, _ = run_script(bin_)
    assert calls[1].split()[4:] == ["python3-venv", "python3.12-venv"]
    write_script(bin_ / "pyenv", '[ "$*" = "prefix 3.12" ]')
    assert run_script(bin_)[0][-1].split()[4:] == ["python3-venv"]


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_any_of_its_names_will_do(bin_: Path, name: str) -> None:
    assert tools.find_program(name) == str(bin_ / "google-chrome")


def test_what_is_missing_fails_in_ci_with_its_package_and_is_skipped_elsewhere(bin_: Path, monkeypatch) -> None:
    for name in ("google-chrome", "python3.12"):
        (bin_ / name).unlink()
    for find, name, package in (
        (tools.find_program, "chromium", "chromium"),
        (tools.find_python, "3.12", "python3.12-venv"),
    ):
        for ci, outcome in (("1", pytest.fail.Exception), ("", pytest.skip.Exception)):
            monkeypatch.setenv("CI", ci)
            with pytest.raises(outcome, match=rf"{name} is not on PATH: \.ci/tools installs it, .* package {package}$"):
                find(name)


def test_a_python_that_no_package_brings_is_skipped_even_in_ci(bin_: Path, monkeypatch) -> None:
    monkeypatch.setenv("CI", "1")
    assert tools.find_python("3.13") == str(bin_ / "python3.13")
    with pytest.raises(pytest.skip.Exception, match=r"no Python 3\.14 is here"):
        tools.find_python("3.14")


def test_no_test_skips_for_want_of_a_program_in_another_way() -> None:
    files = [*tools.SCRIPT.parents[1].glob("t*/**/test_*.py")]
    assert len(files) > 50
    names = {path.name for path in files if "shutil.which(" in path.read_text(encoding="utf-8")}
    assert names == {Path(__file__).name}


def test_a_run_of_ci_says_so_to_its_tests() -> None:
    run = tools.SCRIPT.with_name("run").read_text()
    script = f"{run[: run.index('cd ')]} env"
    for variables, expected in (({}, "1"), ({"CI": "true"}, "true")):
        env = {key: value for key, value in os.environ.items() if key != "CI"} | variables
        ran = subprocess.run(["bash", "-c", script], env=env, capture_output=True, encoding="utf-8", check=True)
        assert f"CI={expected}" in ran.stdout.splitlines()
