"""The package: it behaves as expectations/behaviour.yaml states, and predicts the same in an empty environment."""

import json
from pathlib import Path

import pandas as pd
import pytest

from plumbline import paths
from plumbline.delivered import Installed, broken_behaviours, open_wheel
from plumbline.prediction.golden import check
from plumbline.testing import ROOT, Project, make_table


def test_the_packaged_model_gives_its_golden_answers_and_behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    predictor, golden = open_wheel(ROOT)
    assert check(predictor, golden) > 1
    assert broken_behaviours(predictor) == []


@pytest.mark.slow
def test_the_installed_package_repeats_evaluate_on_every_raw_holdout_row(project: Project, tmp_path: Path) -> None:
    project.table(make_table())
    project.run()
    package = Installed(project.folder, tmp_path / "elsewhere")
    assert "golden rows give their golden answers" in package.type_in("check")
    assert json.loads(package.type_in("info"))["task"] == "binary"
    expected = pd.read_parquet(paths.PREDICTIONS)
    rows, names = make_table().set_index("row_id").loc[expected.key].reset_index(), list(expected.filter(like="pr"))
    found = package.predict(rows.drop(columns="target"))
    pd.testing.assert_frame_equal(found[names], expected[names], check_dtype=False, rtol=1e-9)
