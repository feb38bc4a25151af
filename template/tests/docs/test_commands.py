"""Each command that a page, a message or a hint tells the user to run exists, with its options."""

import ast

import pytest

from template.tests.docs.commands import (
    code_of_page,
    collect_texts,
    find_commands,
    find_problem,
    problems,
    string_literals,
)

GOOD = [
    "Run make repro SHARE=0.05, then commit",
    "make check test",
    "make it smaller, git has the rest",
    "git restore x",
    "git -c user.name=x commit",
    "dvc exp run --temp -S a=1",
    "`dvc remote add -d storage ../x`",
    "dvc fetch {}",
    "python -m plumbline verify --no-remote",
    "plumbline repro --force train",
    "plumbline NAME --help",
    "plumbline docs lists the pages",
    "plumbline docs your-model, plumbline docs --open",
    "python -m src.stages.train",
    "python -m src.stages.NAME",
    "python3 -m src.environment dvc checkout",
    "python -m src.environment --extras=notebook",
    "python -m jupyter lab notebooks",
    "uvx cruft update --checkout v2",
    "pipx run cookiecutter gh:x",
    "pip install it",
    "python -m template.bench",
]
BAD = [
    "Run make reproduce",
    "make repro SHAER=0.05",
    "git chekout x",
    "git -C folder restroe x",
    "dvc pul",
    "dvc exp rum",
    "`dvc remote add --defualt x`",
    "python -m plumbline verfy",
    "python -m plumbline verify --no-remotes",
    "plumbline repro --forse",
    "plumbline docs your-modle",
    "python -m src.stages.training",
    "python -m src.envronment",
    "pip instal x",
    "uv pipp compile",
    "python3 -m src.environment dvc chekout",
    "python3 -m src.environment --extra=x",
    "uvx cruft updat",
    "python -m plumbline replay --quik",
    "python -m no_such_module",
]


def test_each_printed_command_exists() -> None:
    assert problems(collect_texts()) == []


def test_commands_are_found_everywhere() -> None:
    texts = collect_texts()
    counts = {
        place: sum(len(words) > 1 for part in parts for words in find_commands(part)) for place, parts in texts.items()
    }
    assert counts["README.md"] > 20
    assert counts["plumbline/docs/errors.md"] > 20
    assert counts["Makefile"] >= 7
    assert sum(count for place, count in counts.items() if place.startswith("plumbline/")) > 100
    assert counts["src/environment.py"] > 3


@pytest.mark.parametrize("text", GOOD)
def test_a_command_that_exists_is_no_problem(text: str) -> None:
    assert problems({"page": [text]}) == []


@pytest.mark.parametrize("text", BAD)
def test_a_command_that_does_not_exist_is_a_problem(text: str) -> None:
    assert len(problems({"page": [text]})) == 1


def test_the_command_ends_with_the_sentence_the_span_or_the_line() -> None:
    text = "Run make repro test, dvc pull. `git add x` or\npython -m plumbline docs | less"
    assert list(find_commands(text)) == [
        ["make", "repro", "test"],
        ["dvc", "pull"],
        ["git", "add", "x"],
        ["python", "plumbline", "docs"],
    ]
    assert find_problem(["dvc"]) is None


def test_what_is_code_of_a_page_and_what_is_a_string_of_a_module() -> None:
    page = (
        "Run `make\nrepro`:\n\n    dvc pull\n\n```console\n$ git add .\nshown\n```\n\n```yaml\n- run: make setup\n```\n"
    )
    assert sorted(code_of_page(page)) == ["dvc pull", "git add .", "make repro", "make setup"]
    assert list(string_literals(ast.parse('x = f"make {name} now" + "b"'))) == ["make {} now", "b"]
