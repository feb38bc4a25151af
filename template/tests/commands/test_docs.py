"""plumbline docs lists the pages, shows and opens a page, and suggests a name."""

import sys
from pathlib import Path

import pytest

from plumbline.commands import docs
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT
from template.tests.command import run_command
from template.tests.terminal import posix, run_in_terminal

PAGE = "# What is it?\n\nA *page*, with `code`.\n"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for name in ("index", "your-table"):
        Path(f"docs/{name}.md").write_text(PAGE)
    return tmp_path


def test_all_are_listed_with_their_titles(pages: Path, capsys) -> None:
    assert run_command("docs") == 0
    output = capsys.readouterr().out
    assert output == "index       What is it?\nyour-table  What is it?\n\nNext: plumbline docs NAME\n"


@pytest.mark.parametrize("name", ["your-table", "docs/your-table.md", "your-table.md"])
def test_one_is_shown_as_it_is_where_no_terminal_is(pages: Path, name: str, capsys) -> None:
    assert run_command("docs", name) == 0
    assert capsys.readouterr().out == PAGE
    with pytest.raises(PlumblineError, match=r"^your-tabel: docs/ has no such page\. Did you mean 'your-table'\?"):
        run_command("docs", "your-tabel")


def test_one_is_opened_or_it_is_said_that_there_is_no_browser(pages: Path, monkeypatch, capsys) -> None:
    urls: list[str] = []
    for is_open in (True, False):
        monkeypatch.setattr(docs.webbrowser, "open", lambda url, is_open=is_open: urls.append(url) or is_open)
        assert run_command("docs", "--open") == 0
        assert run_command("docs", "your-table", "--open") == 0
    assert urls == [(pages / f"docs/{name}.md").as_uri() for name in ("index", "your-table")] * 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "docs/your-table.md is open in your browser"
    assert lines[2] == "plumbline/docs/index.md is the page; no browser was found to open it"


@posix
def test_a_terminal_shows_it_rendered() -> None:
    output, _ = run_in_terminal([sys.executable, "-m", "plumbline", "docs", "index"], cwd=ROOT)
    title = (ROOT / "plumbline/docs/index.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert title in output
    assert f"# {title}" not in output
