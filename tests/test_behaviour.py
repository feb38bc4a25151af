"""The packaged model behaves as expectations/behaviour.yaml states, on the raw rows that no fit saw."""

import importlib
import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from src import names
from src.learning.behaviour import broken, load
from src.predictor.schema import Schema
from tests.conftest import ROOT


def test_the_packaged_model_behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    wheel = next(Path(names.DIST).glob("*.whl"), None)
    if wheel is None or not all(Path(name).exists() for name in (names.TABLE, names.FEATURES, names.SCHEMA)):
        pytest.skip("no package is there: make repro")
    package = wheel.name.split("-")[0]
    monkeypatch.syspath_prepend(str(wheel.resolve()))
    predictor = importlib.import_module(f"{package}.predictor.predictor").Predictor.load()
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        del sys.modules[module]  # monkeypatch would bring it back, and other tests make a package of this name
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    held = pc.equal(pq.read_table(names.FEATURES, columns=[names.SIDE]).column(0), names.HOLDOUT)
    rows = pq.read_table(names.TABLE, columns=[column.name for column in schema.inputs]).filter(held)
    for test in load(Path(names.BEHAVIOUR), schema):
        bad, count = broken(test, predictor, rows)
        assert bad <= test.allowed * count, f"{test.name}: {bad} of {count} rows break it"
