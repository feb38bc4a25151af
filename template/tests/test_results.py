"""results.load gives all rows of the source, and predictions and errors of the holdout."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.results import load
from plumbline.testing.projects import Project, make_table


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_rows_predictions_and_errors_stand_side_by_side(project: Project, task: str) -> None:
    table = make_table(task)
    project.table(table)
    project.run("ingest", "featurize", "train", "evaluate")
    results = load()
    rows, predictions = results.rows, pd.read_parquet(paths.PREDICTIONS)
    assert rows[list(table)].astype(object).equals(table.astype(object))
    assert rows["@target"].tolist() == table.target.tolist()
    assert results.features.index.equals(rows.index)
    is_holdout = rows["@side"] == "holdout"
    assert rows.loc[is_holdout, "row_id"].tolist() == predictions.key.tolist()
    assert rows.loc[is_holdout, "@prediction"].tolist() == predictions.prediction.tolist()
    assert rows.loc[~is_holdout, ["@prediction", "@error"]].isna().all(axis=None)
    records = predictions.to_dict("records")
    if task == "regression":
        expected = [abs(row["truth"] - row["prediction"]) for row in records]
    else:
        expected = [1 - row[f"probability_{row['truth']}"] for row in records]
    np.testing.assert_allclose(rows.loc[is_holdout, "@error"].astype(float), expected)


def test_what_is_not_there_or_of_another_run_is_refused(project: Project) -> None:
    with pytest.raises(PlumblineError, match=r"^data/table.parquet is not there. Run make repro"):
        load()
    project.table(make_table())
    project.run("ingest", "featurize", "train", "evaluate")
    pd.read_parquet(paths.PREDICTIONS).iloc[1:].to_parquet(paths.PREDICTIONS)
    with pytest.raises(PlumblineError, match=r"^data/predictions.parquet: has \d+ rows, expected \d+"):
        load()
    Path(paths.MODEL).unlink()
    with pytest.raises(PlumblineError, match=r"^data/model.skops is not there"):
        load()
