"""One side's cells, in its own worktree on its own code: what its recipe says of rows that it has not seen.

    python WORKER.py < job.json     the working directory and plumbline.contract are the side's

The review that decides brings this file along. A job is `contract` (the number that the review knows), `replicas`
[[number, salt, seed], ...], `folds` (null: the project's own holdout), `table` (null: the side's own; else the typed
table of the other side, whose rows are predicted), and `out`, a folder in which finished replicas stay.
"""

from __future__ import annotations  # another contract may lack what is named here: its number is looked at first

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from plumbline import contract
from plumbline.contract import Refusal

OTHER = 3  # the exit code where the contract is another
BESIDE = ("@target", "@weight", "@group")  # of the side's own table, what the verdict needs beside the scores
Fit = Callable[[pd.DataFrame], Any]  # a model of the other version, which only its own code looks into


def main() -> int:
    job = json.load(sys.stdin)
    if (number := getattr(contract, "CONTRACT", None)) != job["contract"]:
        print(f"ERROR: its contract with a review is version {number}, expected {job['contract']}", file=sys.stderr)
        return OTHER
    out, own = Path(job["out"]), contract.read_rows()
    rows = own if job["table"] is None else contract.read_other_rows(job["table"], own)
    if not (out / "rows.npz").exists():
        beside = {name[1:]: own.features[name].to_numpy() for name in BESIDE if name in own.features}
        _write(out / "rows.npz", units=rows.units, **(beside if rows is own else {}))
    steady, first = False, np.empty(0)  # on one holdout a second fit tells whether the seed moves anything at all
    for number, salt, seed in job["replicas"]:
        path = out / f"{number}.npz"
        if not path.exists():
            fit = partial(contract.fit, seed=seed)
            _write(path, scores=first if steady else unseen(fit, own, rows, job["folds"], salt))
        if not job["folds"] and not steady:
            found = np.load(path)["scores"]
            steady, first = np.array_equal(first, found, equal_nan=True), found
        print(f"{out.name}: replica {number} is done", flush=True)
    return 0


def unseen(fit: Fit, own: contract.Rows, rows: contract.Rows, folds: int | None, salt: int) -> np.ndarray:
    """Scores of each row of `rows` by a model that was fitted on rows of `own` without it; NaN where none predicts.

    folds: how many; None for the training part against the rest.
    """
    if folds:
        learned, predicted = (np.floor(each.position(salt) * folds) for each in (own, rows))
    else:
        learned = np.where(own.is_train, 1, 0)
        predicted = np.where(np.isin(rows.units, own.units[own.is_train]), 1, 0)
    found: np.ndarray | None = None
    for fold in range(folds or 1):
        train, test = learned != fold, predicted == fold
        if np.isin(own.units[train], rows.units[test]).any():
            raise Refusal("a row would be predicted by a model that was trained on it; this is a fault of the review")
        if test.any():
            made = contract.scores(fit(own.features[train]), rows.features[test])
            found = np.full((len(rows.units), *made.shape[1:]), np.nan) if found is None else found
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
    try:
        sys.exit(main())
    except Refusal as error:
        sys.exit(f"ERROR: {' '.join(str(error).split())}")
