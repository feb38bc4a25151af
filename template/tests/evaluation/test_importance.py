"""What a feature is worth is seen when it is shuffled, with what tells the same, and beside a random one."""

import numpy as np
import pandas as pd
import pytest

from plumbline import paths
from plumbline.evaluation import importance
from plumbline.evaluation.importance import (
    FeatureImportance,
    group_correlated_features,
    partial_dependence,
    permutation_importance,
)
from plumbline.testing.projects import Project, make_table

RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame({"a": RANDOM.normal(size=400), "b": RANDOM.normal(size=400), "word": ["x", "y"] * 200})
ROWS["twin"] = np.exp(ROWS.a)
TYPES = {"word": "category", "a": "number", "b": "number", "twin": "number"}


def test_what_tells_the_same_is_shuffled_together_and_what_is_not_used_costs_nothing() -> None:
    groups = group_correlated_features(ROWS, TYPES)
    assert groups == [["word"], ["a", "twin"], ["b"]]
    truth = ROWS.a.to_numpy()
    importances = permutation_importance(
        ROWS, groups, lambda at, scores: np.abs(truth[at] - scores), lambda rows: np.log(rows.twin.to_numpy())
    )
    assert importances[0].features == ["a", "twin"]
    assert importances[0].loss_increase.value > 0.5
    assert [entry.loss_increase for entry in importances[1:]] == [(0.0, 0.0, 0.0)] * 2


def test_many_shuffles_are_predicted_in_one_call_and_in_as_many_as_the_cells_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth, lengths = ROWS.a.to_numpy(), []

    def predict(rows: pd.DataFrame) -> np.ndarray:
        lengths.append(len(rows))
        return rows.a.to_numpy()

    def compute() -> list[FeatureImportance]:
        lengths.clear()
        return permutation_importance(ROWS, [["a"], ["b"]], lambda at, scores: (truth[at] - scores) ** 2, predict)

    together = compute()
    assert lengths == [400, 4000]
    monkeypatch.setattr(importance, "MAX_CELLS", 1600)
    assert compute() == together
    assert lengths == [400] * 11


def test_partial_dependence_follows_one_number_and_leaves_the_others() -> None:
    (points,) = partial_dependence(ROWS, ["a"], lambda rows: 2 * rows.a.to_numpy() + rows.b.to_numpy()).values()
    x, y = np.array(points).T
    np.testing.assert_allclose(y - 2 * x, ROWS.b.mean())


def test_a_random_column_is_worth_less_than_what_the_target_follows(project: Project) -> None:
    project.table(make_table(rows=900))
    project.run("ingest", "featurize", "train", "evaluate")
    explanations = project.read(paths.DIAGNOSTICS)["explanations"]
    values = {entry["features"][0]: entry["loss_increase"][0] for entry in explanations["features"]}
    assert values["x1"] > 5 * abs(explanations["random_column"])
    assert next(iter(values)) == "x1"
    assert explanations["output"] == "probability of yes"
