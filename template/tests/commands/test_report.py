"""make report opens what is there, and says what to do when nothing is."""

from functools import partial
from pathlib import Path

from plumbline import paths
from plumbline.commands import report
from plumbline.errors import report_errors
from plumbline.testing.projects import Project
from template.tests.command import command


def opening(opened: list[str], there: bool, url: str) -> bool:
    opened.append(url)
    return there


def test_it_opens_the_page_or_says_how_to_make_it(project: Project, monkeypatch, capsys) -> None:
    assert report_errors(lambda: command("report")) == 1
    assert "make repro" in capsys.readouterr().err
    Path(paths.REPORT).touch()
    opened: list[str] = []
    for there in (True, False):
        monkeypatch.setattr(report.webbrowser, "open", partial(opening, opened, there))
        assert command("report") == 0
    assert opened[0].startswith("file://") and opened[0].endswith(paths.REPORT)
    assert "no browser was found" in capsys.readouterr().out
