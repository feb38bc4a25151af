"""The command plumbline: what it lists is there and says what it is, and what it is not is refused in one line."""

import argparse
import importlib
import re
from pathlib import Path

import pytest

from plumbline import __version__
from plumbline.__main__ import COMMANDS, main
from plumbline.testing import ROOT, Project

FILES = {path.stem for path in (ROOT / "plumbline/commands").glob("*.py")} - {"__init__"}


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    return int(str(caught.value.code))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_each_command_that_is_there_and_no_other(
    arguments: list[str], tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)  # works anywhere
    assert set(COMMANDS) == FILES
    assert ended(*arguments) == 0
    said = capsys.readouterr().out
    assert dict(re.findall(r"(?m)^  ([a-z]\w*) {2,}(.+)$", said)) == COMMANDS
    assert all(re.search(rf"(?m)^  {code}  ", said) for code in (0, 1, 2))


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_command_has_a_docstring_that_its_help_shows_and_answers_help_outside_of_a_project(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(f"plumbline.commands.{name}")
    assert module.__doc__ and re.match(r"[A-Z].*[.?](\n|$)", module.__doc__), "a first line that is a sentence"
    assert callable(module.run) and callable(module.add_arguments)
    module.add_arguments(argparse.ArgumentParser())
    assert ended(name, "--help") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: plumbline {name}")
    assert module.__doc__.strip().splitlines()[0] in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("given", "near"), [
    ("reviw", "review"), ("REPRO", "repro"), ("version", "versions"), ("drafts", "draft"), ("x9q", None)])  # fmt: skip
def test_an_unknown_command_names_the_nearest(given: str, near: str | None, capsys) -> None:
    assert main([given]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"ERROR: plumbline: no command '{given}'")
    assert (f"Did you mean '{near}'?" if near else "All of them: plumbline --help") in said


@pytest.mark.parametrize("arguments", [["check", "--no-such"], ["release"], ["deliver", "something"]])
def test_wrong_arguments_end_with_2_and_the_usage(arguments: list[str], project: Project, capsys) -> None:
    assert ended(*arguments) == 2
    assert capsys.readouterr().err.startswith(f"usage: plumbline {arguments[0]}")


@pytest.mark.parametrize("name", sorted(FILES))
def test_outside_of_a_project_one_line_says_so(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    needed = {"release": ["model@v1.0.0"], "comment": ["folder"]}
    assert main([name, *needed.get(name, [])]) in (1, 2)
    said = capsys.readouterr()
    assert said.err == f"ERROR: dvc.yaml is not in {tmp_path}: run this in the project's root\n"
    assert said.out == ""


def test_the_version_is_that_of_the_package(capsys) -> None:
    assert ended("--version") == 0
    assert capsys.readouterr().out == f"plumbline {__version__}\n"
