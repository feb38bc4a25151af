"""The wire form of a review: documented field by field, read as it was written, and refused in any other form."""

import copy
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from plumbline.errors import ProjectError
from plumbline.files import write_json
from plumbline.review.comment import render_comment
from plumbline.review.page import render_page
from plumbline.review.result import changes, checks, comparison, figures
from plumbline.review.result.checks import SecondOpinion
from plumbline.review.result.comparison import HeadOnly, ReleaseComparison
from plumbline.review.result.review import SCHEMA_VERSION, AuthorReview, Review, loads
from plumbline.review.result.wire import LONGEST, ResultError, decode, encode
from plumbline.review.terminal import render_terminal
from template.tests.review.examples import EXAMPLES, with_comparison, with_verdict
from template.tests.review.test_comment import shape

EXAMPLE = Path(__file__).with_name("result.json")  # a file of this version, which must be readable while it lasts
PAGE = Path("plumbline/docs/review-result.md")
NAMES = {str: "text", float: "number", int: "whole number", bool: "true or false"}
FULL = replace(
    with_verdict(
        with_comparison(EXAMPLES["accepted"], base_error=0.32, head_error=0.3612, unpaired_reason="another key"),
        standard_error=0.01,
        degrees_of_freedom=40.5,
        p_worse=0.001,
        p_better=0.999,
    ),
    release=ReleaseComparison(name="loans@v1.0.0", word="worse", why="x"),
    head_only=HeadOnly(metric="log_loss", head_error=0.4, trivial_error=0.69),
)
WIRE = encode(FULL)
# No message may quote it: in a log of GitHub's a line can be a command.
HOSTILE_WORD = "::error zzz"
WRONG: list[Any] = [
    None,
    True,
    7,
    -0.5,
    1e308,
    10**400,
    HOSTILE_WORD,
    "\ud800",
    [],
    [1, [2]],
    [{}],
    {},
    {"a": {"b": 1}},
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_written_is_read_back_as_it_was(name: str, tmp_path: Path) -> None:
    review = EXAMPLES[name]
    assert loads(json.dumps(encode(review))) == review
    write_json(str(tmp_path / "result.json"), encode(review))  # which rounds
    assert render_comment(loads((tmp_path / "result.json").read_bytes())) == render_comment(review)


def test_the_example_of_this_version_is_still_read() -> None:
    """A field that is renamed, removed or of another type is a new version."""
    assert loads(EXAMPLE.read_text(encoding="utf-8")) == FULL, f"raise SCHEMA_VERSION, then write {EXAMPLE.name} anew"
    assert json.loads(EXAMPLE.read_text(encoding="utf-8")) == WIRE


def test_the_authors_review_is_read_back() -> None:
    author = AuthorReview(tree="a" * 40, lock="b" * 64, review=FULL)
    assert decode(json.dumps(encode(author)), AuthorReview, file="review.json") == author
    with pytest.raises(ResultError, match=r"^review.json: review.word is a text, expected one of better, worse"):
        decode(json.dumps(encode(author) | {"review": WIRE | {"word": HOSTILE_WORD}}), AuthorReview, file="review.json")


@pytest.mark.parametrize(
    "version", [None, 0, 1, SCHEMA_VERSION + 1, True, 2.0, "2", [2], 10**400], ids=lambda version: ascii(version)[:9]
)
def test_another_version_is_refused_whatever_else_is_in_it(version: object) -> None:
    content = {"version": version, "word": "good", "unknown": 1}
    with pytest.raises(ResultError, match=r"^result.json: its schema version is .*, expected 4\. ") as refusal:
        loads(json.dumps(content))
    assert ("into main first" in str(refusal.value)) == (version == SCHEMA_VERSION + 1)
    with pytest.raises(ResultError, match="its schema version is unknown"):
        loads('{"word": "same"}')


def test_a_poster_of_the_first_version_refuses_a_result_of_this_one() -> None:
    """It reads the key `version` and knows 1 alone."""
    assert WIRE["version"] == SCHEMA_VERSION != 1


def replace_each(content: Any, value: Any) -> Iterator[Any]:
    """Copies of some JSON, in each another part of which is the value."""
    for key in range(len(content)) if isinstance(content, list) else [*content]:
        altered_copy = copy.copy(content)
        altered_copy[key] = value
        yield altered_copy
        if isinstance(content[key], dict | list):
            for part in replace_each(content[key], value):
                yield copy.copy(content) | {key: part} if isinstance(content, dict) else [part]


def check(text: str) -> bool:
    """Whether it is read; then it must be rendered, else refused in one line that quotes nothing."""
    try:
        review = loads(text)
    except ResultError as error:
        assert isinstance(error, ProjectError)
        assert "\n" not in str(error)
        assert "zzz" not in str(error)
        assert str(error).startswith("result.json")
        return False
    shape(render_comment(review))
    assert render_terminal(review)
    return True


@pytest.mark.parametrize("value", WRONG, ids=lambda value: ascii(value)[:20])
def test_a_part_of_another_type_is_refused_and_what_is_read_can_be_rendered(value: Any) -> None:
    answers = [check(json.dumps(content)) for content in replace_each(WIRE, value)]
    assert len(answers) > 200
    assert not all(answers)


@pytest.mark.parametrize("value", [None, "x", []], ids=ascii)
def test_the_page_of_what_is_read_can_be_rendered(value: Any) -> None:
    keys = [key for key in WIRE if check(json.dumps(WIRE | {key: value}))]
    assert len(keys) > 2
    assert "</html>" in render_page(loads(json.dumps(WIRE | dict.fromkeys(keys, value))))


def objects(content: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of some JSON that is a dataclass's, with its path."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    if (
        isinstance(content, dict)
        and path.rpartition(".")[2] not in ("shifts", "change_count_by_column")
        and (not path.startswith("importance."))
    ):
        yield path, content
    for key, item in items:
        yield from objects(item, f"{path}[{key}]" if isinstance(content, list) else f"{path}.{key}".lstrip("."))


def test_an_unknown_field_is_refused_in_every_object_and_a_missing_one_where_it_has_no_default() -> None:
    content = copy.deepcopy(WIRE)
    for path, part in objects(content):
        prefix = f"{path}." if path else ""
        part["zz`z"] = 1
        with pytest.raises(ResultError) as refusal:
            loads(json.dumps(content))
        assert refusal.value.message.startswith(f"result.json: {prefix}zz`z is not a field of ")
        del part["zz`z"]
        for name in [*part]:
            value = part.pop(name)
            try:
                loads(json.dumps(content))
            except ResultError as error:
                is_version = path == "" and name == "version"
                assert is_version or error.message == f"result.json: {prefix}{name} is missing"
            part[name] = value
    assert content == WIRE
    for name in ("word", "why", "base_commit", "head_commit"):
        with pytest.raises(ResultError, match=f"{name} is missing"):
            loads(json.dumps({key: value for key, value in WIRE.items() if key != name}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff\xfe{}",
        "null",
        '"worse"',
        "[]",
        "[" * 100_000,
        '{"version": NaN}',
        '{"version": Infinity}',
        '{"version": ' + "9" * 5000 + "}",
        '{"version": 3, "version": 3}',
        json.dumps(WIRE)[:-1] + ', "why": "x"}',
        json.dumps(WIRE | {"a\n::error zzz": 1}).replace("zzz", "x" * 70 + "zzz"),
        json.dumps(WIRE).replace('"rows": 1200', '"rows": true'),
        json.dumps(WIRE | {"why": "z" * (LONGEST + 1)}),
        json.dumps(WIRE | {"notes": ["z"] * (LONGEST + 1)}),
        json.dumps(WIRE | {"importance": {"base": dict.fromkeys(map(str, range(LONGEST + 1)), 1), "head": {}}}),
        json.dumps(WIRE).replace('"alpha": 0.05', '"alpha": 1e999'),
        json.dumps(WIRE).replace('"alpha": 0.05', '"alpha": NaN'),
        json.dumps(WIRE).replace('"rows": 1200', '"rows": 1200.0'),
        json.dumps(WIRE).replace('"rows": 1200', '"rows": ' + "9" * 20),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_what_is_no_result_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(ResultError, match=r"^result\.json.*\. [A-Z].*$") as refusal:
        loads(text)
    assert "\n" not in str(refusal.value)
    assert "zzz" not in str(refusal.value)


def test_half_a_character_is_a_text() -> None:
    assert loads(json.dumps(WIRE | {"why": "\ud800 \u202e"})).why == "\ud800 \u202e"


def test_what_could_not_be_read_back_is_not_written() -> None:
    assert encode(replace(FULL, metrics=(replace(FULL.metrics[0], low=float("nan")),)))["metrics"][0]["low"] is None
    for word, why in ((7, "x"), ("same", None), ("same", np.int64(1))):
        with pytest.raises(ResultError, match=r"^SecondOpinion\."):
            encode(SecondOpinion(word=word, why=why))  # type: ignore[arg-type]
    assert FULL.comparison
    verdict = replace(FULL.comparison.verdict, difference=float("inf"))
    with pytest.raises(ResultError, match=r"^Review.comparison.verdict.difference is null, expected a number"):
        encode(replace(FULL, comparison=replace(FULL.comparison, verdict=verdict)))


# The page.
def dataclasses_of(form: Any) -> list[Any]:
    """A dataclass and those of its fields, in the order of the page."""
    forms: list[Any] = [form]
    for hint in typing.get_type_hints(form).values():
        for inner in (hint, *typing.get_args(hint)):
            if is_dataclass(inner):
                forms += [new for new in dataclasses_of(inner) if new not in forms]
    return forms


def describe(hint: Any) -> str:
    """A type in the words of the page."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return f"{describe(arguments[0])} or null"
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin is tuple:
        return f"list of {describe(arguments[0])}"
    if origin is Mapping or origin is typing.get_origin(Mapping[str, int]):
        return f"object of {describe(arguments[1])}"
    return f"[{hint.__name__}](#{hint.__name__.lower()})" if is_dataclass(hint) else NAMES[hint]


def section(form: Any) -> str:
    """The page's section on a dataclass, from its fields and its docstring."""
    summary, _, attributes = form.__doc__.partition("\n\n    Attributes\n    ----------\n")
    lines = [line.strip() for line in attributes.strip().splitlines()]
    meanings = dict(zip(lines[::2], lines[1::2], strict=True))
    hints = typing.get_type_hints(form)
    assert [*meanings] == [field.name for field in fields(form)], form.__name__
    rows = [f"| `{name}` | {describe(hints[name])} | {meaning} |" for name, meaning in meanings.items()]
    return "\n".join([f"## {form.__name__}", "", summary, "", "| field | type | meaning |", "|---|---|---|", *rows])


def test_the_page_has_every_field_with_its_type_and_its_meaning() -> None:
    """The tables are made from the dataclasses: where this fails, put what it prints into the page."""
    forms = [*dataclasses_of(Review), AuthorReview]
    modules = (changes, checks, comparison, figures)
    defined = {name for module in modules for name, value in vars(module).items() if is_dataclass(value)}
    assert {form.__name__ for form in forms} == defined | {"Review", "AuthorReview"}
    tables = "\n\n".join(map(section, forms)) + "\n"
    text = PAGE.read_text(encoding="utf-8")
    assert text.endswith(tables), tables
    assert f"version is {SCHEMA_VERSION}" in text
