"""fit and predict: any estimator on columns of every kind, pure, with weights, and the same bytes from any process."""

import subprocess
import sys
from functools import partial
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from plumbline.columns import default
from plumbline.data.schema import TARGET, WEIGHT, Column, Schema
from plumbline.errors import PlumblineError
from plumbline.keys import Model
from plumbline.prediction.fitted_model import CONTRACT
from plumbline.prediction.modelfile import dumps, loads
from plumbline.prediction.predictions import predict
from plumbline.testing.projects import ROOT, environment
from plumbline.training import recipe

fit = partial(recipe.fit, build=default)
LINEAR = "sklearn.linear_model.LogisticRegression"
ESTIMATORS = (
    "auto",
    LINEAR,
    "sklearn.ensemble.RandomForestClassifier",
    "sklearn.svm.SVC",
    "sklearn.neighbors.KNeighborsClassifier",
    "sklearn.dummy.DummyClassifier",
    "sklearn.linear_model.Ridge",
    "sklearn.ensemble.RandomForestRegressor",
)


def params(estimator: str, **arguments) -> Model:
    forest = {"n_jobs": 2, "n_estimators": 20} if "Forest" in estimator else {}
    return Model(estimator=estimator, arguments=forest | arguments)


def rich(estimator: str = "", classes: tuple = ("no", "yes")) -> tuple[pd.DataFrame, Schema]:
    """Columns of every type with gaps, more levels than histogram boosting tells apart, a target that follows x."""
    random = np.random.default_rng(0)
    x = random.normal(size=400)
    rows = pd.DataFrame(
        {
            "x": x,
            "flag": pd.array(x > 1, dtype="boolean"),
            "colour": random.choice(["red", "green"], 400),
            "many": [f"level {i}" for i in range(400)],
            "when": np.datetime64("2024-01-01", "us") + random.integers(0, 10**12, 400),
            "note": [" ".join(random.choice(["good", "bad", "so"], 4)) for _ in range(400)],
        }
    )
    kinds = ("number", "boolean", "category", "category", "timestamp", "text")
    columns = tuple(Column(str(name), kind) for name, kind in zip(rows, kinds, strict=True))
    for start, name in enumerate(rows):
        rows.loc[start::11, name] = None
    if estimator.endswith(("Ridge", "Regressor")):
        return rows.assign(**{TARGET: x}), Schema(columns, 400, "regression")
    return rows.assign(**{TARGET: (x > 0).astype(int)}), Schema(columns, 400, "binary", classes, classes[1])


def fingerprints() -> None:
    for estimator in ESTIMATORS:
        print(estimator, sha256(dumps(fit(*rich(estimator), params(estimator), seed=0))).hexdigest())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_estimator_learns_from_columns_of_every_kind_and_takes_what_it_never_saw(estimator: str) -> None:
    rows, schema = rich(estimator)
    model = fit(rows, schema, params(estimator), seed=0)
    predictions = predict(loads(dumps(model), "model", []), rows)
    assert predictions.equals(predict(model, rows))
    assert predictions.iloc[:, -1].corr(rows[TARGET]) > 0.7 or "Dummy" in estimator
    new = rows.assign(colour="never seen", many=None, when=None, note=None, x=np.nan, flag=None)
    assert np.isfinite(predict(model, new.astype(rows.dtypes)).iloc[:, -1]).all()


def test_the_model_file_is_the_same_from_any_process_whatever_its_hash_seed_and_threads() -> None:
    code = "from template.tests.training.test_recipe import fingerprints as f; f()"
    command = [sys.executable, "-W", "ignore", "-c", code]
    runs = []
    for n in ("1", "4"):
        changes = {"PYTHONHASHSEED": n, "OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n, "OMP_WAIT_POLICY": "PASSIVE"}
        runs.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment(**changes)))
    first, second = (run.communicate()[0].splitlines() for run in runs)
    assert first == second
    assert len(first) == len(ESTIMATORS)


@pytest.mark.parametrize("classes", [(3, 7), (False, True), ("no", "yes")])
def test_fit_and_predict_are_pure_and_classes_keep_their_type(classes: tuple) -> None:
    rows, schema = rich(classes=classes)
    before, forest = rows.copy(deep=True), params("sklearn.ensemble.RandomForestClassifier")
    model = fit(rows, schema, forest, seed=3)
    assert model.contract == CONTRACT
    assert dumps(fit(rows, schema, forest, seed=3)) == dumps(model) != dumps(fit(rows, schema, forest, seed=4))
    assert predict(model, rows).equals(predict(model, rows))
    assert {(type(v), v) for v in predict(model, rows)["prediction"].tolist()} == {(type(v), v) for v in classes}
    pd.testing.assert_frame_equal(rows, before)
    assert forest == params("sklearn.ensemble.RandomForestClassifier")


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_automatic_estimator_is_modest_and_takes_arguments(task: str) -> None:
    for arguments, expected in (({}, 5), ({"l2_regularization": 0}, 0), ({"max_iter": 9}, 5)):
        estimator = recipe.make_estimator(params("auto", **arguments), task, metric="auto", seed=3)
        assert (estimator.l2_regularization, estimator.random_state) == (expected, 3)


@pytest.mark.parametrize(
    ("metric", "arguments", "loss"),
    [
        ("auto", {}, "absolute_error"),
        ("mean_absolute_error", {}, "absolute_error"),
        ("root_mean_squared_error", {}, "squared_error"),
        ("auto", {"loss": "poisson"}, "poisson"),
        ("root_mean_squared_error", {"loss": "absolute_error"}, "absolute_error"),
    ],
)
def test_the_automatic_regressor_fits_what_decides_unless_a_loss_is_stated(metric, arguments, loss) -> None:
    make = partial(recipe.make_estimator, metric=metric, seed=0)
    assert make(params("auto", **arguments), "regression").loss == loss
    assert make(params("auto"), "binary").loss == "log_loss"


def test_weights_count_and_a_feature_without_a_value_does_not() -> None:
    rows, schema = rich()
    share, empty = rows[TARGET].mean(), rows.assign(x=None, when=None, note=None).astype(rows.dtypes)
    model = fit(empty.assign(**{WEIGHT: 1 + 2 * rows[TARGET]}), schema, params("sklearn.dummy.DummyClassifier"), seed=0)
    assert predict(model, rows)["probability_yes"][0] == pytest.approx(3 * share / (1 + 2 * share))
    assert list(model.types) == ["flag", "colour", "many"]
    with pytest.raises(PlumblineError, match="no feature with a value is left"):
        fit(empty[["x", "when", TARGET]], schema, params("auto"), seed=0)


class Weightless(ClassifierMixin, BaseEstimator):
    def fit(self, X, y): ...


def test_an_estimator_that_cannot_be_is_refused() -> None:
    rows, schema = rich()
    for estimator, arguments, words in (
        ("sklearn.nothing.Nothing", {}, "cannot be imported"),
        (".Nothing", {}, "cannot be imported"),
        ("math.sin", {}, "is not a scikit-learn estimator"),
        ("sklearn.linear_model.Ridge", {}, "cannot do a binary task"),
        (LINEAR, {"depth": 3}, "'depth'.*LogisticRegression takes .*max_iter"),
        (LINEAR, {"C": -1}, "raised while fitting: The 'C' parameter"),
        ("sklearn.ensemble.VotingClassifier", {}, "missing 1 required positional argument: 'estimators'"),
        ("sklearn.semi_supervised.SelfTrainingClassifier", {}, r"model\.arguments do not fit .* takes estimator"),
        ("sklearn.neighbors.KNeighborsClassifier", {}, "data.weight is set and KNeighborsClassifier takes no"),
        (f"{__name__}.Weightless", {}, "data.weight is set and Weightless takes no"),
    ):
        with pytest.raises(PlumblineError, match=words):
            fit(rows.assign(**{WEIGHT: 1.0}), schema, params(estimator, **arguments), seed=0)
