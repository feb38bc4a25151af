"""train: which estimator it became and why, what the folds said, and the threshold."""

from pathlib import Path

from src import names
from src.predictor.modelfile import loads
from tests.conftest import Project, make_table


def test_a_wrapped_estimator_the_folds_and_the_automatic_threshold_are_said(project: Project) -> None:
    project.table(make_table())
    project.change(model={"estimator": "sklearn.svm.SVC", "threshold": "auto", "folds": 3})
    project.run("ingest", "featurize", "train")
    threshold = loads(Path(names.MODEL).read_bytes(), names.MODEL)["threshold"]
    for words in ("(sklearn.svm.SVC, as params say, around SVC, which", "over 3 folds, strat", f": {threshold:.6g}}}"):
        assert words in Path(names.checks("train")).read_text()
    assert threshold != 0.5
