"""The pages in the terminal: listed, shown, opened, and the nearest one named."""

import sys
from pathlib import Path

import pytest

from plumbline.commands import docs
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT
from template.tests.command import command
from template.tests.terminal import in_terminal, posix

PAGE = "# What is it?\n\nA *page*, with `code`.\n"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for name in ("index", "your-table"):
        Path(f"docs/{name}.md").write_text(PAGE)
    return tmp_path


def test_all_are_listed_with_their_titles(pages: Path, capsys) -> None:
    assert command("docs") == 0
    listed = capsys.readouterr().out
    assert listed == "index       What is it?\nyour-table  What is it?\n\nNext: plumbline docs NAME shows one\n"


@pytest.mark.parametrize("name", ["your-table", "docs/your-table.md", "your-table.md"])
def test_one_is_shown_as_it_is_where_no_terminal_is(pages: Path, name: str, capsys) -> None:
    assert command("docs", name) == 0
    assert capsys.readouterr().out == PAGE
    with pytest.raises(PlumblineError, match=r"^your-tabel: is no page of docs/\. Did you mean 'your-table'\?"):
        command("docs", "your-tabel")


def test_one_is_opened_or_it_is_said_that_there_is_no_browser(pages: Path, monkeypatch, capsys) -> None:
    opened: list[str] = []
    for there in (True, False):
        monkeypatch.setattr(docs.webbrowser, "open", lambda url, there=there: opened.append(url) or there)
        assert command("docs", "--open") == 0
        assert command("docs", "your-table", "--open") == 0
    assert opened == [(pages / f"docs/{name}.md").as_uri() for name in ("index", "your-table")] * 2
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "docs/your-table.md is open in your browser"
    assert said[2] == "docs/index.md is the page; no browser was found to open it"


@posix
def test_a_terminal_shows_it_set() -> None:
    shown, _ = in_terminal([sys.executable, "-m", "plumbline", "docs", "index"], cwd=ROOT)
    first = (ROOT / "docs/index.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert first in shown
    assert f"# {first}" not in shown
