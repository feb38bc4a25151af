"""Names say what a value is, functions are verbs, and files and functions stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT

FILE, FUNCTION = 300, 40  # lines, of a function without its docstring
PRONOUNS = {"each", "mine", "one", "ones", "others", "ours", "theirs", "them", "these", "those"}
PARTICIPLES = {
    *("asked", "begun", "brought", "chosen", "compared", "done", "drawn", "found", "given", "gone", "held", "judged"),
    *("kept", "known", "listed", "looked", "made", "meant", "measured", "moved", "named", "printed", "put"),
    *("said", "seen", "sent", "settled", "shown", "sought", "stated", "taken", "thrown", "told", "used", "wanted"),
    *("written",),
}
NOUNS = {"embed", "feed", "need", "seed", "speed"}  # end in -ed, and are no participles
FILES = [
    path
    for folder in ("plumbline", "src", "tests", "template", "hooks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "__pycache__" not in path.parts
]


def names(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Each name that a file gives to a value, a function or a class: the name, its line, whether it is a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr, node.lineno, False
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno, False
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno, isinstance(node, ast.FunctionDef)


def faults(text: str) -> list[str]:
    """What is wrong with the names of a file; the name of a test is a sentence."""
    wrong = []
    for name, line, is_function in names(ast.parse(text)):
        words = name.strip("_").casefold().split("_")
        alone = len(words) == 1
        is_participle = words[0] in PARTICIPLES or (is_function and alone and words[0].endswith("ed"))
        if (alone and words[0] in PRONOUNS) or (is_participle and words[0] not in NOUNS and (alone or is_function)):
            wrong.append(f"line {line}: {name}")
    return wrong


def long_functions(text: str) -> list[str]:
    messages = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
            if (length := (node.end_lineno or 0) - node.lineno + 1 - docstring) > FUNCTION:
                messages.append(f"line {node.lineno}: {node.name} has {length} lines")
    return messages


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_are_nouns_and_verbs_and_nothing_is_long(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert faults(text) == []
    assert long_functions(text) == []
    assert len(text.splitlines()) <= FILE
    assert "# fmt" + ": skip" not in text


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "def f(told): ...",
        "for each in x: ...",
        "def measured(): ...",
        "class A:\n    kept: int",
        "self.made = 1",
        "def _shown_by(): ...",
    ],
)
def test_such_names_are_faults(code: str) -> None:
    assert len(faults(code)) == 1


@pytest.mark.parametrize(
    "code", ["sorted_rows = 1", "def read_rows(): ...", "seed = 1", "def test_what_is_told(): ..."]
)
def test_such_names_are_none(code: str) -> None:
    assert faults(code) == []
