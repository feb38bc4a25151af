"""Finds the commands that a text tells its reader to run, and says which of them do not exist."""

import ast
import re
import subprocess
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from dvc.cli.parser import get_main_parser

from plumbline.__main__ import COMMANDS
from plumbline.lock import LOCK, pins
from plumbline.pages import read_pages
from plumbline.testing.projects import ROOT

# Programs that git and uvx start and that are not installed here, and their commands where a text names one.
GIT_EXTENSIONS = {"lfs", "filter-repo"}
TOOLS = {"cookiecutter": set(), "pre-commit": {"install"}, "cruft": {"check", "diff", "link", "update", "create"}}
PIP, UV = {"install", "compile"}, {"pip"}
JUPYTER = "jupyter"  # a module of jupyterlab, which is installed on demand
# What follows the name of a program in a sentence: "git has it", "make the table smaller".
SENTENCE = """
    a above again alone and at below brings can cannot could did do does for from had has holds if ignores in into
    is it its itself keeps knows lists must needs now of on only or prints reads room says shows stays stops sure
    than that the them these this to tracks until was what where which while will with without writes
"""
ENGLISH = frozenset(SENTENCE.split())
PYTHON = r"(?:python3?|py -3\.\d+) -m ([\w.]+)"
PROGRAM = "(make|dvc|git|plumbline|uvx|pipx|uv|pip)"
START = re.compile(rf"(?<![\w/.${{-])(?<!from )(?<!import )(?:{PYTHON}|{PROGRAM})(?= |$)")
END = re.compile(r"[`\n|;&#]|[,.:;)\]]+(?=\s|$)|\s#|\s\(|\s{2,}")


def string_literals(tree: ast.AST, *, docstrings: bool = True) -> Iterator[str]:
    """Yield each string of a module; in an f-string {} stands for a value. docstrings: those of functions, too."""
    parts_of_fstrings = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    skipped = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr)
    }
    skipped = set() if docstrings else skipped
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in parts_of_fstrings | skipped
        ):
            yield node.value


def code_of_page(text: str) -> Iterator[str]:
    """Yield the commands and the spans of code of a page: what follows $ in a console, indented lines, `spans`."""
    for language, block in re.findall(r"(?ms)^```(\w+)[^\n]*\n(.*?)^```", text):
        if language in ("console", "powershell"):
            yield from re.findall(r"(?m)^\$ (.*)$" if language == "console" else r"(?m)^(.*)$", block)
        if language == "yaml":
            yield from re.findall(r"(?m)\b(?:run|script):? (.*)$", block)
    prose = re.sub(r"(?ms)^```.*?^```", "", text)
    yield from re.findall(r"(?m)^    (\w.*)$", prose)
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))


def find_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in a text, up to the end of the sentence, of the span or of the line."""
    for match in START.finditer(text):
        rest = text[match.end() :]
        end = END.search(rest)
        first = ["python", match[1]] if match[1] else [match[2]]
        yield [*first, *(rest[: end.start()] if end else rest).split()]


def find_problem(words: list[str]) -> str | None:
    """Return what of a command does not exist; None where it is in order, or a part of a sentence."""
    program, *arguments = words
    arguments = [word.strip("'\"()[]?") for word in arguments]
    if not arguments or arguments[0] in ENGLISH or is_placeholder(arguments[0]):
        return None
    checks: dict[str, Callable[[list[str]], str | None]] = {
        "make": _make,
        "dvc": lambda rest: _check_options(get_main_parser(), rest),
        "git": _git,
        "plumbline": _plumbline,
        "python": _python,
        "uvx": _tool,
        "pipx": lambda rest: _tool(rest[1:]),
        "pip": partial(_among, PIP),
        "uv": partial(_among, UV),
    }
    problem = checks[program](arguments)
    return f"{' '.join(words)}: {problem}" if problem else None


def is_placeholder(word: str) -> bool:
    """Whether a word stands for any other: NAME, {}, ..., <x>."""
    return bool(re.fullmatch(r"[A-Z][A-Z_@.]*|.*\{.*|\.\.\.|<.*|UTF-8|[$%].*", word))


def _make(words: list[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?m)^(\w+):", makefile)
    for number, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if equals and name.isupper():
            if f"$({name})" not in makefile and f"origin {name}" not in makefile:
                return f"the Makefile has no {name}"
        elif word not in targets:
            return None if number else f"the Makefile has no target {word}"
    return None


def _git(words: list[str]) -> str | None:
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in ("-c", "-C") else 1 :]
    if not words or words[0] in git_commands():
        return None
    return f"git has no {words[0]}"


@cache
def git_commands() -> set[str]:
    """Return the commands of git."""
    command = ["git", "--list-cmds=main,others,nohelpers"]
    return {*subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(), *GIT_EXTENSIONS}


def _plumbline(words: list[str]) -> str | None:
    if words[0].startswith("-"):
        return None if words[0] in ("--help", "--version") else f"plumbline has no {words[0]}"
    if words[0] not in COMMANDS:
        return f"plumbline has no command {words[0]}"
    module = import_module(f"plumbline.commands.{words[0]}")
    if getattr(module, "PASSES_ON", False):
        return _check_options(get_main_parser(), [words[0], *words[1:]])
    parser = ArgumentParser()
    module.add_arguments(parser)
    return _check_options(parser, words[1:]) or (_docs(words[1:]) if words[0] == "docs" else None)


def _docs(words: list[str]) -> str | None:
    """Return which page does not exist: the first word, where it is not the next one of the sentence."""
    if not words or words[0].startswith("-") or words[0] in ENGLISH or is_placeholder(words[0]):
        return None
    return None if words[0] in read_pages() else f"there is no page {words[0]}"


def _check_options(parser: ArgumentParser, words: list[str]) -> str | None:
    """Return which subcommand or option the parser has not."""
    parsers = [parser]
    for word in words:
        below = [action for action in parsers[-1]._actions if isinstance(action, _SubParsersAction)]
        if word.startswith("-") and len(word) > 1 and not is_placeholder(word):
            options = {
                option for subparser in parsers for action in subparser._actions for option in action.option_strings
            }
            if word.partition("=")[0] not in options:
                return f"there is no option {word}"
        elif below and word in below[0].choices:
            parsers.append(below[0].choices[word])
        elif below:
            return None if word in ENGLISH or is_placeholder(word) else f"there is no subcommand {word}"
    return None


def _python(words: list[str]) -> str | None:
    module, *rest = words
    module = module.rstrip(".")
    if module == "plumbline":
        return _plumbline(rest) if rest and rest[0] not in ENGLISH and not is_placeholder(rest[0]) else None
    if module == "src.environment":
        return _environment(rest)
    if is_placeholder(module.rpartition(".")[2]):
        module = module.rpartition(".")[0]
    top = module.partition(".")[0]
    if find_spec(top) is None:
        exists = top.replace("_", "-") in pins(LOCK.read_text(encoding="utf-8")) or top == JUPYTER
    else:
        exists = find_spec(module) is not None
    return None if exists else f"there is no module {module}"


def _environment(words: list[str]) -> str | None:
    """What src.environment starts: a program of .venv, or the template's module."""
    while words and words[0].startswith("--"):
        option = words.pop(0).partition("=")[0]
        documentation = ast.get_docstring(ast.parse((ROOT / "src/environment.py").read_text(encoding="utf-8")))
        if not re.search(rf"{option}\b", str(documentation)):
            return f"src.environment has no {option}"
    if not words or words[0] in ENGLISH or is_placeholder(words[0]) or words[0] in ("dvc", "plumbline"):
        return None  # dvc and plumbline are commands of their own, which are found, too
    return _python(words)


def _tool(words: list[str]) -> str | None:
    name, *rest = words or ["nothing"]
    if is_placeholder(name):
        return None
    if name.partition("==")[0] not in TOOLS:
        return f"the tests know no tool {name}"
    commands = TOOLS[name.partition("==")[0]]
    return f"{name} has no {rest[0]}" if commands and rest and rest[0] not in commands else None


def _among(commands: set[str], words: list[str]) -> str | None:
    return None if words[0] in commands else f"there is no command {words[0]}"


def problems(texts: dict[str, list[str]]) -> list[str]:
    """Return a line for each command that does not exist, with the place where it is printed."""
    return [
        f"{place}: {problem}"
        for place, parts in texts.items()
        for part in parts
        for words in find_commands(part)
        if (problem := find_problem(words))
    ]


def collect_texts() -> dict[str, list[str]]:
    """Return path -> its texts: the strings of plumbline/ and src/, the code of the pages, the help of the Makefile."""
    texts: dict[str, list[str]] = {}
    for path in [*(ROOT / "plumbline").rglob("*.py"), *(ROOT / "src").rglob("*.py")]:
        texts[_place(path)] = list(string_literals(ast.parse(path.read_text(encoding="utf-8")), docstrings=False))
    folders = (ROOT, ROOT / "docs", ROOT / "plumbline/docs", ROOT / "template", ROOT / ".github")
    for path in (page for folder in folders for page in folder.glob("*.md") if page.name != "changelog.md"):
        texts[_place(path)] = list(code_of_page(path.read_text(encoding="utf-8")))
    texts["Makefile"] = re.findall(r'(?m)^\t@echo "(.*)"$', (ROOT / "Makefile").read_text(encoding="utf-8"))
    return texts


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
