"""plumbline docs lists the pages of the project and of the package, shows and opens one, and suggests a name."""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.request import url2pathname

import pytest

from plumbline.commands import docs
from plumbline.errors import PlumblineError
from plumbline.pages import PROJECT, Page, find_page, list_anchors, read_pages, render_html
from plumbline.testing.projects import ROOT
from template.tests.command import run_command
from template.tests.terminal import posix, run_in_terminal

PAGE = "# What is <it>?\n\nA *page*, with `code`.\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "docs").mkdir()
    for name in ("ci", "your-table"):
        Path(f"docs/{name}.md").write_text(PAGE)
    return tmp_path


def test_the_list_has_the_projects_pages_first_and_hides_the_packages_of_the_same_name(project: Path, capsys) -> None:
    assert run_command("docs") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "This project",
        "  ci                   What is <it>?",
        "  your-table           What is <it>?",
        "",
        "Develop",
    ]
    assert "  statistics           Is the model of this commit better, and how is that measured?" in lines
    assert sum(line.startswith("  ci ") for line in lines) == 1
    assert lines[-1] == "Next: plumbline docs NAME (--open: in the browser)"


@pytest.mark.parametrize("name", ["your-table", "docs/your-table.md", "your-table.md"])
def test_a_page_is_printed_unchanged_where_no_terminal_is(project: Path, name: str, capsys) -> None:
    assert run_command("docs", name) == 0
    assert capsys.readouterr().out == PAGE


def test_a_page_of_the_package_is_shown_in_a_folder_without_a_project(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command("docs", "statistics") == 0
    assert capsys.readouterr().out == (ROOT / "plumbline/docs/statistics.md").read_text(encoding="utf-8")


def test_an_unknown_name_is_an_error_with_the_nearest_name(project: Path) -> None:
    with pytest.raises(PlumblineError, match=r"^there is no page 'your-tabel'\. Did you mean 'your-table'\?$"):
        run_command("docs", "your-tabel")
    with pytest.raises(PlumblineError, match=r"^there is no page 'xyz'\. List the pages: plumbline docs$"):
        run_command("docs", "xyz")


def test_a_page_is_opened_or_the_line_says_that_there_is_no_browser(project: Path, monkeypatch, capsys) -> None:
    urls: list[str] = []
    for is_open in (True, False):
        monkeypatch.setattr(docs.webbrowser, "open", lambda url, is_open=is_open: urls.append(url) or is_open)
        assert run_command("docs", "--open") == 0
        assert run_command("docs", "your-table", "--open") == 0
    paths = [Path(url2pathname(url.removeprefix("file://"))) for url in urls]
    assert [path.name for path in paths] == ["index.html", "your-table.html"] * 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{paths[1]} is open in your browser"
    assert lines[2] == f"{paths[2]} is the page; no browser was found to open it"
    text = paths[1].read_text(encoding="utf-8")
    assert "<title>What is &lt;it&gt;?</title>" in text
    assert "<em>page</em>" in text


def test_each_link_between_the_pages_leads_to_a_heading_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    pages = read_pages()
    texts = {name: render_html(page, pages) for name, page in pages.items()}
    ids = {name: re.findall(r'<h\d id="([^"]*)"', text) for name, text in texts.items()}
    links = [
        (name, *link)
        for name, text in texts.items()
        for link in re.findall(r'href="([\w-]+)\.html(?:#([^"]+))?"', text)
    ]
    assert len(links) > 80
    assert [link for link in links if link[1] not in ids or (link[2] and link[2] not in ids[link[1]])] == []
    assert not re.search(r'href="[^":]*\.md', "".join(texts.values()))


def test_the_command_of_a_page_is_a_link_to_it_and_a_file_of_the_project_is_found(project: Path) -> None:
    text = "`plumbline docs a` `plumbline docs b` [c](../params.yaml) [d](https://host/a.md) [e](#f)"
    pages = {"a": Page("a", PROJECT, text)}
    output = render_html(pages["a"], pages)
    assert '<a href="a.html"><code>plumbline docs a</code></a> <code>plumbline docs b</code>' in output
    assert f'<a href="{(project / "params.yaml").as_uri()}">c</a>' in output
    assert '<a href="https://host/a.md">d</a> <a href="#f">e</a>' in output


def test_anchors_are_those_of_github() -> None:
    assert list_anchors(["What is `a.b`?", "X-y, z", "X-y, z"]) == ["what-is-ab", "x-y-z", "x-y-z-1"]


def test_the_pages_are_read_from_a_zip_file_too(tmp_path: Path) -> None:
    names = subprocess.run(
        ["git", "ls-files", "plumbline"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    with zipfile.ZipFile(tmp_path / "plumbline.whl", "w") as archive:
        for name in names.splitlines():
            archive.write(ROOT / name, name)
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'plumbline.whl')!r}); import plumbline.pages as p; "
    code += "print(p.__file__); print(p.read_pages()['ci'].title)"
    command = [sys.executable, "-I", "-c", code]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        str(tmp_path / "plumbline.whl/plumbline/pages.py"),
        find_page("ci", read_pages()).title,
    ]


@posix
def test_a_terminal_shows_a_page_rendered() -> None:
    output, _ = run_in_terminal([sys.executable, "-m", "plumbline", "docs", "ci"], cwd=ROOT)
    title = find_page("ci", read_pages()).title
    assert title in output
    assert f"# {title}" not in output
