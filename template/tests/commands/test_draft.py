"""plumbline draft writes a suite, shows how a draft differs from a suite, and replaces it only with --replace."""

from pathlib import Path

import pytest

from plumbline.errors import PlumblineError
from plumbline.expectations.suite import Suite
from plumbline.testing.projects import Project, make_table
from template.tests.command import run_command

SUITE = Path("expectations/table.json")


def test_a_draft_never_overwrites_a_reviewed_suite_without_replace(project: Project, capsys) -> None:
    project.table(make_table(rows=200))
    assert run_command("draft") == 0
    draft = SUITE.read_text(encoding="utf-8")
    *_, wrote, next_ = capsys.readouterr().out.splitlines()
    assert wrote == f"Wrote: {SUITE.as_posix()} with {draft.count('kwargs')} expectations of 6 columns"
    assert next_.startswith("Next: read each line")
    assert list(Path("data").iterdir()) == [Path("data/source")]  # nothing of the pipeline's is touched
    assert run_command("draft") == 0  # no difference, nothing to refuse
    project.run("ingest")
    suite = draft.replace('"min_value": 180', '"min_value": 199').replace('"red"', '"crimson"')
    SUITE.write_text(suite, encoding="utf-8")
    capsys.readouterr()
    with pytest.raises(PlumblineError, match=r"expectations/table\.json: this suite exists, .* --replace"):
        run_command("draft")
    output = capsys.readouterr().out
    assert '-{"kwargs": {"max_value": 2000, "min_value": 199}' in output and '+{"kwargs": {"max_value": 2000' in output
    assert SUITE.read_text(encoding="utf-8") == suite
    assert run_command("draft", "--replace") == 0
    assert SUITE.read_text(encoding="utf-8") == draft


def test_a_suite_is_brought_into_its_canonical_form(project: Project) -> None:
    SUITE.write_text('{"expectations": [{"type": "expect_it", "kwargs": {"b": 2.0, "a": 1}}]}', encoding="utf-8")
    assert run_command("format") == 0
    line = '{"kwargs": {"a": 1, "b": 2}, "type": "expect_it"}'
    assert SUITE.read_text(encoding="utf-8") == f'{{\n"name": "table",\n"expectations": [\n{line}\n]\n}}\n'


def test_a_draft_names_its_table_and_leaves_the_suite_of_another_of_that_stem(project: Project, capsys) -> None:
    project.table(make_table(rows=200))
    assert run_command("draft") == 0
    first = SUITE.read_bytes()
    assert Suite.read(SUITE).tables == ("data/source/table.csv",)
    project.table(make_table("regression", rows=200), name="table.parquet")
    assert run_command("draft") == 0
    assert SUITE.read_bytes() == first
    assert Suite.read(Path("expectations/table.parquet.json")).tables == ("data/source/table.parquet",)
    project.run("ingest")
    assert "of expectations/table.parquet.json hold" in capsys.readouterr().out
    text = first.decode().replace('"data/source/table.csv"}', '["data/source/table.csv", "data/source/more.csv"]}', 1)
    SUITE.write_text(text, encoding="utf-8")
    assert run_command("format") == 0
    assert SUITE.read_text(encoding="utf-8") == text
