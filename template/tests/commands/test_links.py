"""A link of a page leads to a file and to a heading in it; what is outside is not followed."""

from pathlib import Path

import pytest

from plumbline.commands import links
from template.tests.command import command

PAGE = "# The first: what?\n\n## A second\n\nSee [x]({}).\n"


@pytest.mark.parametrize("link", ["#a-second", "#the-first-what", "other.md", "other.md#its-own", "../top.md",
                                  "https://host/gone", "mailto:a@b", "."])  # fmt: skip
def test_these_lead_somewhere(pages: Path, link: str) -> None:
    (pages / "docs/page.md").write_text(PAGE.format(link))
    assert links.broken(Path("docs/page.md")) == []
    assert command("links") == 0


@pytest.mark.parametrize("link", ["#a-third", "gone.md", "other.md#a-second", "gone.md#a-second", "top.md"])
def test_these_lead_nowhere(pages: Path, link: str, capsys: pytest.CaptureFixture[str]) -> None:
    (pages / "docs/page.md").write_text(PAGE.format(link))
    assert command("links") == 1
    assert capsys.readouterr().out == f"docs/page.md: {link} leads nowhere\n"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "top.md").write_text("# Top\n")
    (tmp_path / "docs/other.md").write_text("# Its own\n")
    return tmp_path
