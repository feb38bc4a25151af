"""The tables of the calibration: scikit-learn's, simulated ones, and ones that are drawn for each comparison."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn import datasets

from plumbline.data.schema import TARGET, Column, Schema

SIGNAL, WITHIN = 0.35, 0.3  # of drawn tables: each column's weight, and the share of variance that groups have


@dataclass(frozen=True)
class Table:
    """A table for `fit`.

    Attributes
    ----------
    rows : frame
        Features and target.
    schema : Schema
        Of the rows.
    group : array, shape (rows,), optional
        The group of each row.
    holdout : array, shape (rows,), bool, optional
        The rows that no fit sees; None: out-of-fold predictions.
    """

    rows: pd.DataFrame
    schema: Schema
    group: np.ndarray | None = None
    holdout: np.ndarray | None = None

    @property
    def truth(self) -> np.ndarray:
        """The target, shape (rows,)."""
        return self.rows[TARGET].to_numpy()


def _make_table(x: np.ndarray, target: np.ndarray, task: str | None = None, **options: Any) -> Table:
    """A table of numbers; without a task, the target's values decide it."""
    classes = 0 if task == "regression" else len(np.unique(target))
    rows = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(**{TARGET: target})
    columns = (*(Column(f"x{i}", "number") for i in range(x.shape[1])), Column("y", "category", "target"))
    task = task or ("binary" if classes == 2 else "multiclass")
    return Table(rows, Schema(columns, len(rows), task, tuple(map(str, range(classes))), "1"), **options)


def load_table(name: str, size: int = 500, late: float = 0.0) -> Table:
    """Return one of scikit-learn's tables, or simulate one with an interaction.

    Parameters
    ----------
    name : str
        breast cancer, diabetes, wine, simulated classes or simulated numbers.
    size : int
        Rows of a simulated table.
    late : float
        The share of a simulated table, its last rows, that is the holdout.
    """
    if name.startswith("simulated"):
        holdout = np.arange(size) >= (1 - late) * size if late else None
        random = np.random.default_rng(5)
        x = random.normal(size=(size, 8))
        score = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + 0.5 * random.normal(size=size)
        if "numbers" in name:
            return _make_table(x, score, "regression", holdout=holdout)
        return _make_table(x, (score > 0.5).astype(int), holdout=holdout)
    loaders = {
        "breast cancer": datasets.load_breast_cancer,
        "diabetes": datasets.load_diabetes,
        "wine": datasets.load_wine,
    }
    x, target = loaders[name](return_X_y=True)
    return _make_table(x, target, "regression" if name == "diabetes" else None)


def draw_table(
    random: np.random.Generator,
    size: int,
    share: float = 0.5,
    groups: int = 0,
    numbers: bool = False,
    late: float = 0.0,
) -> Table:
    """Draw a table of twenty columns of equal quality.

    Parameters
    ----------
    random : numpy.random.Generator
        Random numbers.
    size : int
        Rows.
    share : float
        Of the positive class.
    groups : int
        How many groups of unequal size the rows belong to, with similar rows within each; 0: none.
    numbers : bool
        Whether the target is a number.
    late : float
        The share of the rows, the last, that is the holdout.
    """
    x, noise, group = random.normal(size=(size, 20)), random.normal(size=size), None
    if groups:
        group = np.arange(size) % groups
        group[groups:] = random.choice(groups, size - groups, p=random.dirichlet(np.full(groups, 2.0)))
        common = random.normal(size=(groups, 21))[group]
        x = np.sqrt(1 - WITHIN) * x + np.sqrt(WITHIN) * common[:, :20]
        noise = np.sqrt(1 - WITHIN) * noise + np.sqrt(WITHIN) * common[:, 20]
    score = SIGNAL * x.sum(axis=1) + noise
    holdout = np.arange(size) >= (1 - late) * size if late else None
    if numbers:
        return _make_table(x, score, "regression", group=group, holdout=holdout)
    threshold = norm.ppf(1 - share) * np.sqrt(20 * SIGNAL**2 + 1)
    return _make_table(x, (score > threshold).astype(int), group=group, holdout=holdout)


def sample_rows(table: Table, size: int) -> Table:
    """Return so many random rows of a table."""
    return Table(table.rows.sample(size, random_state=0).reset_index(drop=True), table.schema)
