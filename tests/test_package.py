"""The package gives its golden answers, and behaves as expectations/behaviour.yaml states."""

from pathlib import Path

import pytest

from plumbline.prediction.golden import check_golden
from plumbline.testing.delivered import InstalledPackage, find_broken_behaviours, open_wheel
from plumbline.testing.projects import ROOT, Project


def test_the_packaged_model_gives_its_golden_answers_and_behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    predictor, golden = open_wheel(ROOT)
    assert check_golden(predictor, golden) > 1 and find_broken_behaviours(predictor) == []


@pytest.mark.slow
def test_the_installed_package_gives_its_golden_answers_in_an_empty_environment(own: Project, tmp_path: Path) -> None:
    package = InstalledPackage(own.folder, tmp_path / "elsewhere")
    assert "golden rows give their golden answers" in package.run("check")
