"""A program that compares the package of a side with its recipe, in its worktree and with its code.

    python package_worker.py CONTRACT WHEEL TABLE SEED SCORES

CONTRACT is the number that the review knows, WHEEL the path of the package or "" without one, TABLE the file of typed
rows, SEED the value of model.seed. SCORES is the file for what the recipe predicts of the holdout. The exit code is
OTHER_CONTRACT where the side has another contract.
"""

import importlib
import sys
import tempfile
import zipfile
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import contract
from plumbline.contract import Refusal

OTHER_CONTRACT = 3
MAX_ROWS = 1000  # of the holdout
OTHER_SEED = 7919  # added to the project's own
SINGLE_ROWS, SINGLE_TOLERANCE = 20, 1e-4  # a network adds in another order there
TOLERANCE = 1e-6  # a unit of the sixth significant digit: another processor


class MismatchError(Exception):
    """The predictions of the package differ from those of the recipe."""


def main() -> int:
    """Print whether the package predicts what the recipe predicts; the exit code."""
    number_in_review, wheel, table_path, seed, scores_path = sys.argv[1:]
    if (number := getattr(contract, "CONTRACT", None)) != int(number_in_review):
        print(f"ERROR: its contract with a review is version {number}, expected {number_in_review}", file=sys.stderr)
        return OTHER_CONTRACT
    rows = contract.read_rows()
    model = contract.fit(rows.features[rows.is_train], int(seed))
    holdout = rows.features[~rows.is_train]
    columns = {name: holdout[f"@{name}"].to_numpy() for name in ("target", "weight") if f"@{name}" in holdout}
    positions, scores = np.flatnonzero(~rows.is_train), contract.scores(model, holdout)
    # The same rows but one, and another seed: honest code makes as good a model of them.
    other_model = contract.fit(rows.features[rows.is_train].iloc[:-1], (int(seed) + OTHER_SEED) % 2**32)
    arrays: dict[str, Any] = columns | {"scores": scores, "positions": positions}
    np.savez(scores_path, other_scores=contract.scores(other_model, holdout), **arrays)
    table = pq.read_table(table_path)
    compare_features(contract.scores(model, rows.features), contract.predict(model, table))
    table = table.take(positions[:MAX_ROWS])
    expected = contract.predict(model, table)
    compare_single_rows(model, table, expected)
    if wheel:
        print(compare_package(wheel, table, expected))
    return 0


def compare_features(scores: np.ndarray, expected: pd.DataFrame) -> None:
    """Compare the scores of data/features.parquet with those of features() on the same rows: all of the table.

    Raises
    ------
    MismatchError
        Where they differ: featurize wrote other features than a package makes.
    """
    values = expected[_score_columns(expected)].to_numpy(float)
    if not np.allclose(values, scores.reshape(values.shape), rtol=TOLERANCE, atol=TOLERANCE):
        raise MismatchError("data/features.parquet has other features than features() makes of the same rows")


def compare_single_rows(model: Any, table: pa.Table, expected: pd.DataFrame) -> None:
    """Compare some predictions, each made of one row, with those of all rows at once.

    Raises
    ------
    MismatchError
        Where they differ: a step of the model looks at the other rows that it is given.
    """
    columns, places = _score_columns(expected), np.linspace(0, len(table) - 1, min(SINGLE_ROWS, len(table)), dtype=int)
    single_rows = [contract.predict(model, table.slice(place, 1))[columns].to_numpy(float)[0] for place in places]
    values = expected[columns].to_numpy(float)[places]
    is_different = ~np.isclose(single_rows, values, rtol=SINGLE_TOLERANCE, atol=SINGLE_TOLERANCE).all(axis=1)
    if is_different.any():
        total = f"{is_different.sum()} of {len(places)} rows"
        raise MismatchError(f"the model predicts {total} otherwise one by one than together with other rows")


def _score_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the columns with probabilities, or that of a regression: a threshold may differ."""
    return [str(column) for column in predictions if column != "prediction"] or ["prediction"]


def compare_package(wheel: str, table: pa.Table, expected: pd.DataFrame) -> str:
    """Compare the package's predictions for typed rows with the expected ones; return the finding in words.

    The package works in an empty folder, as where it is installed: no file of the project is there.

    Raises
    ------
    MismatchError
        Where a prediction differs, or the package has more than one module.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as place:
        zipfile.ZipFile(wheel).extractall(folder)
        modules = sorted(path.name for path in Path(folder).iterdir() if path.suffix != ".dist-info")
        if len(modules) != 1:
            raise MismatchError(f"the package has {len(modules)} modules, expected one")
        sys.path.insert(0, folder)
        with chdir(place):
            predictions = importlib.import_module(modules[0]).Predictor.load().predict_typed(table)
    if list(predictions) != list(expected):
        raise MismatchError("the package has other outputs than the recipe")
    columns = _score_columns(expected)
    is_close = np.isclose(
        predictions[columns].to_numpy(float), expected[columns].to_numpy(float), rtol=TOLERANCE, atol=TOLERANCE
    )
    is_different = ~is_close.all(axis=1)
    total = f"{len(is_different)} rows of the holdout"
    if is_different.any():
        count = is_different.sum()
        raise MismatchError(f"the predictions of the package differ from those of the recipe in {count} of {total}")
    return f"the predictions of the package are those of the recipe, in all {total}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refusal, MismatchError) as error:
        message = getattr(error, "message", str(error))  # without the hint: the review gives its own
        sys.exit(f"ERROR: {' '.join(message.split())}")
