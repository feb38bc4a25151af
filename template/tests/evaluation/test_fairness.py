"""What each group gets is what counting gives, and gaps are between groups that are large enough."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plumbline import paths
from plumbline.data.schema import Schema
from plumbline.results import load
from plumbline.testing.projects import Project, make_table


def count(group: pd.DataFrame, task: str) -> dict[str, float]:
    truth, prediction = group["@target"], group["@prediction"]
    if task == "regression":
        error = (prediction - truth).astype(float)
        return {"mean_error": error.mean(), "mean_absolute_error": error.abs().mean()}
    if task == "multiclass":
        return {"accuracy": (truth == prediction).mean()}
    is_selected = prediction == "yes"
    by_truth = {name: is_selected[truth == name].mean() for name in ("yes", "no")}
    rates = {"true_positive_rate": by_truth["yes"], "false_positive_rate": by_truth["no"]}
    return {"selection_rate": is_selected.mean()} | rates


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_protected_column_is_no_feature_and_its_groups_are_counted(project: Project, task: str) -> None:
    table = make_table(task, rows=900)
    random = np.random.default_rng(1)
    table["origin"] = np.where(random.random(900) < 0.02, "rare", random.choice(["a", "b"], 900))
    project.table(table)
    project.change(requirements={"protected": ["origin"]})
    project.run()
    schema = Schema.loads(Path(paths.SCHEMA).read_text(encoding="utf-8"))
    assert "origin" not in [column.name for column in schema.inputs]
    rows = load().rows.dropna(subset="@error")
    fairness: dict[str, Any] = project.read(paths.SLICES)["fairness"]
    groups = {group["level"]: group for group in fairness["groups"]}
    assert {level: group["small"] for level, group in groups.items()} == {"a": False, "b": False, "rare": True}
    for level, group in groups.items():
        for name, value in count(rows[rows.origin == level], task).items():
            assert group[name][0] == pytest.approx(value, rel=1e-5, nan_ok=True)
            assert level == "rare" or group[name][1] <= group[name][0] <= group[name][2]
    for gap in fairness["gaps"]:
        assert set(gap["levels"]) == {"a", "b"}
        assert gap["gap"][0] == pytest.approx(
            abs(groups["a"][gap["measure"]][0] - groups["b"][gap["measure"]][0]), abs=1e-5
        )
        assert gap["gap"][1] <= gap["gap"][0] <= gap["gap"][2]
    assert [gap["measure"] for gap in fairness["gaps"]] == list(count(rows, task))
    card = Path(paths.CARD).read_text(encoding="utf-8")
    assert "(too few to judge)" in card.split("### Protected groups")[1].split("##")[0]
