"""The comment: plain, short, and the same whatever a stranger writes into the result."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from src.findings import short as checked
from src.review.comment import MARKER, comment
from src.review.gate import NAMES
from src.review.markdown import code, sentence, short
from src.review.page import page
from src.review.terminal import told
from template.tests.review.examples import EXAMPLES, HOSTILE, SHA, renamed

GITHUB = MarkdownIt("commonmark", {"html": True}).enable("table")
OURS = re.compile(r"<details><summary>[A-Z][a-z ]+</summary>|</details>|<!-- review of pull requests -->")
LINKED = re.compile(r"[@#:]\w|www\.\w|://|GH-\d|\b[0-9a-f]{7,40}\b")


def shape(text: str) -> list[str]:
    """The blocks, tables, emphasis and HTML of a comment; code and text are only text."""
    found = []
    for token in GITHUB.parse(text):
        found.append(token.type)
        for child in token.children or []:
            if child.type not in ("text", "code_inline"):
                found.append(child.type)
            assert child.type != "text" or not LINKED.search(child.content), child.content
            assert child.type != "html_inline", child.content
        assert token.type != "html_block" or not OURS.sub("", token.content).strip(), token.content
    assert not {"link_open", "image", "fence", "code_block", "heading_open", "hr"} & {*found}
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_first_lines_are_plain_and_the_first_screen_has_one_table_at_most(name: str) -> None:
    result, text = EXAMPLES[name], comment(EXAMPLES[name])
    marker, _, first, *_ = text.splitlines()
    screen = text.partition("<details>")[0]
    assert marker == MARKER
    assert first.lower().startswith(f"**{result['word']}")
    assert shape(screen).count("table_open") == ("difference" in result)
    assert ("check is red" in screen) == bool(result["red"] or any(not r["accepted"] for r in result["reasons"]))
    assert "None" not in text
    assert "nan" not in text
    if "difference" in result:
        assert f"`log_loss` (lower is better) went from 0.3205 to {short(result['head'])}" in first
        assert short(abs(result["difference"])) in first


@pytest.mark.parametrize("text", [text for text in HOSTILE if text], ids=ascii)
@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_stranger_writes_changes_no_structure(name: str, text: str) -> None:
    assert shape(comment(renamed(EXAMPLES[name], text))) == shape(comment(renamed(EXAMPLES[name], "plain")))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_name_is_one_code_span_and_of_a_sentence_nothing_is_linked(text: str) -> None:
    assert re.fullmatch(r"`[^`|\n\u202e\u200b\x00]{1,60}`", code(text))
    shape(f"- said: {sentence(f'see {text} and {text}.')}")


@pytest.mark.parametrize("text", ["the difference is 0.01, larger than its noise", "don't (at 90 %) ask"])
def test_plain_words_stay_words(text: str) -> None:
    assert sentence(text) == text


def broken(value: Any) -> list[Any]:
    return [{key: value} for key in EXAMPLES["accepted"] if key not in ("version", "word")]


@pytest.mark.parametrize("value", [None, 7, True, float("nan"), 10**400, "x", [1, [2]], [{}], {"a": 1}, [{"name": {}}]])
def test_a_part_of_another_type_is_left_out(value: Any) -> None:
    for part in broken(value):
        shape(comment(EXAMPLES["accepted"] | part))
    inner = {"rows": value, "columns": value, "moved": value, "base": value, "accepted": value, "blocks": value}
    shape(comment(EXAMPLES["same"] | {"data": inner, "slices": [inner], "reasons": [inner], "release": inner}))


@pytest.mark.parametrize("result", [None, [], {}, {"word": 1}, {"word": "good\n" * 90}, {"version": 2, "word": "same"}])
def test_what_is_no_result_is_refused_in_one_line(result: Any) -> None:
    with pytest.raises(ValueError, match=r"^result.json: .*$") as error:
        comment(result)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("long", [1, 5000])
def test_5000_of_everything_are_cut_between_parts(long: int) -> None:
    result = renamed(EXAMPLES["accepted"], "字" * 500)
    for key in ("slices", "metrics", "floors", "reasons", "notes"):
        result[key] = result[key] * long
    result["params"] = {f"{'字' * 50}{n}": ["字" * 99, "字" * 99] for n in range(long)}
    result["data"]["moved"] = {f"{'字' * 50}{n}": 1 for n in range(long)}
    text = comment(result)
    assert len(text.encode()) < 60_000
    assert ("Cut here" in text) == (long > 1)
    assert shape(text).count("html_block") == 1 + text.count("<details>") + text.count("</details>")
    assert text.count("<details>") == text.count("</details>") > 0


@pytest.mark.parametrize("value", [0.0, 1.0, -0.04123456, 1234.5, 1234567.0, 1e-9, None, float("nan")])
def test_numbers_are_written_as_everywhere(value: float | None) -> None:
    assert short(value) == checked(value)


def test_only_the_standard_library_is_needed() -> None:
    for name in ("comment", "markdown"):
        tree = ast.parse(Path(f"src/review/{name}.py").read_text(encoding="utf-8"))
        used = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert used <= {*sys.stdlib_module_names, "collections.abc", "src.review.markdown"}


def test_the_page_says_what_each_reason_means() -> None:
    page = Path("docs/pull-requests.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [*NAMES]


def test_the_level_of_the_interval_is_that_of_the_tests() -> None:
    """Alpha is one-sided: at 0.05 the interval that is read holds 90 %."""
    for alpha, level in ((0.05, "90 %"), (0.005, "99 %"), (0.1, "80 %")):
        result = EXAMPLES["better"] | {"alpha": alpha}
        for text in (comment(result), "\n".join(told(result)), page(result)):
            assert {*re.findall(r"(\d+ %) interval", text)} - {"95 %"} == {level}, "95 % are the other metrics'"


def test_what_was_executed_again_moved_or_relabelled_is_told() -> None:
    text = comment(EXAMPLES["worse"])
    for line in (
        "| `metrics/metrics.json` | `log_loss` | `0.3` | `0.31` |",
        "| code and parameters | -0.0412 | -0.0601 to -0.0223 | `worse` |",
        "Executed again, other bytes: `metrics/metrics.json`",
        "Rows with another label: 4, left out; with them: `worse`",
        "Head's own review says: `worse`",
    ):
        assert line in text
    assert ", they count: too few others" in comment(EXAMPLES["worse"] | {"relabelled": {"rows": 4}})


def test_an_accepted_reason_names_who_and_where() -> None:
    text = comment(EXAMPLES["accepted"])
    assert f"`worse`: accepted by `Ada` in `{SHA[:9]}`, since the new law asks for it." in text
