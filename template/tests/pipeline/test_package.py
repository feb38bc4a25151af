"""package: a wheel that repeats the pipeline anywhere, with the user's own code, or none at all."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pandas as pd
import pytest

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.findings import Kind
from plumbline.machinery import locate
from plumbline.packaging.wheel import package_files, read_module
from plumbline.prediction.golden import check_golden
from plumbline.testing.delivered import open_wheel
from plumbline.testing.projects import ROOT, STAGES, Project, environment, make_table

FEATURES = "def features(rows):\n    import packaging\n    return rows.assign(double=2 * rows['x1'])\n"
MODEL = """
from rich.padding import Padding
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from plumbline.columns import columns

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
    (wheel,) = Path(paths.DIST).iterdir()
    archive = zipfile.ZipFile(wheel)
    metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    return wheel, dict(re.findall(r"(?m)^Requires-Dist: (\S+)==(\S+)$", metadata))


def run_refused(stage: str) -> str:
    process = Project(Path.cwd(), new=False).start("-m", f"src.stages.{stage}")
    assert (process.returncode, process.stderr.count("\n")) == (1, 1)
    return process.stderr


def test_the_package_is_the_same_twice_and_none_is_left_when_it_differs_from_evaluate(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.table(make_table())
    project.change(model=LINEAR)
    project.run()
    wheel, pins = wheel_and_pins()
    content = wheel.read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    project.run("package")
    assert wheel.read_bytes() == content
    assert os.environ["SOURCE_DATE_EPOCH"] == "1700000000"
    imports = (re.findall(r"(?m)^ *(?:import|from) (\w+)", locate(path).read_text()) for path in package_files())
    modules = {"scipy", "joblib"}.union(*imports) - sys.stdlib_module_names
    assert pins == {package: version(package) for name in modules for package in packages_distributions()[name]}
    predictions = pd.read_parquet(paths.PREDICTIONS)
    predictions["probability_yes"] += [1e-6, *[0.0] * (len(predictions) - 1)]
    predictions.to_parquet(paths.PREDICTIONS)
    with pytest.raises(PlumblineError, match=r"1 of \d+ holdout rows get another probability_yes"):
        project.run("package")
    assert not Path(paths.DIST).exists()


def test_a_project_may_have_the_name_of_the_machinery_and_its_package_imports_none_of_it(project: Project) -> None:
    Path("src/model.py").write_text(MODEL)
    name_project("plumbline")
    project.table(make_table())
    project.change(model=LINEAR)
    subprocess.run([sys.executable, "-c", RUN, *STAGES], check=True)
    wheel, _ = wheel_and_pins()
    assert (wheel.name, read_module(wheel)) == ("plumbline-0.1.0-py3-none-any.whl", "plumbline_model")
    predictor, golden = open_wheel(project.folder)  # in this process, which has the machinery
    assert type(predictor).__module__ == "plumbline_model.prediction.predictor"
    assert check_golden(predictor, golden) > 1
    script = "import sys; from plumbline_model.prediction import cli; cli.main(); assert 'plumbline' not in sys.modules"
    variables = environment(PYTHONPATH=str(wheel.resolve()), PYTHONSAFEPATH="1")
    for command in ("info", "check"):
        ran = subprocess.run([sys.executable, "-c", script, command], env=variables, capture_output=True, check=True)
        assert re.match(rb'\{\n "name": "plumbline",|plumbline 0\.1\.0: \d+ golden rows', ran.stdout)


def name_project(name: str) -> None:
    """Write pyproject.toml with this name in place of the link to that of ROOT."""
    Path("pyproject.toml").unlink()
    text = re.sub("(?m)^name = .*$", f'name = "{name}"', (ROOT / "pyproject.toml").read_text(), count=1)
    Path("pyproject.toml").write_text(text, encoding="utf-8")


def test_ones_own_features_classes_and_functions_predict_where_the_project_is_not(project: Project) -> None:
    Path("src/features.py").write_text(FEATURES)
    Path("src/model.py").write_text(MODEL)
    project.table(make_table())
    project.change(model=LINEAR)
    subprocess.run([sys.executable, "-c", RUN, *STAGES], check=True)
    wheel, pins = wheel_and_pins()
    assert {"packaging", "rich"} < set(pins)
    env, output = environment(PYTHONPATH=str(wheel.resolve())), Path("data/source/output.parquet")  # no src in there
    command = [
        sys.executable,
        "-m",
        f"{read_module(wheel)}.prediction.cli",
        "predict",
        "table.csv",
        "-o",
        output.name,
    ]
    subprocess.run(command, cwd=output.parent, env=env, check=True)
    expected = pd.read_parquet(paths.PREDICTIONS).set_index("key")
    predictions = pd.read_parquet(output).set_index("row_id").loc[expected.index.astype(str)]
    assert all(predictions[name].tolist() == pytest.approx(expected[name].tolist()) for name in predictions)

    for bad in (
        "from plumbline.params import read",
        "import plumbline.columns",
        "from src import features",
        "from .environment import main",
    ):
        Path("src/model.py").write_text(MODEL.replace("from plumbline.columns import columns", bad))
        assert f"ERROR: src/model.py, line 6: '{bad}' cannot work in the package" in run_refused("package")
        assert not Path(paths.DIST).exists()
    Path("src/model.py").write_text(MODEL.replace('"rich.padding.Padding",', ""))
    assert "made of types that are not trusted (rich.padding.Padding)" in run_refused("train")


def test_what_was_said_of_another_table_is_in_no_card_no_report_and_no_package(project: Project, capsys) -> None:
    project.table(make_table().rename(columns={"x1": "x|1"}))
    project.change(model=LINEAR)
    answers = "table: {}\nproblem: {{question: Why is the sky blue}}\nuse: {{limits: Not at night}}\n"
    behaviours = "table: {}\nbehaviours: [{{name: blue by day, why: w, raise: {{hour: 1}}, then: same}}]\n"
    for text, name in ((answers, paths.DESIGN), (behaviours, paths.BEHAVIOUR)):
        Path(name).write_text(text.format("data/source/sky.csv"), encoding="utf-8")
    Path("pyproject.toml").unlink()
    text = re.sub("(?m)^description = .*$", 'description = "Is the sky blue"', (ROOT / "pyproject.toml").read_text())
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    project.run()
    output = capsys.readouterr().out
    for what in (paths.DESIGN, paths.BEHAVIOUR, "description in pyproject.toml"):
        assert (
            output.count(f"WARNING: {Kind.SCOPE}: {what} is about data/source/sky.csv, and data.source is data/") == 1
        )
    content = zipfile.ZipFile(wheel_and_pins()[0])
    wheel_text = "".join(content.read(name).decode("utf-8", "ignore") for name in content.namelist())
    texts = (wheel_text, Path(paths.CARD).read_text(encoding="utf-8"))
    assert not any("sky" in text or "night" in text for text in texts)
    assert "\nSummary: Predicts target from 4 columns\n" in wheel_text
    page = Path(paths.REPORT).read_text(encoding="utf-8")
    assert "night" not in page and page.count("sky.csv") == 4  # two warnings, each names it twice
    for name in (paths.DESIGN, paths.BEHAVIOUR):
        path = Path(name)
        path.write_text(path.read_text().replace("sky.csv", "table.csv").replace("hour", "x|1"), encoding="utf-8")
    project.run("evaluate", "package")
    assert "Is the sky blue." in (card := Path(paths.CARD).read_text(encoding="utf-8"))
    assert "Not at night" in card and "blue by day" in card
    assert Kind.SCOPE not in capsys.readouterr().out
