"""A link of a page leads to a file and to a heading in it; what is outside is not followed."""

from pathlib import Path

import pytest

from plumbline.commands import links
from template.tests.command import run_command

PAGE = "# The first: what?\n\n## A second\n\nSee [x]({}).\n"


@pytest.mark.parametrize(
    "link",
    [
        "#a-second",
        "#the-first-what",
        "second.md",
        "second.md#its-own",
        "../top.md",
        "https://host/missing",
        "mailto:a@b",
        ".",
    ],
)
def test_these_lead_somewhere(pages: Path, link: str) -> None:
    (pages / "docs/page.md").write_text(PAGE.format(link))
    assert links.find_broken_links(Path("docs/page.md")) == []
    assert run_command("links") == 0


@pytest.mark.parametrize("link", ["#a-third", "missing.md", "second.md#a-second", "missing.md#a-second", "top.md"])
def test_these_lead_nowhere(pages: Path, link: str, capsys: pytest.CaptureFixture[str]) -> None:
    (pages / "docs/page.md").write_text(PAGE.format(link))
    assert run_command("links") == 1
    where = f"docs/page.md: {link} leads to no file or heading of the project"
    assert capsys.readouterr().out == f"{where}. Correct the link, or add what it names\n"


@pytest.mark.parametrize("folder", ["plumbline/docs", "template", ".github"])
def test_the_pages_of_the_template_are_checked_where_they_are(pages: Path, folder: str) -> None:
    (pages / folder).mkdir(parents=True)
    (pages / folder / "page.md").write_text(PAGE.format("missing.md"))
    assert run_command("links") == 1


def test_code_is_no_heading_and_no_link_and_a_repeated_heading_is_numbered(pages: Path) -> None:
    code = "```console\n# In code\n[x](missing.md)\n```\n"
    (pages / "docs/page.md").write_text(f"# A\n\n# Same\n\n# Same\n\n{code}\n[y](#same-1) [z](HTTPS://host)\n")
    assert links.find_broken_links(Path("docs/page.md")) == []
    (pages / "docs/page.md").write_text(f"{code}\n[y](#in-code) [z](.#a)\n")
    assert links.find_broken_links(Path("docs/page.md")) == ["#in-code", ".#a"]


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "top.md").write_text("# Top\n")
    (tmp_path / "docs/second.md").write_text("# Its own\n")
    return tmp_path
