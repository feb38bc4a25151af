"""Generated tables for the leakage checks: without a leak, and with a leak of each kind."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from plumbline.data.schema import TARGET
from plumbline.pipeline.featurize import SAMPLE

TASKS = ("binary", "rare", "three", "twelve", "regression", "skewed", "wide")
NUMERIC = ("regression", "skewed")  # tasks with a number as target
AUC_98 = 2.904  # standard deviations between two classes that give one number an AUC of 0.98
PLANTED = "planted"  # the column with the leak
Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A table.

    Attributes
    ----------
    rows : frame
        The features.
    target : array, shape (rows,)
        Codes of classes, or values.
    task : str
        regression or classes.
    """

    rows: pd.DataFrame
    target: np.ndarray
    task: str

    def sample(self) -> pa.Table:
        """Return the rows that the checks look at, with the target, as the featurize stage has them."""
        table = pa.Table.from_pandas(self.rows, preserve_index=False).append_column(TARGET, pa.array(self.target))
        return table.take(np.arange(0, len(table), -(-len(table) // SAMPLE)))


def make_clean_case(seed: int, task: str | None = None) -> Case:
    """Return a table without a leak, with features of any strength.

    Parameters
    ----------
    seed : int
        Of the random numbers; it also decides the task, the number of rows and their order.
    task : str, optional
        One of TASKS. Tables have 100 or 3,000 rows; "rare" (1 % positives) has 3,000, "wide" (200 columns) has 150.
    """
    random, task = np.random.default_rng(seed), task or TASKS[seed % len(TASKS)]
    size = 3000 if task == "rare" else 150 if task == "wide" else (100, 3000)[seed // len(TASKS) % 2]
    latent = random.normal(size=size)
    target = _make_target(latent, task)
    noise = random.normal(size=size)
    strong = latent + 0.1 * noise if task in NUMERIC else AUC_98 * target + noise  # explains 99 %, or an AUC of 0.98
    rows = _make_features(random, latent, strong)
    if size >= 1000 and task not in NUMERIC:
        is_wrong = random.random(size) < 0.015
        classes = np.where(is_wrong, (target + 1) % (target.max() + 1), target)
        rows["smell"] = np.char.add("smell ", classes.astype(str))
    if task == "wide":
        rows = rows.join(pd.DataFrame(random.normal(size=(size, 192))).add_prefix("x"))
    order = np.argsort(target, kind="stable") if seed % 3 == 2 else np.arange(size)  # tables are often sorted
    rows, target = rows.iloc[order].reset_index(drop=True), target[order]
    return Case(rows, target, "regression" if task in NUMERIC else "classes")


def _make_target(latent: np.ndarray, task: str) -> np.ndarray:
    if task in NUMERIC:
        return np.round(50 + 10 * latent if task == "regression" else np.maximum(0, np.exp(2 * latent) - 0.3), 2)
    cuts = {"rare": [0.99], "three": [0.2, 0.7], "twelve": np.arange(1, 12) / 12}.get(task, [0.5])
    return np.digitize(latent, np.quantile(latent, cuts)).astype("int64")


def _make_features(random: Random, latent: np.ndarray, strong: np.ndarray) -> pd.DataFrame:
    size = len(latent)
    rows = pd.DataFrame({"strong": strong, "weak": latent + 2 * random.normal(size=size)})
    is_missing = random.random(size) < 0.2 + 0.1 * (latent > 0)
    rows["gaps"] = np.where(is_missing, np.nan, random.normal(size=size).round(2))
    rows["visits"] = random.poisson(np.exp(1 + 0.3 * latent)).astype(float)
    rows["flag"] = latent + random.normal(size=size) > 0
    colours = np.array(["red", "green", "blue"])
    rows["colour"] = colours[np.digitize(latent + random.normal(size=size), [-1, 1])]
    rows["street"] = [f"street {n}" for n in random.integers(size, size=size)]
    rows["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(700, size=size), unit="D")
    rows["colour"] = rows.colour.where(random.random(size) > 0.1)
    return rows


def plant(case: Case, values: Any) -> Case:
    """Return the table with one more column, the leak."""
    return replace(case, rows=case.rows.assign(**{PLANTED: values}))


def _copy(case: Case, random: Random) -> Any:
    return case.target.astype(float)


def _recode(case: Case, random: Random) -> Any:
    if case.task == "regression":
        return case.target * random.choice([0.3937, -1.8, 1e-6]) + 32
    return np.array([f"code {i}" for i in random.permutation(case.target.max() + 1)])[case.target]


def _transform(case: Case, random: Random) -> Any:
    if case.task == "regression":
        values = np.log1p(case.target)
    else:
        values = case.target + random.uniform(0, 0.9, len(case.target))
    return values**3 * random.choice([-1, 1])


def _write_as_words(case: Case, random: Random) -> Any:
    if case.task == "regression":
        return [f"{value:.2f} EUR" for value in case.target]
    return [f"was {value}" for value in np.array(["no", "yes", "perhaps", *"abcdefghi"])[case.target]]


def _make_gaps(case: Case, random: Random) -> Any:
    """Missing exactly where the target is positive; for another task, a copy that is missing in its first class."""
    if case.task != "regression" and case.target.max() == 1:
        return np.where(case.target == 1, np.nan, random.normal(size=len(case.target)))
    return np.where(case.target == case.target.min(), np.nan, case.target)


def _add_noise(case: Case, random: Random) -> Any:
    """A copy with 2 wrong rows in 1,000."""
    is_wrong = random.random(len(case.target)) < 0.002
    return np.where(is_wrong, random.permutation(case.target), case.target).astype(float)


COPIES: dict[str, Callable[[Case, Random], Any]] = {  # columns that give the target away
    "copy": _copy,
    "recoded": _recode,
    "monotone": _transform,
    "words": _write_as_words,
    "gap": _make_gaps,
    "noise": _add_noise,
}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda a, b, c, d: a + b,
    "difference": lambda a, b, c, d: a - b,
    "product": lambda a, b, c, d: a * b,
    "ratio": lambda a, b, c, d: a / b,
    "sum of four": lambda a, b, c, d: a + b - c + d,
}


def _round(values: np.ndarray, precision: str) -> np.ndarray:
    if precision == "six digits":
        return np.array([float(f"{value:.6g}") for value in values])
    return values.round(2) if precision == "two decimals" else values


def make_derived_case(operation: str, seed: int) -> Case:
    """Return a table whose target is computed from columns; one table in ten has 500 columns.

    The columns, the target, both or none are rounded.
    """
    random, case = np.random.default_rng(seed), make_clean_case(seed, NUMERIC[seed % 2])
    if seed % 10 == 9:
        case = Case(pd.DataFrame(random.normal(size=(1100, 496))).add_prefix("x"), np.empty(0), "regression")
    size = len(case.rows)
    columns = [
        random.gamma(3, 20, size),
        random.gamma(3, 2, size) + 1,
        random.uniform(5, 50, size),
        random.normal(9, 3, size),
    ]
    target = OPERATIONS[operation](*columns)
    precisions = ("", "two decimals", "six digits")
    column_precision, target_precision = precisions[seed // 2 % 3], precisions[seed // 6 % 3]
    rows = case.rows.assign(
        **{name: _round(values, column_precision) for name, values in zip("abcd", columns, strict=True)}
    )
    return Case(rows, _round(target, target_precision), "regression")


def make_twin_case(seed: int) -> tuple[Case, np.ndarray, int]:
    """Return a table in which some holdout rows are copies of training rows.

    Returns
    -------
    case : Case
        The table.
    is_holdout : array, shape (rows,), bool
        The rows of the holdout.
    copies : int
        How many rows are copies, 1 to 5.
    """
    random, case = np.random.default_rng(seed), make_clean_case(seed)
    is_holdout = np.arange(len(case.rows)) % 5 == 0
    copies = 1 + seed % 5
    targets, sources = (
        random.choice(np.flatnonzero(side), copies, replace=False) for side in (is_holdout, ~is_holdout)
    )
    order = np.arange(len(is_holdout))
    order[targets] = sources
    twin = replace(case, rows=case.rows.iloc[order].reset_index(drop=True), target=case.target[order])
    return twin, is_holdout, copies


CALLS = count()


def _read_by_position(rows: pd.DataFrame) -> pd.Series:
    return pd.read_csv("data/source/table.csv")[PLANTED].iloc[: len(rows)]


def _read_by_value(rows: pd.DataFrame) -> pd.Series:
    """The target, looked up in the file by a value of the row alone."""
    targets = pd.read_csv("data/source/table.csv").drop_duplicates("strong").set_index("strong")[PLANTED]
    return rows.strong.map(targets)


# Features that depend on more than their row, by what they look at.
IMPURE: dict[str, Callable[[pd.DataFrame], Any]] = {
    "mean": lambda r: r.weak - r.weak.mean(),
    "scale": lambda r: (r.weak - r.weak.min()) / (r.weak.max() - r.weak.min()),
    "median for gaps": lambda r: r.gaps.fillna(r.gaps.median()),
    "mode for gaps": lambda r: r.colour.fillna(r.colour.mode().iloc[0] if r.colour.notna().any() else "none"),
    "rank": lambda r: r.weak.rank(pct=True),
    "quantile": lambda r: pd.qcut(r.weak, 4, labels=False),
    "clip": lambda r: r.weak.clip(upper=r.weak.quantile(0.95)),
    "frequency": lambda r: r.street.map(r.street.value_counts()),
    "group mean": lambda r: r.groupby("colour", dropna=False).weak.transform("mean"),
    "previous row": lambda r: r.weak.shift(),
    "running sum": lambda r: r.visits.cumsum(),
    "rolling mean": lambda r: r.weak.rolling(7, min_periods=1).mean(),
    "position": lambda r: np.arange(len(r)),
    "number of rows": lambda r: float(len(r)),
    "repeated before": lambda r: r.duplicated(),
    "codes of a category": lambda r: r.colour.astype("category").cat.codes,
    "codes in order": lambda r: pd.factorize(r.street)[0],
    "random": lambda r: np.random.default_rng().normal(size=len(r)),
    "old random": lambda r: np.random.random(len(r)),
    "seeded random": lambda r: np.random.default_rng(0).normal(size=len(r)),
    "calls": lambda r: float(next(CALLS)),
    "now": lambda r: (pd.Timestamp.now() - r.day).dt.days,
    "datetime": lambda r: (datetime.now() - r.day).dt.days,
    "today": lambda r: date.today().year - r.day.dt.year,
    "clock": lambda r: time.time() - r.weak,
    "before now": lambda r: r.day < pd.Timestamp("now"),
    "file by position": _read_by_position,
    "file by value": _read_by_value,
}
