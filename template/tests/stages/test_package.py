"""package: a wheel that repeats the pipeline anywhere, with the user's own code, or none at all."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pandas as pd
import pytest

from src import names
from src.packaging.wheel import SHIPPED
from src.predictor.refusal import Refusal
from tests.conftest import STAGES, Project, environment, make_table

FEATURES = "def features(rows):\n    import packaging\n    return rows.assign(double=2 * rows['x1'])\n"
MODEL = """
from rich.padding import Padding
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from .learning.columns import columns

TRUSTED = ("rich.padding.Padding",)

def squared(x):
    return x**2

class Shift(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.by_, self.foreign_ = X.mean(axis=0), Padding("", 1)
        return self
    def transform(self, X):
        return X - self.by_

def build(types, estimator):
    return make_pipeline(columns(types, estimator), Shift(), FunctionTransformer(squared), estimator)
"""
RUN = "import sys, importlib as i; [i.import_module(f'src.stages.{n}').main() for n in sys.argv[1:]]"
LINEAR = {"estimator": "sklearn.linear_model.LogisticRegression"}


def wheel_and_pins() -> tuple[Path, dict[str, str]]:
    (wheel,) = Path(names.DIST).iterdir()
    archive = zipfile.ZipFile(wheel)
    metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    return wheel, dict(re.findall(r"(?m)^Requires-Dist: (\S+)==(\S+)$", metadata))


def refused(stage: str) -> str:
    done = subprocess.run([sys.executable, "-m", f"src.stages.{stage}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    return done.stderr


def test_the_package_is_the_same_twice_and_none_is_left_when_it_differs_from_evaluate(project: Project) -> None:
    project.table(make_table())
    project.change(model=LINEAR)
    project.run()
    wheel, pins = wheel_and_pins()
    content = wheel.read_bytes()
    project.run("package")
    assert wheel.read_bytes() == content
    imports = (re.findall(r"(?m)^ *(?:import|from) (\w+)", path.read_text()) for path in SHIPPED)
    needed = {"scipy", "joblib"}.union(*imports) - sys.stdlib_module_names
    assert pins == {package: version(package) for name in needed for package in packages_distributions()[name]}
    predictions = pd.read_parquet(names.PREDICTIONS)
    predictions["probability_yes"] += [1e-6, *[0.0] * (len(predictions) - 1)]
    predictions.to_parquet(names.PREDICTIONS)
    with pytest.raises(Refusal, match=r"1 of \d+ holdout rows get another probability_yes"):
        project.run("package")
    assert not Path(names.DIST).exists()


def test_ones_own_features_classes_and_functions_predict_where_the_project_is_not(project: Project) -> None:
    Path("src/features.py").write_text(FEATURES)
    Path("src/model.py").write_text(MODEL)
    project.table(make_table())
    project.change(model=LINEAR)
    subprocess.run([sys.executable, "-c", RUN, *STAGES], check=True)
    wheel, pins = wheel_and_pins()
    assert {"packaging", "rich"} < set(pins)
    here, there = environment(PYTHONPATH=str(wheel.resolve())), Path("data/source/found.parquet")  # no src in there
    command = [sys.executable, "-m", f"{wheel.name.split('-')[0]}.predictor", "predict", "table.csv", "-o", there.name]
    subprocess.run(command, cwd=there.parent, env=here, check=True)
    expected = pd.read_parquet(names.PREDICTIONS).set_index("key")
    found = pd.read_parquet(there).set_index("row_id").loc[expected.index.astype(str)]
    assert all(found[name].tolist() == pytest.approx(expected[name].tolist()) for name in found)

    for bad in ("from src.learning.columns import columns", "from .names import KEY"):
        Path("src/model.py").write_text(MODEL.replace("from .learning.columns import columns", bad))
        assert f"ERROR: src/model.py, line 6: '{bad}' cannot work in the package" in refused("package")
        assert not Path(names.DIST).exists()
    Path("src/model.py").write_text(MODEL.replace('"rich.padding.Padding",', ""))
    assert "names rich.padding.Padding, which no list" in refused("train")
