"""The comment: plain, short, and the same whatever a stranger writes into the result."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from plumbline.formatting import short as checked
from plumbline.review.comment import MARKER, comment
from plumbline.review.gate import NAMES
from plumbline.review.markdown import code, sentence, short
from plumbline.review.page import page
from plumbline.review.terminal import told
from plumbline.review.verdict import NO_MARGIN
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
    for name in ("comment", "details", "markdown"):
        tree = ast.parse(Path(f"plumbline/review/{name}.py").read_text(encoding="utf-8"))
        used = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert used <= {
            *sys.stdlib_module_names,
            "collections.abc",
            "plumbline.review.details",
            "plumbline.review.markdown",
        }


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
        "Run again, other bytes: `metrics/metrics.json`",
        "Rows with another label: 4, left out; with them: `worse`",
        "Head's own review says: `worse`",
    ):
        assert line in text
    assert ", not left out: too few others" in comment(EXAMPLES["worse"] | {"relabelled": {"rows": 4}})


def test_what_changed_names_ten_files_and_how_many_more() -> None:
    for count, said in ((2, "Files: `f0`, `f1`."), (10, "`f9`."), (13, "`f9` and 3 more.")):
        names = [f"f{n}" for n in range(count)]
        result = EXAMPLES["same"] | {"files": {"first": names[:10], "more": len(names[10:]), "written": 0}}
        assert said in comment(result)
        assert ("f9 and 3 more)" in "\n".join(told(result))) == (count == 13)
    hostile = EXAMPLES["same"] | {"files": {"first": ["a\x1b[2Jb`c|d\ne"] * 11, "more": 0, "written": 7}}
    assert "Files: " + ", ".join(["`a\ufffd[2Jb'c¦d e`"] * 10) + "; 7 written by the run." in comment(hostile)
    assert "\x1b" not in "\n".join(told(hostile))
    assert "**What changed:** nothing that the model depends on. Files: `docs/x.md`." in comment(
        EXAMPLES["same"] | {"changed": [], "files": {"first": ["docs/x.md"]}, "params": {}}
    )


def test_without_a_margin_it_is_said_why_and_what_to_set() -> None:
    why = {"margin": 0.0, "trivial": 0.31, "why": NO_MARGIN, "rows_needed": None}
    for name in ("worse", "small"):
        result = EXAMPLES[name] | why
        text, lines = comment(result), "\n".join(told(result))
        assert (
            "base is no better than the trivial model, whose error is 0.31: set `review.margin` in `params.yaml`"
            in text
        )
        assert not re.search(r"(change|difference) of 0\b|is 0\.$", text)
        assert "no margin: base is no better than trivial" in lines
    assert text.partition("<details>")[0].count("no better than the trivial") == 1


def test_a_p_value_that_is_corrected_is_called_so_wherever_it_stands() -> None:
    result = EXAMPLES["slice"]
    for text in (comment(result), "\n".join(told(result)), page(result)):
        assert [*re.findall(r"(\w*) ?\bp of worse", text)] == ["corrected"]


def test_what_is_not_shown_is_named() -> None:
    for text in (comment(EXAMPLES["same"]), page(EXAMPLES["same"]), "\n".join(told(EXAMPLES["same"]))):
        assert re.search(
            r"[Nn]ot shown: metric `?src.model.cost:`? `?evaluate.metrics`? of base does not name it", text
        )


def test_an_accepted_reason_names_who_and_where() -> None:
    text = comment(EXAMPLES["accepted"])
    assert f"`worse`: accepted by `Ada` in `{SHA[:9]}`, since the new law asks for it." in text
