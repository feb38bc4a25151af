"""Which cells a review needs, fitted side by side on the cores there are; what is there already costs nothing."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.contract import CONTRACT
from plumbline.process import PIPE, Process, start
from plumbline.progress import Advance, progress
from plumbline.review.sides import FOLDER, RECIPE, Failed, OtherContract, Side

WORKER = Path(__file__).with_name("worker.py")
OTHER = 3  # the exit code of a worker whose side has another contract
DONE = " is done"  # ends the line of a finished replica
MOST = 5000  # rows up to which cross-fitting is worth its fits


@dataclass(frozen=True)
class Design:
    """replicas: number, salt (common to both sides) and seed of each; folds: None for the project's own holdout."""

    folds: int | None
    replicas: int

    def pairs(self, side: Side) -> list[list[int]]:
        seed = side.params.get("model.seed", 0)
        if not isinstance(seed, int):
            raise Failed(side, f"has {seed!r} as model.seed, expected a whole number")
        return [[number, number, _seed(seed, number)] for number in range(self.replicas)]


@dataclass(frozen=True)
class Rows:
    """What is compared: positions in a side's table, and of each row its truth, weight and group."""

    at: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None
    group: np.ndarray | None

    def part(self, places: np.ndarray) -> "Rows":
        weight, group = (None if each is None else each[places] for each in (self.weight, self.group))
        return Rows(self.at[places], self.truth[places], weight, group)


@dataclass(frozen=True)
class Cells:
    """What a side says of head's rows: scores, shape (replicas, rows[, classes]), and the rows' names."""

    scores: np.ndarray
    units: np.ndarray
    beside: dict[str, np.ndarray]

    @property
    def predicted(self) -> np.ndarray:
        """True for rows that every replica predicts."""
        return ~np.isnan(self.scores.reshape(*self.scores.shape[:2], -1)).any(axis=(0, 2))

    def rows(self, kept: np.ndarray) -> Rows:
        beside = self.beside
        everywhere = Rows(np.arange(len(kept)), beside["target"], beside.get("weight"), beside.get("group"))
        return everywhere.part(np.flatnonzero(kept))


def _seed(seed: int, number: int) -> int:
    """The replica's own seed: another one only where the project's own is another one."""
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:4], "big")


def design(head: Side, replicas: int, folds: int) -> Design:
    """Cross-fitting for a small table; the project's own holdout for a large one or where time decides."""
    rows = pq.read_metadata(head.folder / paths.FEATURES).num_rows
    own = rows > MOST or head.params.get("split.cut") is not None
    return Design(None if own else folds, replicas)


def place(side: Side, head: Side, plan: Design) -> Path:
    """Where a side's cells lie: named after all that they depend on."""
    worker = hashlib.sha256(WORKER.read_bytes()).hexdigest()
    made_of = [side.recipe(*RECIPE), head.recipe("ingest", "featurize"), plan.folds, worker]
    return FOLDER / "cells" / hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Work:
    """What one process fits for a side, and what it prints when it fails."""

    side: Side
    job: dict[str, Any]
    errors: IO[str]

    def begin(self) -> Process:
        command = [self.side.python, str(WORKER.absolute())]
        process = start(command, cwd=self.side.folder, env=self.side.environment(), stdin=PIPE, stdout=PIPE,
                        stderr=self.errors)  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(self.job))
        process.stdin.close()
        return process

    def follow(self, process: Process, advance: Advance) -> None:
        """Until it ends; says each replica that is done."""
        for line in process.stdout or ():
            if line.rstrip().endswith(DONE):
                advance(note=self.side.name)
        process.wait()

    def check(self, process: Process) -> None:
        if process.returncode:
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines()[-1:] or ["no message"])[0].removeprefix("ERROR: ")
            if process.returncode == OTHER:
                raise OtherContract(self.side, f"cannot be asked: {last}")
            raise Failed(self.side, f"does not predict: {last}")


def fill(sides: dict[Side, Path], head: Side, plan: Design) -> None:
    """Fits what is missing, each side in processes of its own; a replica that is finished stays, whatever happens."""
    with tempfile.TemporaryDirectory() as folder:
        works = [Work(side, job, (Path(folder) / str(number)).open("w+", encoding="utf-8", errors="replace"))
                 for number, (side, job) in enumerate(_jobs(sides, head, plan))]  # fmt: skip
        running = [(work, work.begin()) for work in works]
        for work in works:
            print(f"{work.side.name}: fits {len(work.job['replicas'])} of {plan.replicas} replicas", flush=True)
        total = sum(len(work.job["replicas"]) for work in works)
        with progress("fits", total) as advance, ThreadPoolExecutor(max(1, len(works))) as threads:
            waited = [threads.submit(work.follow, process, advance) for work, process in running]
        for (work, process), one in zip(running, waited, strict=True):
            one.result()
            work.check(process)
        for work in works:
            work.errors.close()


def _jobs(sides: dict[Side, Path], head: Side, plan: Design) -> Iterator[tuple[Side, dict[str, Any]]]:
    waiting = {side: [pair for pair in plan.pairs(side) if not (out / f"{pair[0]}.npz").exists()] for side, out in
               sides.items()}  # fmt: skip
    waiting = {side: pairs if plan.folds else plan.pairs(side) for side, pairs in waiting.items() if pairs}
    # On the project's own holdout one process makes all of a side's, and sees whether its seed moves anything.
    share = max(1, (os.cpu_count() or 1) // max(1, len(waiting))) if plan.folds else 1
    for side, pairs in waiting.items():
        sides[side].mkdir(parents=True, exist_ok=True)
        same = side.recipe("ingest") == head.recipe("ingest")
        for first in range(min(share, len(pairs))):
            yield (
                side,
                {
                    "contract": CONTRACT,
                    "replicas": pairs[first::share],
                    "folds": plan.folds,
                    "table": None if same else str((head.folder / paths.TABLE).absolute()),
                    "out": str(sides[side].absolute()),
                },
            )


def read(out: Path, plan: Design) -> Cells:
    scores = [np.load(out / f"{number}.npz")["scores"] for number in range(plan.replicas)]
    beside = dict(np.load(out / "rows.npz"))
    return Cells(np.stack(scores), beside.pop("units"), beside)
