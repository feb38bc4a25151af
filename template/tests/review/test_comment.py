"""The comment: plain, short, and the same whatever a stranger writes into the result."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from plumbline.formatting import short
from plumbline.review.comment import MARKER, MAX_BYTES, NOTICE, render_comment
from plumbline.review.gate import NAMES
from plumbline.review.markdown import code, escape
from plumbline.review.page import render_page
from plumbline.review.result.changes import ChangedFiles, LabelEffect, ParameterChange
from plumbline.review.result.comparison import NO_MARGIN
from plumbline.review.result.review import Review
from plumbline.review.terminal import render_terminal
from template.tests.review.examples import EXAMPLES, HOSTILE, SHA, rename, with_comparison, with_verdict

GITHUB = MarkdownIt("commonmark", {"html": True}).enable("table")
OWN_HTML = re.compile(r"<details><summary>[A-Z][a-z ]+</summary>|</details>|<!-- review of pull requests -->")
LINKED = re.compile(r"[@#:]\w|www\.\w|://|GH-\d|\b[0-9a-f]{7,40}\b")


def shape(text: str) -> list[str]:
    """The blocks, tables, emphasis and HTML of a comment; code and text are only text."""
    types = []
    for token in GITHUB.parse(text):
        types.append(token.type)
        for child in token.children or []:
            if child.type not in ("text", "code_inline"):
                types.append(child.type)
            assert child.type != "text" or not LINKED.search(child.content), child.content
            assert child.type != "html_inline", child.content
        assert token.type != "html_block" or not OWN_HTML.sub("", token.content).strip(), token.content
    assert not {"link_open", "image", "fence", "code_block", "heading_open", "hr"} & {*types}
    return types


def render_everywhere(review: Review) -> list[str]:
    """The comment, the page and the lines for a terminal."""
    return [render_comment(review), render_page(review), "\n".join(render_terminal(review))]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_first_lines_are_plain_and_the_first_screen_has_one_table_at_most(name: str) -> None:
    review, text = EXAMPLES[name], render_comment(EXAMPLES[name])
    marker, _, first, *_ = text.splitlines()
    screen = text.partition("<details>")[0]
    assert marker == MARKER
    assert first.lower().startswith(f"**{review.word}")
    assert shape(screen).count("table_open") == (review.comparison is not None)
    assert ("check is red" in screen) == bool(review.open_reasons)
    assert "None" not in text
    assert "nan" not in text
    if review.comparison:
        head, difference = review.comparison.head_error, review.comparison.verdict.difference
        assert f"`log_loss` (lower is better) went from 0.3205 to {short(head)}" in first
        assert short(abs(difference)) in first


@pytest.mark.parametrize("text", [text for text in HOSTILE if text], ids=ascii)
@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_stranger_writes_changes_no_structure(name: str, text: str) -> None:
    review = EXAMPLES[name]
    assert shape(render_comment(rename(review, text))) == shape(render_comment(rename(review, "plain")))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_name_is_one_code_span_and_of_a_sentence_nothing_is_linked(text: str) -> None:
    assert re.fullmatch(r"`[^`|\n\u202e\u200b\x00]{1,60}`", code(text))
    shape(f"- said: {escape(f'see {text} and {text}.')}")


@pytest.mark.parametrize("text", ["the difference is 0.01, larger than its noise", "don't (at 90 %) ask"])
def test_plain_words_stay_words(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize("count", [1, 5000])
def test_5000_of_everything_are_cut_between_parts(count: int) -> None:
    review = rename(EXAMPLES["accepted"], "字" * 500)
    names = [f"{'字' * 50}{number}" for number in range(count)]
    review = replace(
        review,
        slices=review.slices * count,
        metrics=review.metrics * count,
        floors=review.floors * count,
        reasons=review.reasons * count,
        notes=review.notes * count,
        parameter_changes=tuple(ParameterChange(name=name, base="字" * 99, head="字" * 99) for name in names),
        data_changes=replace(review.data_changes, shifts=dict.fromkeys(names, 1.0)),
    )
    text = render_comment(review)
    assert len(text.encode()) <= MAX_BYTES + len(NOTICE) + 2 < 60_000
    assert ("Cut here" in text) == (count > 1)
    assert shape(text).count("html_block") == 1 + text.count("<details>") + text.count("</details>")
    assert text.count("<details>") == text.count("</details>") > 0


def test_only_the_standard_library_is_needed() -> None:
    """-S leaves out all that is installed, as where comment.yml runs."""
    code_ = "import plumbline.commands.comment, plumbline.review.post"
    ran = subprocess.run([sys.executable, "-S", "-c", code_], capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr


def test_the_page_says_what_each_reason_means() -> None:
    page = Path("plumbline/docs/pull-requests.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [*NAMES]


def test_the_level_of_the_interval_is_that_of_the_tests() -> None:
    """Alpha is one-sided: at 0.05 the interval that is read holds 90 %."""
    for alpha, level in ((0.05, "90 %"), (0.005, "99 %"), (0.1, "80 %")):
        for text in render_everywhere(with_comparison(EXAMPLES["better"], alpha=alpha)):
            assert {*re.findall(r"(\d+ %) interval", text)} - {"95 %"} == {level}, "95 % are the other metrics'"


def test_what_was_executed_again_moved_or_relabelled_is_told() -> None:
    text = render_comment(EXAMPLES["worse"])
    for line in (
        "| `metrics/metrics.json` | `log_loss` | `0.3` | `0.31` |",
        "| code and parameters | -0.0412 | -0.0601 to -0.0223 | `worse` |",
        "Run again, different bytes: `metrics/metrics.json`",
        "Rows with another label: 4, left out; with them: `worse`",
        "Head's own review says: `worse`",
    ):
        assert line in text
    review = replace(EXAMPLES["worse"], label_effect=LabelEffect(rows=4))
    assert ", not left out: too few others" in render_comment(review)


def test_what_changed_names_ten_files_and_how_many_more() -> None:
    def change(files: ChangedFiles) -> Review:
        return replace(EXAMPLES["same"], changed_files=files)

    for count, expected in ((2, "Files: `f0`, `f1`."), (10, "`f9`."), (13, "`f9` and 3 more.")):
        names = tuple(f"f{number}" for number in range(count))
        review = change(ChangedFiles(first_paths=names[:10], omitted_count=len(names[10:])))
        assert expected in render_comment(review)
        assert ("f9 and 3 more)" in "\n".join(render_terminal(review))) == (count == 13)
    hostile = change(ChangedFiles(first_paths=("a\x1b[2Jb`c|d\ne",) * 11, generated_count=7))
    expected = "Files: " + ", ".join(["`a\ufffd[2Jb'c¦d e`"] * 10) + "; 7 written by the run."
    assert expected in render_comment(hostile)
    assert "\x1b" not in "\n".join(render_terminal(hostile))
    review = replace(change(ChangedFiles(first_paths=("docs/x.md",))), changed_kinds=(), parameter_changes=())
    expected = "**What changed:** nothing that the model depends on. Files: `docs/x.md`."
    assert expected in render_comment(review)


def test_without_a_margin_it_is_said_why_and_what_to_set() -> None:
    for name in ("worse", "small"):
        review = with_verdict(replace(EXAMPLES[name], why=NO_MARGIN), margin=0.0, rows_needed=None)
        review = with_comparison(review, trivial_error=0.31)
        text, lines = render_comment(review), "\n".join(render_terminal(review))
        assert (
            "base is no better than the trivial baseline, whose error is 0.31: set `review.margin` in `params.yaml`"
            in text
        )
        assert not re.search(r"(change|difference) of 0\b|is 0\.$", text)
        assert "no margin: base is no better than trivial" in lines
    assert text.partition("<details>")[0].count("no better than the trivial") == 1


def test_a_p_value_that_is_corrected_is_called_so_wherever_it_stands() -> None:
    for text in render_everywhere(EXAMPLES["slice"]):
        assert [*re.findall(r"(\w*) ?\bp of worse", text)] == ["corrected"]


def test_what_is_not_shown_is_named() -> None:
    for text in render_everywhere(EXAMPLES["same"]):
        assert re.search(
            r"[Nn]ot shown: metric `?src.model.cost:`? `?evaluate.metrics`? of base does not name it", text
        )


def test_no_line_for_a_terminal_is_a_command_of_the_runner() -> None:
    hostile = replace(
        EXAMPLES["accepted"], why="x\n::error::y", notes=("a\r\n::add-mask::b ##[group]\u202e\x1b[2J", "::c")
    )
    lines = render_terminal(hostile)
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    assert not {*"\n\r\x1b\u202e"} & {*"".join(lines)}


def test_an_accepted_reason_names_who_and_where() -> None:
    text = render_comment(EXAMPLES["accepted"])
    assert (
        f"`worse`: accepted in the name of `Ada`, not verified in `{SHA[:9]}`, since the new law asks for it." in text
    )
