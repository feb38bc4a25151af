"""The review's page: nothing from outside, text is only text, and what the result has not is left out."""

import re
from dataclasses import replace

import pytest

from plumbline.review.page import render_page
from template.tests.review.examples import EXAMPLES, SHA, rename, with_comparison

TAGS = re.compile(r"<(/?(?!wbr>)[a-z][a-z0-9]*)")  # a word may break after each _ in it


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_is_one_file_with_the_figures_that_there_is_something_for(name: str) -> None:
    text = render_page(EXAMPLES[name])
    assert text.count("<svg") == (6 if EXAMPLES[name].comparison else 3)
    assert not re.search(r"<(script|img|link|iframe)|(src|href)=\"(?!#)", text)
    assert "prefers-color-scheme: dark" in text


def test_captions_are_filled_in_and_say_what_the_figure_shows() -> None:
    text = render_page(with_comparison(EXAMPLES["worse"], alpha=0.1))
    assert not re.search(r"{{|}}|{%|None|nan", re.sub(r"<(svg|style).*?</\1>", "", text, flags=re.DOTALL))
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text)
    assert captions == [
        "ROC curve: the nearer to the upper left the better",
        "The gain in the slices of the smallest p, with 80 % intervals",
        "How far the distribution of each column shifted between base and head: 0 not at all, 1 completely",
        "How much the loss grows when a feature is shuffled, in the committed run of base and in that of head",
    ]
    assert f"Base is the commit before it ({SHA[:9]}), head the commit with it ({SHA[::-1][:9]})." in text
    assert "corrected p of worse" in text
    assert "<td>20 rows added, 10 removed, 3 changed (0 of them have another label)</td>" in re.sub(
        ' class="long"', "", text
    )
    curves = EXAMPLES["worse"].curves
    assert curves
    regression = replace(EXAMPLES["worse"], curves=replace(curves, ranking=replace(curves.ranking, x_label="x")))
    assert "Share of rows within an error" in render_page(regression)


def test_a_bar_has_its_name_beside_it_and_long_tables_say_what_they_leave_out() -> None:
    review = EXAMPLES["worse"]
    part = review.slices[0]
    assert f">{part.column} = {part.level}<" in render_page(review)
    assert "more, in result.json" not in render_page(review)
    assert ">And 3 more, in result.json.<" in render_page(replace(review, slices=(part,) * 33))


def test_a_phone_shows_tables_and_figures_whole() -> None:
    """What is wider than the screen would be cut: words wrap there, and no figure has a least width."""
    style = render_page(EXAMPLES["worse"]).partition("</style>")[0]
    assert style.rindex("figure svg { min-width: 0;") > style.index("min-width")
    assert re.search(r"@media \(max-width: 40rem\) { th, td { white-space: normal", style)


@pytest.mark.parametrize("text", ["<script>x</script>", "$a_b$", "a\u202e\x00b", "x" * 300, '" onload="x'], ids=ascii)
def test_what_a_stranger_writes_changes_no_structure(text: str) -> None:
    def tags(name: str) -> list[str]:
        outside = re.sub(r"<svg.*?</svg>", "", render_page(rename(EXAMPLES["accepted"], name)), flags=re.DOTALL)
        return TAGS.findall(outside)

    assert tags(text) == tags("plain")
    assert "<script" not in render_page(rename(EXAMPLES["accepted"], text))
