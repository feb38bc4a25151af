"""train: which estimator it became and why, what the folds said, the threshold, and types that nobody trusts yet."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from plumbline import contract, paths
from plumbline.data.schema import TARGET
from plumbline.errors import PlumblineError
from plumbline.pipeline import train as machinery
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.modelfile import read
from plumbline.testing.projects import ROOT, Project, make_table
from plumbline.training import recipe
from src import model as user
from src.stages import train

RUN = """
import importlib, sys
from plumbline.errors import report_errors
sys.exit(report_errors(lambda: [importlib.import_module(f"src.stages.{name}").main() for name in sys.argv[1:]] and 0))
"""
BLOCK = re.compile(r"(?ms)^TRUSTED: tuple\[str, \.\.\.\] = (?:\(\)$|\(\n.*?^\)$)")
# A library of nobody's: types inside types, a function, and what it is made of only after many rows.
FOREIGN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

def link(x):
    return 1 / (1 + np.exp(-x))

class Leaf:
    def __init__(self, value):
        self.value = value

class Tree:
    def __init__(self, leaves):
        self.leaves = leaves

class Late:
    pass

class Boosted(ClassifierMixin, BaseEstimator):
    def __init__(self, least=0, late=10**9):
        self.least, self.late = least, late

    def fit(self, X, y):
        if len(X) < self.least:
            raise ValueError("too few rows")
        self.classes_, self.link_ = np.unique(y), link
        self.trees_ = [Tree([Leaf(float(np.mean(y)))])]
        if len(X) >= self.late:
            self.trees_.append(Late())
        return self

    def predict_proba(self, X):
        shares = np.full(len(X), self.trees_[0].leaves[0].value)
        return np.column_stack([1 - shares, shares])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
"""


def test_a_wrapped_estimator_the_folds_and_the_automatic_threshold_are_said(project: Project) -> None:
    project.table(make_table())
    project.change(model={"estimator": "sklearn.svm.SVC", "threshold": "auto", "folds": 3})
    project.run("ingest", "featurize", "train")
    threshold = read(paths.MODEL, []).threshold
    for words in ("(sklearn.svm.SVC, as params say, around SVC, which", "over 3 folds, strat", f": {threshold:.6g}}}"):
        assert words in Path(paths.checks("train")).read_text()
    assert "repeat" not in Path(paths.checks("train")).read_text()
    assert threshold != 0.5


def test_all_types_that_are_not_trusted_are_named_before_the_folds_in_a_block_that_can_be_pasted(
    project: Project,
) -> None:
    Path("foreign.py").write_text(FOREIGN, encoding="utf-8")
    code = Path("src/model.py").read_text(encoding="utf-8")
    code = BLOCK.sub('TRUSTED: tuple[str, ...] = (\n    "decimal.Decimal",\n)', code)
    Path("src/model.py").write_text(code, encoding="utf-8")
    project.table(make_table())
    project.change(model={"estimator": "foreign.Boosted"})
    command = [sys.executable, "-c", RUN, "ingest", "featurize", "train"]
    process = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    names = ["foreign.Boosted", "foreign.Leaf", "foreign.Tree", "foreign.link"]
    assert process.returncode == 1
    assert "fold 1" not in process.stdout
    assert f"made of types that are not trusted ({', '.join(names)})" in process.stderr
    assert "read what they are" in process.stderr
    (block,) = BLOCK.findall(process.stdout)
    assert re.findall(r'"(.+)"', block) == ["decimal.Decimal", *names]
    Path("src/model.py").write_text(BLOCK.sub(block, code), encoding="utf-8")
    command = [sys.executable, "-c", RUN, "train", "evaluate"]
    process = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert process.returncode == 0, process.stderr
    command = [sys.executable, "-m", "ruff", "format", "--check", "-q", "--config", str(ROOT / "pyproject.toml")]
    assert subprocess.run([*command, "src/model.py"], check=False).returncode == 0


@pytest.mark.parametrize(("arguments", "expected"), [({"least": 100}, "Boosted"), ({"late": 100}, "Late")])
def test_what_few_rows_do_not_show_is_said_after_the_fit(
    project: Project, arguments: dict[str, int], expected: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """An estimator that refuses few rows, and one that is made of more after many."""
    Path("foreign.py").write_text(FOREIGN, encoding="utf-8")
    monkeypatch.syspath_prepend(project.folder)
    monkeypatch.delitem(sys.modules, "foreign", raising=False)
    monkeypatch.setattr(machinery, "FEW", 50)
    if expected == "Late":
        trusted_names = ("foreign.Boosted", "foreign.Leaf", "foreign.Tree", "foreign.link")
        monkeypatch.setattr(user, "TRUSTED", trusted_names)
    project.table(make_table())
    project.change(model={"estimator": "foreign.Boosted", "arguments": arguments})
    project.run("ingest", "featurize")
    with pytest.raises(PlumblineError, match=f"types that are not trusted .*foreign.{expected}"):
        project.run("train")
    output = capsys.readouterr().out
    assert "fold 5/5" in output
    assert f'    "foreign.{expected}",\n' in output
    assert not Path(paths.MODEL).exists()


def test_what_has_no_name_to_import_is_not_in_a_block(project: Project, monkeypatch, capsys) -> None:
    steps = FunctionTransformer(np.nan_to_num), FunctionTransformer(lambda x: x)
    table = make_table()[["row_id", "x1", "x2", "target"]]
    build: Any = lambda types, last: make_pipeline(*steps, last)  # noqa: E731
    monkeypatch.setattr(user, "build", build)
    project.table(table)
    project.run("ingest", "featurize")
    with pytest.raises(PlumblineError, match=r"keeps .*<lambda>, which cannot be imported by that name"):
        project.run("train")
    assert "TRUSTED" not in capsys.readouterr().out


@pytest.mark.parametrize(("estimator", "fits"), [("auto", 4), ("sklearn.linear_model.LogisticRegression", 5)])
def test_the_pipeline_as_it_was_delivered_costs_no_fit_more(
    project: Project, estimator: str, fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def count(rows: Any, **arguments: Any) -> FittedModel:
        sizes.append(len(rows))
        assert rows[TARGET].nunique() == 3
        return recipe.fit(rows, **arguments)

    monkeypatch.setattr(machinery, "fit", count)
    monkeypatch.setattr(machinery, "FEW", 20)
    project.table(make_table("multiclass"))
    project.change(model={"estimator": estimator, "folds": 3})
    project.run("ingest", "featurize", "train")
    assert len(sizes) == fits
    assert (sizes[0] == 20) == (fits == 5)


@pytest.mark.parametrize(
    ("metric", "loss"),
    [
        ("auto", "absolute_error"),
        ("mean_absolute_error", "absolute_error"),
        ("root_mean_squared_error", "squared_error"),
    ],
)
def test_numbers_are_fitted_and_cross_validated_by_what_decides_a_review(
    project: Project, metric: str, loss: str
) -> None:
    project.table(make_table("regression"))
    project.change(review={"metric": metric})
    project.run("ingest", "featurize", "train")
    assert read(paths.MODEL, []).estimator.loss == loss
    expected = "mean_absolute_error" if metric == "auto" else metric
    assert (
        f'"cross-validation", "severity": "note", "evidence": "{expected} ' in Path(paths.checks("train")).read_text()
    )


def test_a_review_fits_by_the_same_parameters() -> None:
    assert {*contract.PARAMS} == {*train.PARAMS} - {"model.seed", "model.folds"}  # of which it has its own


@pytest.mark.parametrize(
    ("copies", "words", "severity"),
    [
        (2, " rows have the same features as an earlier row and are in the fold of that row", "note"),
        (100, " rows have a duplicate in another fold, because there are too few distinct rows", "warning"),
    ],
)
def test_rows_that_repeat_are_counted(project: Project, copies: int, words: str, severity: str) -> None:
    table, features = make_table(rows=400), ["x1", "x2", "colour", "flag"]
    table[features] = table[features].iloc[np.arange(400) % (400 // copies)].to_numpy()
    project.table(table.astype({"x1": float, "x2": float}))
    project.run("ingest", "featurize", "train")
    (line,) = [x for x in Path(paths.checks("train")).read_text().splitlines() if "cross-validation" in x]
    assert words in line
    assert f'"severity": "{severity}"' in line
