"""Out-of-fold predictions of both sides: which are needed, workers that make the missing ones, and what they say."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.contract import CONTRACT
from plumbline.process import PIPE, Process, start
from plumbline.progress import Advance, progress
from plumbline.review import worker
from plumbline.review.commits import SideError
from plumbline.review.sides import FIX, ContractError, Side
from plumbline.review.worker import OTHER_CONTRACT, REPLICA_MARK, ROWS, Job, Replica, Split
from plumbline.review.worktrees import PREDICTIONS

WORKER = Path(worker.__file__)
MAX_ROWS = 5000  # up to which cross-fitting is worth its fits


@dataclass(frozen=True)
class Design:
    """How often both sides are fitted.

    Attributes
    ----------
    folds : int or None
        Folds of each replica; None for the project's own holdout.
    replicas : int
        How many replicas.
    split : Split or None
        Without folds: base's rule for the holdout, on both sides; None for each side's own.
    units : Path or None
        A file with the units by which rows of head's table fall into folds; None for their own.
    """

    folds: int | None
    replicas: int
    split: Split | None = None
    units: Path | None = None

    def replicas_of(self, side: Side) -> list[Replica]:
        """Return the replicas of a side: salts are common to both sides, seeds derive from model.seed.

        Raises
        ------
        SideError
            Where model.seed is not a whole number.
        """
        seed = side.params.get("model.seed", 0)
        if not isinstance(seed, int):
            problem = f"has {seed!r} as model.seed, expected a whole number"
            raise SideError(side, problem, hint="Set a whole number from 0 and commit it")
        return [Replica(number, salt=number, seed=_derive_seed(seed, number)) for number in range(self.replicas)]


def _derive_seed(seed: int, number: int) -> int:
    """Return the seed of a replica, which differs only where the project's own seed differs."""
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:4], "big")


@dataclass(frozen=True)
class Rows:
    """Rows that are compared.

    Attributes
    ----------
    positions : ndarray of shape (rows,)
        Where they are in the table.
    truth : ndarray of shape (rows,)
        Positions of classes, or values.
    weight, group : ndarray of shape (rows,) or None
    """

    positions: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None
    group: np.ndarray | None

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, places: np.ndarray) -> "Rows":
        """Return the rows at these places among them."""
        weight, group = (None if values is None else values[places] for values in (self.weight, self.group))
        return Rows(self.positions[places], self.truth[places], weight, group)


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold predictions of one side.

    Attributes
    ----------
    scores : ndarray of shape (replicas, rows) or (replicas, rows, classes)
        NaN where a replica does not predict a row.
    units : ndarray of shape (rows,), uint64
        The name of each row for the split.
    columns : mapping of str to ndarray of shape (rows,)
        target, weight and group of the side's own table; empty where the rows are another side's.
    thresholds : ndarray of shape (replicas,), optional
        model.threshold of the fitted models; NaN where a model has none.
    """

    scores: np.ndarray
    units: np.ndarray
    columns: Mapping[str, np.ndarray]
    thresholds: np.ndarray | None = None

    @property
    def is_complete(self) -> np.ndarray:
        """True for rows that every replica predicts, shape (rows,)."""
        is_missing: np.ndarray = np.isnan(self.scores.reshape(*self.scores.shape[:2], -1)).any(axis=(0, 2))
        return ~is_missing

    def select_rows(self, mask: np.ndarray) -> Rows:
        """Return the rows where the mask, of shape (rows,), is True."""
        columns = self.columns
        rows = Rows(np.arange(len(mask)), columns["target"], columns.get("weight"), columns.get("group"))
        return rows.take(np.flatnonzero(mask))


def choose_design(head: Side, split: Split | None = None, *, replicas: int, folds: int) -> Design:
    """Return cross-fitting for a small table, one holdout for a large one or where time decides.

    Parameters
    ----------
    head : Side
        Whose rows are predicted; it is prepared.
    split : Split, optional
        Base's rule for the holdout; that of head where there is no base.
    replicas, folds : int
    """
    rows = pq.read_metadata(head.folder / paths.FEATURES).num_rows
    cut = split.cut if split else head.params.get("split.cut")
    has_holdout = rows > MAX_ROWS or cut is not None
    return Design(None, replicas, split) if has_holdout else Design(folds, replicas)


def predict(side: Side, head: Side, design: Design) -> Predictions:
    """Return the predictions of a side for head's rows; what is missing is fitted."""
    return predict_sides([side], head, design)[side]


def predict_sides(sides: list[Side], head: Side, design: Design) -> dict[Side, Predictions]:
    """Return the predictions of several sides for head's rows; what is missing is fitted, all sides at the same time.

    Raises
    ------
    SideError
        Where a side does not predict.
    ContractError
        Where a side has another contract.
    """
    folders = {side: _folder(side, head, design) for side in sides}
    _fit_missing(folders, head, design)
    return {side: _load(folder, design) for side, folder in folders.items()}


def _folder(side: Side, head: Side, design: Design) -> Path:
    """Return where the predictions of a side are stored, named after all that they depend on."""
    worker_hash = hashlib.sha256(WORKER.read_bytes()).hexdigest()
    # Of head only the typed table: its own split moves no prediction of base.
    split = asdict(design.split) if design.split else None
    inputs = [side.recipe_digest(), head.table_digest, design.folds, split, worker_hash]
    inputs += [design.units.stem] if design.units else []
    return PREDICTIONS / hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class WorkerRun:
    """One worker of a side, and the file for what it prints as errors."""

    side: Side
    job: Job
    errors: IO[str]

    def start(self) -> Process:
        """Start the program and hand it the job."""
        process = start(
            [self.side.python, str(WORKER.absolute())],
            cwd=self.side.folder,
            env=self.side.environment(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=self.errors,
        )
        assert process.stdin is not None
        process.stdin.write(self.job.dumps())
        process.stdin.close()
        return process

    def follow(self, process: Process, advance: Advance) -> None:
        """Wait for the end and report each replica that is done."""
        for line in process.stdout or ():
            if line.rstrip().endswith(REPLICA_MARK):
                advance(note=self.side.name)
        process.wait()

    def check(self, process: Process) -> None:
        """Raise what a worker that failed printed last.

        Raises
        ------
        SideError
            Where the worker failed.
        ContractError
            Where the side has another contract.
        """
        if process.returncode:
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines()[-1:] or ["no message"])[0].removeprefix("ERROR: ")
            if process.returncode == OTHER_CONTRACT:
                hint = "Merge the commit that changes the contract first; the next pull request is compared again"
                problem = f"has a version of plumbline.contract that this review does not support: {last}"
                raise ContractError(self.side, problem, hint=hint)
            raise SideError(self.side, f"does not predict: {last}", hint=FIX)


def _fit_missing(folders: Mapping[Side, Path], head: Side, design: Design) -> None:
    """Run the workers of all sides; a finished replica stays, whatever happens."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            WorkerRun(side, job, (Path(folder) / str(number)).open("w+", encoding="utf-8", errors="replace"))
            for number, (side, job) in enumerate(_plan_jobs(folders, head, design))
        ]
        processes = [(run, run.start()) for run in runs]
        for run in runs:
            print(f"{run.side.name}: fits {len(run.job.replicas)} of {design.replicas} replicas", flush=True)
        total = sum(len(run.job.replicas) for run in runs)
        with progress("fits", total) as advance, ThreadPoolExecutor(max(1, len(runs))) as threads:
            futures = [threads.submit(run.follow, process, advance) for run, process in processes]
        for (run, process), future in zip(processes, futures, strict=True):
            future.result()
            run.check(process)
        for run in runs:
            run.errors.close()


def _plan_jobs(folders: Mapping[Side, Path], head: Side, design: Design) -> Iterator[tuple[Side, Job]]:
    """Yield the jobs that make the missing replicas, spread over the cores."""
    missing: dict[Side, list[Replica]] = {}
    for folder, side in {folder: side for side, folder in reversed([*folders.items()])}.items():  # one recipe fits once
        replicas = design.replicas_of(side)
        if absent := [replica for replica in replicas if not (folder / replica.file).exists()]:
            # On the project's own holdout one process makes all of them, and sees whether the seed changes anything.
            missing[side] = absent if design.folds else replicas
    share = max(1, (os.cpu_count() or 1) // max(1, len(missing))) if design.folds else 1
    for side, replicas in missing.items():
        folders[side].mkdir(parents=True, exist_ok=True)
        has_own_table = side.table_digest == head.table_digest
        for first in range(min(share, len(replicas))):
            yield (
                side,
                Job(
                    contract=CONTRACT,
                    replicas=tuple(replicas[first::share]),
                    folds=design.folds,
                    table=None if has_own_table else str((head.folder / paths.TABLE).absolute()),
                    folder=str(folders[side].absolute()),
                    own_table=str((side.folder / paths.TABLE).absolute()),
                    split=design.split,
                    units=str(design.units.absolute()) if design.units else None,
                ),
            )


def _load(folder: Path, design: Design) -> Predictions:
    cells = [dict(np.load(folder / f"{number}.npz")) for number in range(design.replicas)]
    thresholds = np.array([cell["thresholds"].mean() for cell in cells])
    columns = dict(np.load(folder / ROWS))
    return Predictions(np.stack([cell["scores"] for cell in cells]), columns.pop("units"), columns, thresholds)
