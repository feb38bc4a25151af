"""What people say is parsed strictly, asked for in the docs, and shown in the card."""

import re
from pathlib import Path

import pytest
import yaml

from plumbline import design, paths
from plumbline.errors import PlumblineError, report_errors
from plumbline.testing.projects import ROOT, Project, make_table
from template.tests.command import command

CASES = "\n".join(
    f"    - {{name: {n}, value: {v}, feasibility: {f}, why: w}}" for n, v, f in (("a", 2, 2), ("b", 5, 1))
)


def say(text: str) -> None:
    Path("docs").mkdir(exist_ok=True)
    Path(paths.DESIGN).write_text(text, encoding="utf-8")


def test_the_questions_are_those_of_the_page_and_of_the_projects_own_file(monkeypatch) -> None:
    page = (ROOT / "docs/design.md").read_text(encoding="utf-8").split("## What is required")[0]
    assert re.findall(r"(?m)^\| `([\w.]+)` \|", page) == list(design.QUESTIONS)
    monkeypatch.chdir(ROOT)
    assert list(design.answers("data/source/any.csv")) == list(design.QUESTIONS)


def test_open_questions_are_none_and_use_cases_come_in_the_order_of_their_product(project: Project) -> None:
    say(f"problem: {{question: why}}\npriority:\n  use_cases:\n{CASES}\n")
    found = design.answers("data/source/any.csv")
    assert (found["problem.question"], found["data.rights"]) == ("why", None)
    say("problem: {question: why}")
    assert design.answers("data/source/any.csv")["priority.use_cases"] is None
    say(f"priority:\n  use_cases:\n{CASES}\n")
    found = design.answers("data/source/any.csv")
    assert [case["name"] for case in found["priority.use_cases"]] == ["b", "a"]


@pytest.mark.parametrize(("text", "words"), [
     ("problem: {question: [a]}", r"problem.question is \['a'\], expected a sentence"),
     ("problem: {qestion: a}", "problem.qestion is no question. Did you mean 'problem.question'"),
     ("problem: {question: a, question: b}", "line 1: question stands twice"), ("problem: a", "expected groups"),
     ("problem: [", "line"), ("priority: {use_cases: [{name: a}]}", "use_cases has .*expected a list of {name, value"),
     ("priority: {use_cases: [{name: a, value: true, feasibility: 1, why: b}]}", "numbers from 1 to 5"),
     ("priority: {use_cases: [{name: a, value: 2.0, feasibility: 1, why: b}]}", "numbers from 1 to 5"),
     ("priority: {use_cases: [{name: [a], value: 2, feasibility: 1, why: b}]}", "why in words"),
     ("priority: {use_cases: [{name: a, value: 2, feasibility: 1, why: null}]}", "why in words"),
     ("priority: {use_cases: []}", "expected a list"), ("priority: {use_cases: false}", "expected a list"),
     ("priority: {use_cases: [{name: a, value: 9, feasibility: 1, why: b}]}", "numbers from 1 to 5")])  # fmt: skip
def test_what_is_no_answer_is_refused_in_one_line(project: Project, text: str, words: str) -> None:
    say(text)
    with pytest.raises(PlumblineError, match=rf"^docs/project.yaml.*{words}"):
        design.answers("data/source/any.csv")


def test_requirements_are_held_against_the_last_run(project: Project, capsys) -> None:
    say("problem: {question: '**why** <b>?'}")
    project.table(make_table(rows=900))
    assert report_errors(lambda: command("design")) == 1
    assert "nothing has run yet" in capsys.readouterr().err
    project.change(requirements={
        "floors": {"roc_auc": 0.5, "log_loss": 0.0}, "must_work": ["colour = red"], "latency": 1e9, "size": 1e-6,
    })  # fmt: skip
    project.run()
    capsys.readouterr()
    assert report_errors(lambda: command("design")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "docs/project.yaml: 1 of 15 questions are answered" in lines[0]
    found = dict(re.findall(r"(?m)^  ([^\d\n]+?):? \d.* at .*: (.+)$", "\n".join(lines)))
    assert {name for name, end in found.items() if end == "met"} == {
        "roc_auc", "roc_auc where colour = red", "milliseconds for one row",
    }  # fmt: skip
    assert {name for name, end in found.items() if end == "NOT MET"} == {
        "log_loss", "log_loss where colour = red", "size of the package in MB",
    }  # fmt: skip
    card = Path(paths.CARD).read_text(encoding="utf-8")
    assert r"Question: \*\*why\*\* \<b\>?" in card
    assert "Rights: not stated" in card
    assert "roc\\_auc where colour = red" in card
    assert "- Milliseconds for one row: at most 1e+09" in card
    next(Path(paths.DIST).glob("*.whl")).unlink()
    assert report_errors(lambda: command("design")) == 0
    assert "size of the package in MB: no package is there" in capsys.readouterr().out
    Path(paths.DESIGN).unlink()
    assert report_errors(lambda: command("design")) == 1
    assert "docs/project.yaml is not there. Bring it back: git restore" in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "words"), [
     ({"floors": {"roc": 1}}, "requirements.floors has 'roc', expected one of log_loss, .*Did you mean 'roc_auc'"),
     ({"must_work": ["colour = rot"]}, "requirements.must_work has 'colour = rot', .*Did you mean 'colour = red'"),
     ({"must_work": ["color = red"]}, "requirements.must_work has 'color = red'")])  # fmt: skip
def test_a_requirement_of_what_there_is_not_is_refused(project: Project, asked: dict, words: str) -> None:
    project.table(make_table())
    project.change(requirements=asked)
    project.run("ingest", "featurize", "train")
    with pytest.raises(PlumblineError, match=words):
        project.run("evaluate")


@pytest.mark.parametrize(("table", "stated"), [
    ("", True), ("table: null\n", True), ("table: data/source/table.csv\n", True), ("table: a.csv\n", False),
    ("table: [a.csv, data/source/table.csv]\n", True), ("table: data/source/table.parquet\n", False)])  # fmt: skip
def test_answers_about_another_table_are_open_questions_of_this_one(project: Project, table, stated, capsys) -> None:
    say(f"{table}problem: {{question: what of it}}\n")
    project.table(make_table(rows=200))
    assert design.answers("data/source/table.csv")["problem.question"] == ("what of it" if stated else None)
    report_errors(lambda: command("design"))
    said = capsys.readouterr().out
    assert f"{int(stated)} of 15 questions are answered for data/source/table.csv" in said
    assert ("WARNING: docs/project.yaml is about a.csv, and" in said) == (table == "table: a.csv\n")
    assert "what of it" not in said
    if table == "table: a.csv\n":  # the printed cure, pasted
        (cure,) = re.findall(r"(?m)write in docs/project.yaml: (table: .*)$", said)
        say(f"{cure}\nproblem: {{question: what of it}}\n")
        assert design.answers("data/source/table.csv")["problem.question"] == "what of it"


@pytest.mark.parametrize("table", ["[]", "3", "['']", "{a: b}", "[3]"])
def test_a_table_that_is_no_path_is_refused(project: Project, table: str) -> None:
    say(f"table: {table}\nproblem: {{question: a}}\n")
    with pytest.raises(PlumblineError, match=r"^docs/project.yaml: table is .*, expected the path of a table"):
        design.answers("data/source/table.csv")


def test_a_changed_source_leaves_out_description_answers_and_behaviours_and_no_stage_is_taken_for_fresh() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert all("data.source" in stages[name]["params"] for name in ("ingest", "evaluate", "package"))
