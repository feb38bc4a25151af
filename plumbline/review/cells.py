"""Which cells a review needs, fitted side by side on the cores there are; what is there already costs nothing."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.contract import CONTRACT
from plumbline.review.sides import FOLDER, RECIPE, Failed, Side

WORKER = Path(__file__).with_name("worker.py")
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


def fill(sides: dict[Side, Path], head: Side, plan: Design) -> None:
    """Fits what is missing, each side in processes of its own; a replica that is finished stays, whatever happens."""
    waiting = {side: [pair for pair in plan.pairs(side) if not (out / f"{pair[0]}.npz").exists()] for side, out in
               sides.items()}  # fmt: skip
    waiting = {side: pairs if plan.folds else plan.pairs(side) for side, pairs in waiting.items() if pairs}
    # On the project's own holdout one process makes all of a side's, and sees whether its seed moves anything.
    share = max(1, (os.cpu_count() or 1) // max(1, len(waiting))) if plan.folds else 1
    running = []
    for side, pairs in waiting.items():
        sides[side].mkdir(parents=True, exist_ok=True)
        same = side.recipe("ingest") == head.recipe("ingest")
        for start in range(min(share, len(pairs))):
            job: dict[str, Any] = {
                "contract": CONTRACT,
                "replicas": pairs[start::share],
                "folds": plan.folds,
                "table": None if same else str((head.folder / paths.TABLE).absolute()),
                "out": str(sides[side].absolute()),
            }
            process = subprocess.Popen([side.python, str(WORKER.absolute())], cwd=side.folder, env=side.environment(),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       encoding="utf-8")  # fmt: skip
            running.append((side, process, job))
    for side, process, job in running:
        assert process.stdin is not None
        process.stdin.write(json.dumps(job))
        process.stdin.close()
        process.stdin = None
        print(f"{side.name}: fits {len(job['replicas'])} of {plan.replicas} replicas", flush=True)
    failed = [(side, process.communicate()[1]) for side, process, _ in running]
    for (side, process, _), (_, error) in zip(running, failed, strict=True):
        if process.returncode:
            last = error.strip().splitlines()[-1:] or ["no message"]
            raise Failed(side, f"does not predict: {last[0].removeprefix('ERROR: ')}")


def read(out: Path, plan: Design) -> Cells:
    scores = [np.load(out / f"{number}.npz")["scores"] for number in range(plan.replicas)]
    beside = dict(np.load(out / "rows.npz"))
    return Cells(np.stack(scores), beside.pop("units"), beside)
