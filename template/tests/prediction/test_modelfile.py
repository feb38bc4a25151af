"""A model file is canonical, holds the model and nothing of the machine, and is loaded by a list of types."""

import io
import json
import subprocess
import sys
import zipfile
from types import ModuleType

import pytest

from plumbline.errors import PlumblineError
from plumbline.prediction.modelfile import dumps, loads
from plumbline.prediction.predictions import predict
from plumbline.testing.projects import ROOT, environment
from template.tests.prediction.conftest import TABLE, make_model

FOREST = "sklearn.ensemble.RandomForestClassifier"
DIGEST = f"""
import hashlib, sys, plumbline.prediction.modelfile as m, template.tests.prediction.conftest as c
models = c.make_model(max_iter=5), c.make_model("{FOREST}", n_jobs=int(sys.argv[1]))
print(hashlib.sha256(b"".join(map(m.dumps, models))).hexdigest())
"""
OWN_TYPE = ("calendar", "plumbline.columns")
USER = ModuleType("src.model")


def test_the_same_model_is_the_same_bytes_in_every_process() -> None:
    settings = {n: environment(PYTHONHASHSEED=n, OMP_NUM_THREADS=n) for n in "12"}
    digests = {n: subprocess.check_output([sys.executable, "-c", DIGEST, n], cwd=ROOT, env=settings[n]) for n in "12"}
    assert digests["1"] == digests["2"]


@pytest.mark.parametrize(("estimator", "arguments"), [("auto", {"max_iter": 5}), (FOREST, {"n_jobs": 2})])
def test_a_model_predicts_the_same_when_reloaded_and_keeps_no_threads_and_no_plumbline(estimator, arguments) -> None:
    model = make_model(estimator, **arguments)
    reloaded, elsewhere = loads(dumps(model), "model", []), dumps(model, {"plumbline": "elsewhere"})
    assert predict(reloaded, TABLE).equals(predict(model, TABLE))
    assert getattr(reloaded.estimator, "n_jobs", None) is None
    assert (b'"elsewhere.columns"' in elsewhere, b'"plumbline.' in elsewhere) == (True, False)


@pytest.mark.parametrize(
    ("real", "forged"),
    [
        (OWN_TYPE, ("system", "os")),
        (OWN_TYPE, ("calendar", "plumbline.columns_")),
        (OWN_TYPE, ("imported", "forged")),
        (OWN_TYPE, ("loads", "json")),
        (("check_array", "sklearn.utils.validation"), ("system", "os")),
    ],
    ids=["another", "looks like ours", "imported by loading", "imported by ours", "inside functools.partial"],
)
def test_a_forged_type_is_refused_before_anything_is_built(tmp_path, monkeypatch, predictor, real, forged) -> None:
    (tmp_path / "forged.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(USER, "loads", json.loads, raising=False)
    old, new = (b'"__class__":"%s","__module__":"%s"' % tuple(map(str.encode, names)) for names in (real, forged))
    archive, content = zipfile.ZipFile(io.BytesIO(dumps(predictor.model))), io.BytesIO()
    with zipfile.ZipFile(content, "w") as target:
        for name in archive.namelist():
            target.writestr(name, archive.read(name).replace(old, new))
    with pytest.raises(PlumblineError, match=f"names {forged[1]}.{forged[0]}, which no list of trusted types holds"):
        loads(content.getvalue(), "model", [USER])
    assert "forged" not in sys.modules
