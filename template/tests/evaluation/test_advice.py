"""What is advised where a model is no better than its baselines: each proposal runs when it is pasted."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline import paths
from plumbline.commands import repro
from plumbline.evaluation.advice import BASELINES, CAUTIOUS, LINEAR, advise
from plumbline.findings import Finding, Severity
from plumbline.testing.projects import Project, make_table

OWN = "as it was delivered"
PARAMS = """data:
  source: data/source/table.csv  # the table
  target: target
model:
  estimator: {estimator}  # auto | the dotted name of a scikit-learn estimator
  arguments: {arguments}  # its arguments, {{name: value}}
evaluate:
  bootstrap: 100
"""


def linear(task: str) -> pd.DataFrame:
    """Many weak numbers that add up: for a linear model."""
    random = np.random.default_rng(0)
    x = random.normal(size=(240, 12))
    score = x.sum(axis=1) + random.normal(size=240)
    target = score if task == "regression" else np.where(score > 0, "yes", "no")
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(12)]).assign(row_id=range(1000, 1240), target=target)


def noise(task: str) -> pd.DataFrame:
    table = make_table(task, rows=400)
    return table.assign(target=np.random.default_rng(1).permutation(table["target"]))


def write(estimator: str, arguments: str) -> None:
    Path(paths.PARAMS).write_text(PARAMS.format(estimator=estimator, arguments=arguments), encoding="utf-8")


def paste(text: str, lines: list[str]) -> str:
    for line in lines:
        text, count = re.subn(rf"(?m)^{line.partition(':')[0]}:.*$", lambda _, line=line: line, text)
        assert count == 1
    return text


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("kind", ["linear", "noise"])
def test_what_is_proposed_runs_when_it_is_pasted_and_the_linear_one_is_what_was_measured(
    project: Project, task: str, kind: str, capsys: pytest.CaptureFixture
) -> None:
    table = {"linear": linear, "noise": noise}[kind](task)
    project.table(table)
    write("auto", "{}")
    project.run("ingest", "featurize", "train", "evaluate")
    lines = repro._list_advice()
    assert lines == repro._list_advice()  # nothing to do: the same again
    assert len(lines) == 3
    before = json.loads(Path(paths.LINEAR).read_text())
    Path(paths.PARAMS).write_text(paste(Path(paths.PARAMS).read_text(), lines[1:]), encoding="utf-8")
    project.run("train", "evaluate")
    model = yaml.safe_load(Path(paths.PARAMS).read_text())["model"]
    after = json.loads(Path(paths.METRICS).read_text())
    if kind == "linear":
        assert "which is better here" in lines[0]
        assert (model["estimator"], model["arguments"]) == LINEAR[task == "regression"]
        assert {name: after[name] for name in before} == before
        assert repro._list_advice() == []
    else:
        assert (model["estimator"], model["arguments"]) == CAUTIOUS
        assert "cautious" not in "".join(repro._list_advice())


def findings(trivial: tuple, linear: tuple) -> list[Finding]:
    """low, gain and high of the model against each baseline."""
    return [
        Finding(kind, Severity.NOTE, "", dict(zip(("low", "gain", "high"), numbers, strict=True)))
        for kind, numbers in zip(BASELINES.values(), (trivial, linear), strict=True)
    ]


WORSE, OPEN, BETTER = (-2, -1, -0.5), (-1, 0.1, 1), (0.5, 1, 2)
AUTO, LOGISTIC = "HistGradientBoostingClassifier", LINEAR[False]


@pytest.mark.parametrize(
    ("trivial", "linear", "setting", "fitted_estimator", "words"),
    [
        (BETTER, BETTER, ("auto", {}), AUTO, None),
        (BETTER, OPEN, ("auto", {}), AUTO, None),
        (BETTER, WORSE, ("auto", {}), AUTO, LOGISTIC[0]),
        (WORSE, WORSE, ("auto", {}), AUTO, CAUTIOUS[0]),  # linear is no better than trivial
        (WORSE, (-3, -2, -1), ("auto", {}), AUTO, LOGISTIC[0]),
        (OPEN, OPEN, ("auto", {"max_iter": 9}), AUTO, "learning_rate"),
        (OPEN, OPEN, CAUTIOUS, AUTO, "other features"),
        (OPEN, (0, 0, 0), LOGISTIC, "LogisticRegression", "other features"),
        (OPEN, BETTER, ("sklearn.svm.SVC", {}), "CalibratedClassifierCV", "learning_rate"),
        (WORSE, BETTER, ("auto", {}), "VotingClassifier", OWN),
        ((None, None, None), BETTER, ("auto", {}), AUTO, "learning_rate"),
    ],
)
def test_what_is_advised_of_which_case(
    trivial: tuple, linear: tuple, setting: tuple, fitted_estimator: str, words: str
) -> None:
    estimator, arguments = setting
    lines = advise(
        findings(trivial, linear),
        task="binary",
        fitted_estimator=fitted_estimator,
        estimator=estimator,
        arguments=arguments,
    )
    assert (words in "\n".join(lines)) if words else lines == []
    assert all(len(line) <= 120 for line in lines)


def test_the_end_of_a_run_has_the_advice(project: Project, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    project.table(noise("regression"))
    project.run()
    capsys.readouterr()
    for _ in range(2):
        repro._print_summary("data/source/table.csv")
        output = capsys.readouterr().out
        assert "\n  estimator: auto\n  arguments: {learning_rate: 0.03, max_leaf_nodes: 4}\n\nWrote: " in output
