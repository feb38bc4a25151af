"""docs/project.yaml is parsed strictly; its questions are those of the page, and the model card shows answers."""

import re
from pathlib import Path

import pytest
import yaml

from plumbline import design, paths
from plumbline.errors import PlumblineError, report_errors
from plumbline.testing.projects import ROOT, Project, make_table
from template.tests.command import run_command

USE_CASES = """priority:
  use_cases:
    - {name: a, value: 2, feasibility: 2, why: w}
    - {name: b, value: 5, feasibility: 1, why: w}
"""


def write_answers(text: str) -> None:
    Path("docs").mkdir(exist_ok=True)
    Path(paths.DESIGN).write_text(text, encoding="utf-8")


def test_the_questions_are_those_of_the_page_and_of_the_projects_own_file(monkeypatch) -> None:
    page = (ROOT / "plumbline/docs/design.md").read_text(encoding="utf-8").split("## What is required")[0]
    assert re.findall(r"(?m)^\| `([\w.]+)` \|", page) == list(design.QUESTIONS)
    monkeypatch.chdir(ROOT)
    assert {*design.read_answers("data/source/any.csv").texts, design.USE_CASES} == set(design.QUESTIONS)


def test_open_questions_are_none_and_use_cases_come_in_the_order_of_their_product(project: Project) -> None:
    write_answers(f"problem: {{question: why}}\n{USE_CASES}")
    answers = design.read_answers("data/source/any.csv")
    assert (answers.texts["problem.question"], answers.texts["data.rights"]) == ("why", None)
    assert len(answers.open_questions) == len(design.QUESTIONS) - 2
    write_answers("problem: {question: why}")
    answers = design.read_answers("data/source/any.csv")
    assert answers.use_cases == () and design.USE_CASES in answers.open_questions
    write_answers(USE_CASES)
    assert [case.name for case in design.read_answers("data/source/any.csv").use_cases] == ["b", "a"]


def use_case(name: str = "a", value: str = "2", feasibility: str = "1", why: str = "b") -> str:
    return f"priority: {{use_cases: [{{name: {name}, value: {value}, feasibility: {feasibility}, why: {why}}}]}}"


REFUSALS = [
    ("problem: {question: [a]}", r"problem.question is \['a'\], expected a sentence"),
    ("problem: {qestion: a}", "problem.qestion is not a question. Did you mean 'problem.question'"),
    ("problem: {question: a, question: b}", "line 1: the key question occurs twice"),
    ("problem: a", "expected groups"),
    ("problem: [", "line"),
    ("priority: {use_cases: [{name: a}]}", "use_cases has .*expected a list of {name, value"),
    (use_case(value="true"), "numbers from 1 to 5"),
    (use_case(value="2.0"), "numbers from 1 to 5"),
    (use_case(name="[a]"), "why in words"),
    (use_case(why="null"), "why in words"),
    ("priority: {use_cases: []}", "expected a list"),
    ("priority: {use_cases: false}", "expected a list"),
    (use_case(value="9"), "numbers from 1 to 5"),
]


@pytest.mark.parametrize(("text", "message"), REFUSALS)
def test_what_is_no_answer_is_refused_in_one_line(project: Project, text: str, message: str) -> None:
    write_answers(text)
    with pytest.raises(PlumblineError, match=rf"^docs/project.yaml.*{message}"):
        design.read_answers("data/source/any.csv")


def test_requirements_are_held_against_the_last_run(project: Project, capsys) -> None:
    write_answers("problem: {question: '**why** <b>?'}")
    project.table(make_table(rows=900))
    assert report_errors(lambda: run_command("design")) == 1
    assert "nothing has run yet" in capsys.readouterr().err
    limits = {"latency": 1e9, "size": 1e-6}
    project.change(requirements=limits | {"floors": {"roc_auc": 0.5, "log_loss": 0}, "must_work": ["colour = red"]})
    project.run()
    capsys.readouterr()
    assert report_errors(lambda: run_command("design")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "docs/project.yaml: 1 of 15 questions are answered" in lines[0]
    results = dict(re.findall(r"(?m)^  ([^\d\n]+?):? \d.* at .*: (.+)$", "\n".join(lines)))
    assert results == dict.fromkeys(("roc_auc", "roc_auc where colour = red", "milliseconds for one row"), "met") | (
        dict.fromkeys(("log_loss", "log_loss where colour = red", "size of the package in MB"), "NOT MET")
    )
    card = Path(paths.CARD).read_text(encoding="utf-8")
    assert r"Question: \*\*why\*\* \<b\>?" in card
    assert "Rights: not stated" in card
    assert "roc\\_auc where colour = red" in card
    assert "- Milliseconds for one row: at most 1e+09" in card
    next(Path(paths.DIST).glob("*.whl")).unlink()
    assert report_errors(lambda: run_command("design")) == 0
    assert "size of the package in MB: dist/ has no wheel" in capsys.readouterr().out
    Path(paths.DESIGN).unlink()
    assert report_errors(lambda: run_command("design")) == 1
    assert "docs/project.yaml is not there. Restore it: git restore" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        ({"floors": {"roc": 1}}, "requirements.floors has 'roc', expected one of log_loss, .*Did you mean 'roc_auc'"),
        ({"must_work": ["colour = rot"]}, "requirements.must_work has 'colour = rot', .*Did you mean 'colour = red'"),
        ({"must_work": ["color = red"]}, "requirements.must_work has 'color = red'"),
    ],
)
def test_a_requirement_of_what_there_is_not_is_refused(project: Project, requirements: dict, message: str) -> None:
    project.table(make_table())
    project.change(requirements=requirements)
    project.run("ingest", "featurize", "train")
    with pytest.raises(PlumblineError, match=message):
        project.run("evaluate")


@pytest.mark.parametrize(
    ("table", "is_about_it"),
    [
        ("", True),
        ("table: null\n", True),
        ("table: data/source/table.csv\n", True),
        ("table: a.csv\n", False),
        ("table: [a.csv, data/source/table.csv]\n", True),
        ("table: data/source/table.parquet\n", False),
    ],
)
def test_answers_about_another_table_are_open_questions_of_this_one(
    project: Project, table: str, is_about_it: bool, capsys
) -> None:
    write_answers(f"{table}problem: {{question: what of it}}\n")
    project.table(make_table(rows=200))
    assert design.read_answers("data/source/table.csv").texts["problem.question"] == (
        "what of it" if is_about_it else None
    )
    report_errors(lambda: run_command("design"))
    output = capsys.readouterr().out
    assert f"{int(is_about_it)} of 15 questions are answered for data/source/table.csv" in output
    assert ("WARNING: docs/project.yaml is about a.csv, and" in output) == (table == "table: a.csv\n")
    assert "what of it" not in output
    if table == "table: a.csv\n":  # paste the printed line
        (line,) = re.findall(r"(?m)write in docs/project.yaml: (table: .*)$", output)
        write_answers(f"{line}\nproblem: {{question: what of it}}\n")
        assert design.read_answers("data/source/table.csv").texts["problem.question"] == "what of it"


@pytest.mark.parametrize("table", ["[]", "3", "['']", "{a: b}", "[3]"])
def test_a_table_that_is_no_path_is_refused(project: Project, table: str) -> None:
    write_answers(f"table: {table}\nproblem: {{question: a}}\n")
    with pytest.raises(PlumblineError, match=r"^docs/project.yaml: table is .*, expected the path of a table"):
        design.read_answers("data/source/table.csv")


def test_a_changed_source_leaves_out_description_answers_and_behaviours_and_no_stage_is_taken_for_fresh() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert all("data.source" in stages[name]["params"] for name in ("ingest", "evaluate", "package"))
