"""The review's page: nothing from outside, text is only text, and what the result has not is left out."""

import re
from typing import Any

import pytest

from src.review.page import page
from template.tests.review.examples import EXAMPLES, renamed

TAGS = re.compile(r"<(/?(?!wbr>)[a-z][a-z0-9]*)")  # a word may break after each _ in it


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_is_one_file_with_the_figures_that_there_is_something_for(name: str) -> None:
    text = page(EXAMPLES[name])
    assert text.count("<figure") == (5 if "difference" in EXAMPLES[name] else 2)
    assert not re.search(r"<(script|img|link|iframe)|(src|href)=\"(?!#)", text)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("text", ["<script>x</script>", "$a_b$", "a\u202e\x00b", "x" * 300, '" onload="x'], ids=ascii)
def test_what_a_stranger_writes_changes_no_structure(text: str) -> None:
    def tags(name: str) -> list[str]:
        outside = re.sub(r"<svg.*?</svg>", "", page(renamed(EXAMPLES["accepted"], name)), flags=re.DOTALL)
        return TAGS.findall(outside)

    assert tags(text) == tags("plain")
    assert "<script" not in page(renamed(EXAMPLES["accepted"], text))


@pytest.mark.parametrize("value", [None, 7, "x", [1], [{}], {"a": {"b": 1}}])
def test_a_part_of_another_type_is_left_out(value: Any) -> None:
    assert "</html>" in page(EXAMPLES["worse"] | dict.fromkeys(["data", "slices", "metrics", "curves"], value))
    assert "</html>" in page(EXAMPLES["worse"] | dict.fromkeys(["reasons", "importance", "notes"], value))
