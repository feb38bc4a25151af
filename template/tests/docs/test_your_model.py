"""The page on the model does what it says: each model becomes a package, each refusal is said in its words."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer

from plumbline import params, paths
from plumbline.columns import default
from plumbline.data.schema import TARGET, WEIGHT
from plumbline.errors import PlumblineError
from plumbline.keys import Model
from plumbline.metrics import prepare, resolve_metrics
from plumbline.outcome import Outcome
from plumbline.packaging import wheel
from plumbline.pipeline import train
from plumbline.prediction.modelfile import dumps, loads
from plumbline.testing.projects import ROOT, STAGES, Project, make_table
from plumbline.training.recipe import fit, make_estimator
from src import model
from template.tests.docs.conftest import blocks
from template.tests.training.test_recipe import rich

RUN = """
import importlib, sys
from plumbline.errors import report_errors
sys.exit(report_errors(lambda: [importlib.import_module(f"src.stages.{name}").main() for name in sys.argv[1:]] and 0))
"""
MODEL_PAGE = blocks("your-model.md")
MODELS = [i for i, (path, _, _) in enumerate(MODEL_PAGE) if path == "src/model.py"]


@pytest.mark.parametrize("number", MODELS)
def test_each_model_of_the_page_becomes_a_package(project: Project, number: int) -> None:
    Path("src/model.py").write_text(MODEL_PAGE[number][2], encoding="utf-8")
    project.table(make_table())
    _, before, text = MODEL_PAGE[number - 1]
    project.change(**(yaml.safe_load(text) if before == "yaml" else {}))
    process = subprocess.run([sys.executable, "-c", RUN, *STAGES], capture_output=True, encoding="utf-8", check=False)
    assert process.returncode == 0, process.stderr
    assert "the model is clearly better than the trivial baseline" in process.stdout
    assert len(list(Path(paths.DIST).glob("*.whl"))) == 1


def measure(metric: str, task: str) -> None:
    three = Outcome("multiclass", np.array([0, 1, 2]), np.eye(3), np.array([0, 0, 1]), 1, ("a", "b", "c"))
    prepare(resolve_metrics([metric], task), three)(np.ones((1, 3)))


LOADS = partial(loads, name="model", modules=[model])
REFUSED = partial(train._refuse_untrusted, user=model)


class Generator(BaseEstimator):
    """Keeps what cannot be data."""

    def fit(self, X: Any, y: Any = None) -> "Generator":
        self.values_ = (x for x in "")
        return self

    def transform(self, X: Any) -> Any:
        return X


def refusals() -> Iterator[Callable[[], Any]]:
    """Ways to each refusal of the page, in its table's order."""
    rows, schema = rich()
    rows = rows[["x", TARGET]]

    def refuse(
        name: str = "auto", step: Any = None, weight: bool = False, then: Any = LOADS, **arguments: Any
    ) -> Callable[[], Any]:
        params = Model(estimator=name, arguments=arguments)
        weighted_rows = rows.assign(**{WEIGHT: 1.0}) if weight else rows
        build: Any = (lambda _, last: make_pipeline(step, last)) if step else default
        return lambda: then(dumps(fit(weighted_rows, schema, params, build, seed=0)))

    yield refuse("sklearn.linear_model.Logistic")
    yield refuse("math.sin")
    yield refuse("sklearn.linear_model.Ridge")
    yield refuse("sklearn.linear_model.LogisticRegression", depth=3)
    yield refuse("sklearn.linear_model.LogisticRegression", C=-1)
    yield refuse("sklearn.neighbors.KNeighborsClassifier", weight=True)
    yield lambda: fit(rows, schema, Model(), lambda _, estimator: estimator, seed=0)
    yield refuse(step=SplineTransformer(handle_missing="zeros"), then=REFUSED)
    yield refuse(step=FunctionTransformer(lambda x: x), then=REFUSED)
    yield refuse(step=FunctionTransformer(lambda x: x))
    yield refuse(step=Generator())
    yield wheel.user_imports
    yield lambda: wheel.pin_requirements({"beside"})
    for metric in ("r2", "sklearn.metrics.nothing", "sklearn.metrics.rand_score", "sklearn.metrics.roc_auc_score"):
        yield partial(measure, metric, "binary" if metric == "r2" else "multiclass")


def test_each_refusal_of_the_page_is_said_in_its_words(project: Project) -> None:
    Path("src/model.py").write_text("from plumbline.paths import KEY\n", encoding="utf-8")
    page = (ROOT / "docs/your-model.md").read_text(encoding="utf-8")
    messages = re.findall(r"(?m)^\| `(.+?)` \| .+ \| .+ \|$", page)
    for message, way in zip(messages, refusals(), strict=True):
        words = re.escape(message).replace(r"\.\.\.", ".*").replace("NAME", ".+").replace("NUMBER", r"\d+")
        with pytest.raises(PlumblineError, match=words):
            way()


def test_parameters_that_the_page_shows_are_good(project: Project) -> None:
    examples = [yaml.safe_load(text) for _, language, text in MODEL_PAGE if language == "yaml"]
    assert len(examples) == 3
    for groups in examples:
        project.params(data={"source": "data/source/t.csv", "target": "y"}, **groups)
        make_estimator(params.check().model, "binary", metric="auto", seed=0)
