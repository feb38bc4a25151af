"""One side's cells, in its own worktree on its own code: what its recipe says of rows that it has not seen.

    python WORKER.py < job.json     the working directory and what is imported from src are the side's

The review that decides brings this file along: features, fit, scores, split and schema alone are the side's. A job is
`replicas` [[number, salt, seed], ...], `folds` (null: the project's own holdout), `table` (null: the side's own; else
the typed table of the other side, whose rows are predicted), and `out`, a folder in which finished replicas stay.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src import names, params
from src.predictor.featurizing import make_features
from src.predictor.prediction import scores
from src.predictor.predictor import Predictor
from src.predictor.refusal import Refusal, guarded
from src.predictor.schema import Schema, frame
from src.predictor.tables import fitted
from src.recipe import fit, load
from src.table.split import position, unit_columns, units

MODEL = ("model.estimator", "model.arguments", "model.threshold", "review.metric")


def main() -> int:
    job = json.load(sys.stdin)
    out, schema = Path(job["out"]), Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    table = pq.read_table(names.FEATURES)
    own, side = load(table, schema), table.column(names.SIDE).to_numpy() == names.TRAIN
    named = units(pq.read_table(names.TABLE, columns=unit_columns(schema)), schema)
    rows, of_rows = (own, named) if job["table"] is None else _others(job["table"], own, schema)
    if not (out / "rows.npz").exists():
        _write(out / "rows.npz", units=of_rows, **(_beside(own) if rows is own else {}))
    steady, first = False, np.empty(0)  # on one holdout a second fit tells whether the seed moves anything at all
    for number, salt, seed in job["replicas"]:
        path = out / f"{number}.npz"
        if not path.exists():
            making = partial(fit, schema=schema, params=params.read(*MODEL), seed=seed)
            found = first if steady else unseen(making, own, named, side, rows, of_rows, job["folds"], salt)
            _write(path, scores=found)
        if not job["folds"] and not steady:
            found = np.load(path)["scores"]
            steady, first = np.array_equal(first, found, equal_nan=True), found
        print(f"{out.name}: replica {number} is done", flush=True)
    return 0


def _beside(own: pd.DataFrame) -> dict[str, np.ndarray]:
    """Of the side's own table what the verdict needs beside the scores."""
    return {name[1:]: own[name].to_numpy() for name in (names.TARGET, names.WEIGHT, names.GROUP) if name in own}


def _others(path: str, own: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, np.ndarray]:
    """Features and names of another table's rows, typed as this side's own are. Raises Refusal where that cannot be.

    A row that this side has, too, by its key, keeps its own values: what the other did to them it did not learn from.
    """
    table = pq.read_table(path)
    kinds = {column.name: column.type for column in schema.columns}
    absent = [name for name in unit_columns(schema) if name not in table.column_names]
    if absent:
        raise Refusal(f"column {absent[0]!r}, by which rows are split, is not in the other table")
    predictor = Predictor({}, schema)
    typed, bad = predictor.typed(table)
    if bad:
        raise Refusal(f"row {bad[0]['row']}, column {bad[0]['column']!r}: expected {bad[0]['expected']}")
    named = {name: fitted(table.column(name), kinds[name])[0] for name in unit_columns(schema)}
    rows, key = make_features(frame(typed, predictor.types)), schema.column("key")
    if key and key.name in table.column_names and own[names.KEY].is_unique:
        at = pd.Index(own[names.KEY]).get_indexer(fitted(table.column(key.name), key.type)[0].to_pandas())
        chosen = np.where(at >= 0, len(rows) + at, np.arange(len(rows)))
        rows = pd.concat([rows, own[rows.columns]], ignore_index=True).take(chosen).reset_index(drop=True)
    return rows, units(pa.table(named), schema)


def unseen(
    making: Callable[[pd.DataFrame], dict[str, Any]],
    own: pd.DataFrame, named: np.ndarray, side: np.ndarray, rows: pd.DataFrame, of_rows: np.ndarray,
    folds: int | None, salt: int,
) -> np.ndarray:  # fmt: skip
    """Scores of every row by a model that was not trained on it; NaN where no model predicts.

    making: rows to a fitted model; own, named: what is learned from and the names of its rows; side: those of the
    training part; rows, of_rows: what is predicted and the names of its rows.
    """
    learned, predicted = (
        [np.floor(position(each, salt) * folds) for each in (named, of_rows)]
        if folds
        else [np.where(side, 1, 0), np.where(np.isin(of_rows, named[side]), 1, 0)]
    )
    found: np.ndarray | None = None
    for fold in range(folds or 1):
        train, test = learned != fold, predicted == fold
        if np.isin(named[train], of_rows[test]).any():
            raise Refusal("a row would be predicted by a model that was trained on it; this is a fault of the review")
        if test.any():
            made = scores(making(own[train]), rows[test])
            found = np.full((len(rows), *made.shape[1:]), np.nan) if found is None else found
            found[test] = made
    if found is None:
        raise Refusal("no row is left that no model was trained on")
    return found


def _write(path: Path, **arrays: np.ndarray) -> None:
    temporary = path.with_name(f"{path.name}.{id(arrays)}.tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(guarded(main))
