"""The card: every number is that of the run, and text of the data is only text."""

import json
import re
from html import unescape
from pathlib import Path

from markdown_it import MarkdownIt

from plumbline import paths
from plumbline.testing.projects import Project, make_table

NASTY = ["<img onerror=x>", "| |", "[a](b) ](http://x) @someone `**a_b**` &lt; www.x.com $1$"]


def test_numbers_are_those_of_the_metrics_and_text_of_the_data_means_nothing_but_itself(project: Project) -> None:
    table = make_table(rows=800).replace({"colour": dict(zip(["red", "green", "blue"], NASTY, strict=True))})
    project.table(table.rename(columns={"x1": "x|1<b>"}))
    project.change(model={"estimator": "sklearn.neighbors.KNeighborsClassifier"}, evaluate={"slices": ["colour"]})
    project.run()
    card = Path(paths.CARD).read_text(encoding="utf-8")
    models = [json.loads(Path(path).read_text()) for path in (paths.METRICS, paths.LINEAR, paths.TRIVIAL)]
    for name, intervals in json.loads(Path(paths.INTERVALS).read_text()).items():
        numbers = zip(models, intervals.values(), strict=True)
        cells = (f"{values[name]:.4g} ({low:.4g} to {high:.4g})" for values, (low, high) in numbers)
        assert f"| `{name}` | {' | '.join(cells)} |\n" in card
    assert "**The estimator itself keeps the training rows**" in card

    page = MarkdownIt("commonmark").enable("table").render(card)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    assert {len(row) for row in rows} == {0, 4}
    assert {unescape(row[1]).replace("<!-- -->", "") for row in rows if "colour" in row[:1]} == {*NASTY, "category"}
    assert not re.search(r"<(img|a|b|em)\b|@someone|http://|www\.", page)
