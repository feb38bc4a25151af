"""Every number of the page is that of metrics/, nothing comes from outside, and text of the data is only text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from src import names
from src.findings import short
from tests.conftest import Project, make_table

NASTY = "<script>x</script> & $a_b$"


class Tables(HTMLParser):
    """The page's tables as rows of text, and every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.cell = True

    def handle_endtag(self, tag: str) -> None:
        self.cell = self.cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.cell:
            self.tables[-1][-1][-1] += data

    def under(self, *head: str) -> list[list[str]]:
        return next(rows[1:] for rows in self.tables if rows[0][: len(head)] == list(head))


def content(name: str) -> Any:
    return json.loads(Path(name).read_text(encoding="utf-8"))


def ran(project: Project, task: str, **changes: Any) -> str:
    project.table(make_table(task, rows=600).rename(columns={"colour": NASTY, "x2": "x" * 300}))
    project.change(**changes)
    project.run("ingest", "featurize", "train", "evaluate")
    return Path(names.REPORT).read_text(encoding="utf-8")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_numbers_are_those_of_the_metrics(project: Project, task: str) -> None:
    costs = {"costs": {"false_positive": 1, "false_negative": 5}} if task == "binary" else {}
    page = Tables(ran(project, task, requirements=costs))
    metrics, linear, trivial = map(content, (names.METRICS, names.LINEAR, names.TRIVIAL))
    first = next(iter(content(names.INTERVALS)))
    assert page.under("metric", "model") == [
        [name, short(metrics[name]), " to ".join(map(short, ends["model"])), short(linear[name]), short(trivial[name])]
        for name, ends in content(names.INTERVALS).items()
    ]
    found = content(names.ERRORS)
    if task == "regression":
        assert page.under("quantile") == [[share, short(value)] for share, value in found["residuals"].items()]
        assert [row[3] for row in page.under("predicted from")] == [
            short(part["mean_absolute_error"]) for part in found["by_size"]
        ]
    else:
        assert [row[1:] for row in page.under("", *found["confusion"]["classes"])] == [
            [*map(short, cells)] for cells in found["confusion"]["cells"]
        ]
    if task == "binary":
        rows = page.under("threshold", "said", "precision", "recall", "false_positive_rate", "cost")
        assert rows == [[*map(short, row.values())] for row in found["thresholds"]]
    slices = {(s["column"], s["level"]): s for s in content(names.SLICES)}
    shown = page.under("column", "slice")
    assert shown
    for column, level, count, value in shown:
        known = slices[column, level]
        assert (count, value.split(" ")[0]) == (str(known["rows"]), short(known[first][0]))


def test_the_page_is_whole_by_itself_the_same_twice_and_means_no_markup_of_the_data(project: Project) -> None:
    text = ran(project, "binary")
    tags = Tables(text).tags
    assert not [tag for tag, _ in tags if tag in ("script", "link", "img", "iframe", "object")]
    links = [value for _, a in tags for key, value in a.items() if key in ("src", "href", "xlink:href")]
    assert all(str(link).startswith("#") for link in links)
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org|matplotlib\.org)", text)
    assert NASTY not in text
    assert len(text) < 1_000_000
    figures = [a["aria-label"] for tag, a in tags if tag == "figure"]
    assert len(figures) >= 6
    assert all(figures)
    project.run("evaluate")
    assert Path(names.REPORT).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("shown", [False, True])
def test_values_of_rows_are_shown_only_where_they_may(project: Project, shown: bool) -> None:
    page = Tables(ran(project, "multiclass", data={"show_values": shown}))
    worst = page.under("row", "loss")
    assert len(worst) == 100
    assert [len(row) for row in worst] == [5 if shown else 2] * 100
    losses = [float(loss) for _, loss, *_ in worst]
    assert losses == sorted(losses, reverse=True)
