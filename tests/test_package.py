"""The package gives its golden answers, and behaves as expectations/behaviour.yaml states."""

import pytest

from plumbline.delivered import broken_behaviours, open_wheel
from plumbline.prediction.golden import check
from plumbline.testing import ROOT


def test_the_packaged_model_gives_its_golden_answers_and_behaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    predictor, golden = open_wheel(ROOT)
    assert check(predictor, golden) > 1
    assert broken_behaviours(predictor) == []
