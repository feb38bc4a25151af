"""make report opens the report, and says how to get one where there is none."""

from functools import partial
from pathlib import Path

from plumbline import paths
from plumbline.commands import report
from plumbline.errors import report_errors
from plumbline.testing.projects import Project
from template.tests.command import run_command


def record_url(urls: list[str], is_open: bool, url: str) -> bool:
    urls.append(url)
    return is_open


def test_it_opens_the_page_or_says_how_to_make_it(project: Project, monkeypatch, capsys) -> None:
    assert report_errors(lambda: run_command("report")) == 1
    assert "make repro" in capsys.readouterr().err
    Path(paths.REPORT).touch()
    urls: list[str] = []
    for is_open in (True, False):
        monkeypatch.setattr(report.webbrowser, "open", partial(record_url, urls, is_open))
        assert run_command("report") == 0
    assert urls[0].startswith("file://") and urls[0].endswith(paths.REPORT)
    assert "no browser was found" in capsys.readouterr().out
