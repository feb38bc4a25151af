"""A program that predicts for one side, in its worktree and with its code: each row by models that did not see it.

    python worker.py < job.json     the working directory and plumbline.contract are those of the side

The review that judges brings this file along. `Job` describes what it reads; finished replicas stay in `Job.folder`.
"""

from __future__ import annotations  # another contract may lack what is annotated here: its number is checked first

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from plumbline import contract
from plumbline.contract import Refusal

OTHER_CONTRACT = 3  # the exit code where the side has another contract
REPLICA_MARK = " is done"  # ends the line of a finished replica
ROWS = "rows.npz"
COLUMNS = ("@target", "@weight", "@group")  # of the side's own table: the verdict needs them with the scores
Fit = Callable[[pd.DataFrame], Any]


class WorkerError(Exception):
    """The side cannot be predicted. A class of this file: another contract may construct its errors otherwise."""


@dataclass(frozen=True)
class Replica:
    """One repetition: its number, the salt of its folds (common to both sides) and the seed of its models."""

    number: int
    salt: int
    seed: int

    @property
    def file(self) -> str:
        """The name of the file with its scores."""
        return f"{self.number}.npz"


@dataclass(frozen=True)
class Split:
    """Base's rule for the holdout, which decides on both sides.

    Attributes
    ----------
    holdout : float
    salt : int
        split.holdout and split.salt.
    cut : str or None
        split.cut: rows at or after it are the holdout, whatever the other two are.
    time : str or None
        The column of the typed table that it is compared with.
    """

    holdout: float
    salt: int
    cut: str | None = None
    time: str | None = None

    def select_holdout(self, rows: contract.Rows, table: str) -> np.ndarray:
        """Return which rows are the holdout, shape (rows,); `table` is the typed table that they are of."""
        if self.cut is None:
            return np.asarray(rows.position(self.salt) < self.holdout)
        times = pq.read_table(table, columns=[self.time]).column(0).to_pandas()
        return np.asarray(times >= datetime.fromisoformat(self.cut))


@dataclass(frozen=True)
class Job:
    """What a worker does, as the JSON object that it reads from standard input.

    Attributes
    ----------
    contract : int
        The number of the contract that the review knows.
    replicas : tuple of Replica
        In JSON a list of objects with the keys number, salt and seed.
    folds : int or None
        How many folds; None for the project's own holdout.
    table : str or None
        The typed table of the other side, whose rows are predicted; None for the side's own.
    folder : str
        Where NUMBER.npz (scores of a replica, and the threshold of each fit) and rows.npz (names of the rows, and
        COLUMNS) are written.
    own_table : str
        The side's own typed table.
    split : Split or None
        Base's; None for the side's own.
    units : str or None
        A file with the units by which the rows that are predicted fall into folds; None for their own.
    """

    contract: int
    replicas: tuple[Replica, ...]
    folds: int | None
    table: str | None
    folder: str
    own_table: str = ""
    split: Split | None = None
    units: str | None = None

    def dumps(self) -> str:
        """Return the JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Job:
        """Read what `dumps` returned."""
        content = json.loads(text)
        replicas = tuple(Replica(**replica) for replica in content.pop("replicas"))
        split = content.pop("split")
        return cls(replicas=replicas, split=Split(**split) if split else None, **content)


def main() -> int:
    """Predict what the job on standard input asks for; the exit code."""
    job = Job.loads(sys.stdin.read())
    if (number := getattr(contract, "CONTRACT", None)) != job.contract:
        print(f"ERROR: its contract with a review is version {number}, expected {job.contract}", file=sys.stderr)
        return OTHER_CONTRACT
    folder, own_rows = Path(job.folder), contract.read_rows()
    rows = own_rows if job.table is None else contract.read_other_rows(job.table, own_rows)
    if not (folder / ROWS).exists():
        features = own_rows.features
        columns = {name[1:]: features[name].to_numpy() for name in COLUMNS if name in features}
        _write(folder / ROWS, units=rows.units, **(columns if rows is own_rows else {}))
    fold_rows = rows if job.units is None else replace(rows, units=np.load(job.units))
    _predict_replicas(job, folder, fold_rows if rows is own_rows else own_rows, fold_rows)
    return 0


def _predict_replicas(job: Job, folder: Path, own_rows: contract.Rows, rows: contract.Rows) -> None:
    """Write the scores of each replica; on one holdout a second fit tells whether the seed changes anything."""
    is_constant, scores, thresholds = False, np.empty(0), list[float]()
    holdouts = None
    if split := None if job.folds else job.split:
        tables = job.own_table, job.table or job.own_table
        holdouts = split.select_holdout(own_rows, tables[0]), split.select_holdout(rows, tables[1])
    for replica in job.replicas:
        path = folder / replica.file
        if not path.exists():
            new_scores = scores
            if not is_constant:
                fit, thresholds = _record_thresholds(replica.seed)
                new_scores = predict_unseen(fit, own_rows, rows, job.folds, replica.salt, holdouts)
            _write(path, scores=new_scores, thresholds=np.array(thresholds, dtype=float))
        if not job.folds and not is_constant:
            cell = np.load(path)
            previous, scores, thresholds = scores, cell["scores"], list(cell["thresholds"])
            is_constant = np.array_equal(previous, scores, equal_nan=True)
        print(f"{folder.name}: replica {replica.number}{REPLICA_MARK}", flush=True)


def _record_thresholds(seed: int) -> tuple[Fit, list[float]]:
    """Return the fit with this seed, and the list that gets the threshold of each model; NaN of one without."""
    thresholds: list[float] = []

    def fit(features: pd.DataFrame) -> Any:
        model = contract.fit(features, seed=seed)
        threshold = getattr(model, "threshold", None)
        thresholds.append(np.nan if threshold is None else float(threshold))
        return model

    return fit, thresholds


def predict_unseen(
    fit: Fit,
    own_rows: contract.Rows,
    rows: contract.Rows,
    folds: int | None,
    salt: int,
    holdouts: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return the scores of each row by a model that was fitted without it.

    Parameters
    ----------
    fit : callable
        Takes features and returns a fitted model.
    own_rows : Rows
        The rows that models are fitted on.
    rows : Rows
        The rows that are predicted; those of `own_rows` among them have the same units.
    folds : int or None
        How many folds; None to fit on the training set and predict the holdout.
    salt : int
        Which fold a row falls into.
    holdouts : pair of ndarray of shape (rows,), optional
        Without folds: which of `own_rows` and of `rows` are the holdout; by default by the side's own split.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows,)
        NaN where no model predicts.

    Raises
    ------
    WorkerError
        Where no row is left to predict.
    """
    if folds:
        train_folds, test_folds = (np.floor(part.position(salt) * folds) for part in (own_rows, rows))
    else:
        own_holdout, holdout = holdouts or (~own_rows.is_train, np.ones(len(rows.units), dtype=bool))
        is_learned = np.isin(rows.units, own_rows.units[~own_holdout])
        train_folds, test_folds = np.where(own_holdout, 0, 1), np.where(holdout & ~is_learned, 0, 1)
    scores: np.ndarray | None = None
    for fold in range(folds or 1):
        train, test = train_folds != fold, test_folds == fold
        if np.isin(own_rows.units[train], rows.units[test]).any():
            raise WorkerError("a row would be predicted by a model that was trained on it: a fault of the review")
        if test.any():
            fold_scores = contract.scores(fit(own_rows.features[train]), rows.features[test])
            if not np.isfinite(fold_scores).all():
                raise WorkerError("predicts a value that is no number")
            scores = np.full((len(rows.units), *fold_scores.shape[1:]), np.nan) if scores is None else scores
            scores[test] = fold_scores
    if scores is None:
        raise WorkerError("no row is left that no model was trained on")
    return scores


def _write(path: Path, **arrays: np.ndarray) -> None:
    """Write the arrays to a file that is complete or absent."""
    temporary = path.with_name(f"{path.name}.{id(arrays)}.tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refusal, WorkerError) as error:
        message = getattr(error, "message", str(error))  # without the hint: the review gives its own
        sys.exit(f"ERROR: {' '.join(message.split())}")
