"""Every number of the page is that of metrics/, nothing comes from outside, and text of the data is only text."""

import json
import re
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline import params, paths
from plumbline.formatting import short
from plumbline.metrics import lower_is_better
from plumbline.testing.projects import Project, make_table
from template.tests.tools import find_program

PHONE, MARGINS = 390, 32  # CSS pixels
FRAME = """<iframe width={width} height=800 srcdoc="{page}"></iframe><script>onload = () => {{
const inside = document.querySelector("iframe").contentDocument.documentElement;
document.title = inside.clientWidth + " " + inside.scrollWidth; }}</script>"""
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


def run_report(project: Project, task: str, target: str = "target", **changes: Any) -> str:
    names_of = {"colour": NASTY, "x2": "x" * 300, "target": target}
    project.table(make_table(task, rows=600).rename(columns=names_of), target=target)
    project.change(**changes)
    project.run("ingest", "featurize", "train", "evaluate")
    return Path(paths.REPORT).read_text(encoding="utf-8")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_numbers_are_those_of_the_metrics(project: Project, task: str) -> None:
    costs = {"costs": {"false_positive": 1, "false_negative": 5}} if task == "binary" else {}
    page = Tables(run_report(project, task, requirements=costs))
    metrics, linear, trivial = map(content, (paths.METRICS, paths.LINEAR, paths.TRIVIAL))
    first = next(iter(content(paths.INTERVALS)))
    assert page.under("metric", "better", "model") == [
        [
            name,
            "lower" if lower_is_better(name) else "higher",
            short(metrics[name]),
            " to ".join(map(short, ends["model"])),
            short(linear[name]),
            short(trivial[name]),
        ]
        for name, ends in content(paths.INTERVALS).items()
    ]
    errors = content(paths.DIAGNOSTICS)["errors"]
    if task == "regression":
        assert page.under("quantile") == [[share, short(value)] for share, value in errors["residuals"].items()]
        assert [row[3] for row in page.under("prediction from")] == [
            short(part["mean_absolute_error"]) for part in errors["by_prediction"]
        ]
    else:
        assert [row[1:] for row in page.under("", *errors["confusion"]["classes"])] == [
            [*map(short, cells)] for cells in errors["confusion"]["cells"]
        ]
    if task == "binary":
        rows = page.under("threshold", "selection rate", "precision", "recall", "false positive rate", "cost")
        assert rows == [[*map(short, row.values())] for row in errors["thresholds"]]
    slices = {(s["column"], s["level"]): s for s in content(paths.SLICES)["slices"]}
    rows_of_slices = page.under("column", "slice")
    assert rows_of_slices
    for column, level, count, value in rows_of_slices:
        slice_ = slices[column, level]
        assert (count, value.split(" ")[0]) == (str(slice_["rows"]), short(slice_[first][0]))


def test_the_page_is_whole_by_itself_the_same_twice_and_means_no_markup_of_the_data(project: Project) -> None:
    text = run_report(project, "binary")
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
    assert Path(paths.REPORT).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("show_values", [False, True])
def test_values_of_rows_are_shown_only_where_they_may(project: Project, show_values: bool) -> None:
    page = Tables(run_report(project, "multiclass", data={"show_values": show_values}))
    worst = page.under("row", "loss")
    assert len(worst) == 100
    assert [len(row) for row in worst] == [5 if show_values else 2] * 100
    losses = [float(loss) for _, loss, *_ in worst]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_on_a_phone_each_table_has_its_box_names_break_and_figures_are_legible(project: Project, task: str) -> None:
    text = run_report(project, task)
    assert text.count("<table>") == text.count('<div class="wide"><table>') > 5
    styles = text.partition("<style>")[2].partition("</style>")[0]
    assert re.search(r"\.wide { overflow-x: auto }", styles)
    assert re.search(r"body {[^}]*overflow-wrap: anywhere", styles)
    assert re.search(r"figure svg {[^}]*width: 100%; height: auto", styles)
    assert all(float(least) <= 14 for least in re.findall(r"min-width: ([\d.]+)rem", styles))
    figures = re.findall(r"<svg (.*?)>(.*?)</svg>", text, flags=re.DOTALL)
    assert len(figures) > 8
    for attributes, svg in figures:
        assert not re.search(r"\b(width|height)=", attributes)
        scale = (PHONE - MARGINS) / float(re.findall(r'viewBox="0 0 ([\d.]+) ', attributes)[0])
        assert min(float(size) * scale for size in re.findall(r"font(?:-size)?: ([\d.]+)px", svg)) > 10
    for words in re.findall(r"<td>(.*?)</td>", text):
        assert max(map(len, re.split(r" |<wbr>", words))) <= 24, words


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_browser_as_wide_as_a_phone_never_scrolls_the_page_sideways(project: Project, task: str) -> None:
    Path("wide.html").write_text(
        FRAME.format(width=PHONE, page=escape(run_report(project, task, "y" * 200))), encoding="utf-8"
    )
    command = [
        find_program("chromium"),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--user-data-dir=profile",
        "--dump-dom",
    ]
    address = Path("wide.html").absolute().as_uri()
    dom = subprocess.run([*command, address], capture_output=True, encoding="utf-8", check=True, timeout=120).stdout
    client_width, scroll_width = map(int, re.findall(r"<title>(\d+) (\d+)</title>", dom)[0])
    assert PHONE - MARGINS < scroll_width <= client_width <= PHONE


def test_the_first_screen_has_the_description_and_one_line_for_all_that_is_not_stated(project: Project) -> None:
    Path("docs/project.yaml").write_text(yaml.safe_dump({"use": {"intended": "Teaching & <testing>."}}))
    text = run_report(project, "binary")
    (description,) = params.read_project("description")
    assert f'<p class="lead">{description}.</p>' in text
    assert text.count("<dt>") == 1
    assert "<dt>Intended use</dt><dd>Teaching &amp; &lt;testing&gt;.</dd>" in text
    note = "Not stated yet: question, excluded use, limits, source, rights (docs/project.yaml)."
    assert (text.count("ot stated"), text.count(note)) == (1, 1)


def test_the_contents_lead_to_each_section_by_the_names_that_people_search_for(project: Project) -> None:
    text = run_report(project, "binary")
    titles = ["Data", "Performance", "Calibration and thresholds", "Errors", "Explanations", "Checks", "Reproduction"]
    sections = re.findall(r'<h2 id="([^"]+)">([^<]+)</h2>', text)
    assert [title for _, title in sections] == titles
    assert re.findall(r'<a href="#([^"]+)">([^<]+)</a>', text) == sections
