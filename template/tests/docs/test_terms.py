"""The terms of plumbline/docs/terms.md are used in the pages, and the words that they replace in no text for people."""

import ast
import re

import pytest

from plumbline.testing.projects import ROOT
from template.tests.docs.commands import string_literals
from template.tests.docs.conftest import PAGES

PAGE = ROOT / "plumbline/docs/terms.md"
ROWS = re.findall(r"(?m)^\| (.+?) \| (.+?) \| (.*?) ?\|$", PAGE.read_text(encoding="utf-8"))[2:]
# Old or literary words, each beside what to write instead; those that stand for one of the terms are on the page.
REPLACED = {"mend": "fix", "told apart": "separated", "half-written": "incomplete"}


def forbidden_words() -> dict[str, str]:
    """Return each word that must not be used -> what to write instead."""
    replaced = {word: term for term, _, words in ROWS for word in words.split(", ") if word}
    return replaced | REPLACED


def texts() -> dict[str, str]:
    """Return path -> what people read: the pages, and the strings of the package (messages, docstrings, help)."""
    pages = [ROOT / "README.md", *PAGES, *(ROOT / "template").glob("*.md")]
    contents = {
        path: path.read_text(encoding="utf-8") for path in pages if path.name not in ("changelog.md", PAGE.name)
    }
    for path in [*(ROOT / "plumbline").rglob("*.py"), *(ROOT / "src").rglob("*.py")]:
        contents[path] = "\n".join(string_literals(ast.parse(path.read_text(encoding="utf-8"))))
    for name in ("params.yaml", "dvc.yaml", "Makefile", "docs/project.yaml", "plumbline/report/page.html.j2"):
        contents[ROOT / name] = (ROOT / name).read_text(encoding="utf-8")
    return {path.relative_to(ROOT).as_posix(): " ".join(text.split()) for path, text in contents.items()}


def find_word(word: str, text: str) -> bool:
    """Return whether a text has a word, in the plural, too, and in any case."""
    return re.search(rf"(?i)(?<![\w-]){re.escape(word)}(?:e?s|ed|ing)?(?![\w-])", text) is not None


def test_there_are_at_most_thirty_terms_each_with_one_sentence() -> None:
    assert 20 < len(ROWS) <= 30
    assert all(not re.search(r"\. [A-Z]", meaning) and not meaning.endswith(".") for _, meaning, _ in ROWS)


@pytest.mark.parametrize("term", [term for terms, _, _ in ROWS for term in terms.split(", ")])
def test_each_term_is_used_in_the_pages(term: str) -> None:
    pages = {name: text for name, text in texts().items() if name.endswith(".md") and name != "plumbline/docs/api.md"}
    assert any(find_word(term, text) for text in pages.values())


@pytest.mark.parametrize("word", forbidden_words())
def test_a_word_that_a_term_replaces_is_in_no_text(word: str) -> None:
    assert [name for name, text in texts().items() if find_word(word, text)] == [], f"write {forbidden_words()[word]!r}"


def test_words_are_found_in_the_plural_and_in_any_case_and_no_others() -> None:
    assert {"yardstick", "tripwire", "training part"} <= set(forbidden_words())
    assert all(find_word("mend", text) for text in ("Mend it", "it mends", "mended."))
    assert not any(find_word("mend", text) for text in ("recommend", "amend", "mend-it"))
