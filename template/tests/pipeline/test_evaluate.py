"""evaluate: metrics beside baselines on the same rows, slices, weights, and every prediction."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from plumbline import paths
from plumbline.testing.projects import Project, make_table


def test_numbers_are_flat_and_short_and_those_of_the_predictions_with_their_weights(project: Project) -> None:
    levels = np.random.default_rng(0).integers(0, 40, (400, 19)).astype(str)
    many = pd.DataFrame("level " + levels.astype(object), columns=[f"column with a long name {i}" for i in range(19)])
    table = make_table(rows=400).assign(weight=np.arange(400) % 5).join(many)
    project.table(table, weight="weight")
    project.change(
        model={"estimator": "sklearn.linear_model.LogisticRegression"}, evaluate={"slices": ["colour", *many]}
    )
    project.run("ingest", "featurize", "train", "evaluate")
    predictions = pd.read_parquet(paths.PREDICTIONS)
    assert list(predictions)[:6] == ["key", "truth", "prediction", "probability_no", "probability_yes", "slice: colour"]
    rows, train = table.set_index("row_id").loc[predictions["key"]], table[~table["row_id"].isin(predictions["key"])]
    assert (rows[["target", "colour"]].to_numpy() == predictions[["truth", "slice: colour"]].to_numpy()).all()
    metrics, trivial, slices = (json.loads(Path(p).read_text()) for p in (paths.METRICS, paths.TRIVIAL, paths.SLICES))
    assert all(isinstance(value, str) or value == float(f"{value:.6g}") for value in metrics.values())
    auc = roc_auc_score(predictions["truth"], predictions["probability_yes"], sample_weight=rows["weight"])
    share = np.average(train["target"] == "yes", weights=train["weight"])
    loss = log_loss(predictions["truth"], np.full(len(predictions), share), sample_weight=rows["weight"])
    assert [metrics["roc_auc"], trivial["log_loss"]] == pytest.approx([auc, loss], rel=1e-5)
    small = {part["level"]: part["small"] for part in slices["slices"] if part["column"] == "colour"}
    assert small == dict(rows["colour"].value_counts() < 30)
    assert sum(path.stat().st_size for path in Path("metrics").iterdir()) < 200_000


def test_a_model_without_signal_is_said_not_to_beat_the_trivial_one(project: Project, capsys) -> None:
    table = make_table("regression")
    project.table(table.assign(target=np.random.default_rng(1).permutation(table["target"])))
    project.change(model={"estimator": "sklearn.linear_model.Ridge"})
    project.run("ingest", "featurize", "train", "evaluate")
    words = "WARNING: trivial baseline: the model is not clearly better than the trivial baseline"
    assert words in capsys.readouterr().out


def test_where_the_squared_error_decides_it_compares_and_the_mean_is_trivial(project: Project, capsys) -> None:
    table = make_table("regression").assign(target=lambda t: np.exp(t["target"]))
    project.table(table)
    project.change(review={"metric": "root_mean_squared_error"})
    project.run("ingest", "featurize", "train", "evaluate")
    assert "the trivial baseline: root_mean_squared_error" in capsys.readouterr().out
    key = pd.read_parquet(paths.PREDICTIONS)["key"]
    is_holdout = table["row_id"].isin(key)
    expected = np.sqrt(np.mean((table["target"][is_holdout] - table["target"][~is_holdout].mean()) ** 2))
    assert json.loads(Path(paths.TRIVIAL).read_text())["root_mean_squared_error"] == pytest.approx(expected, rel=1e-5)
    project.change(evaluate={"metrics": ["r2", "mean_absolute_error"]})
    project.run("evaluate")
    assert "the trivial baseline: r2" in capsys.readouterr().out  # what is listed first
