"""What template/calibrate.py compares: tables, recipes on them, and what is done to rows, labels and predictions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory  # type: ignore[import-untyped]
from scipy.stats import norm
from sklearn import datasets
from sklearn.pipeline import Pipeline

from plumbline.columns import default
from plumbline.contract import Rows
from plumbline.data.schema import TARGET, Column, Schema
from plumbline.review.worker import predict_unseen
from plumbline.training.recipe import fit

KEPT = Path(".review/calibration")  # what recipes predicted, so that another rule is judged without a fit
REPLICAS, FOLDS = 5, 5
SEEDS, REPEATS, DRAWS, FRESH, CORRUPTED, WRONG = 100, 20, 5, 120, 0.03, 0.1
SIGNAL, WITHIN = 0.35, 0.3  # of fresh tables: each column's weight, and the share of variance that groups have
FOREST = "sklearn.ensemble.RandomForest"
BOOSTING = "sklearn.ensemble.HistGradientBoosting"
LINEAR = {"classification": "sklearn.linear_model.LogisticRegression", "regression": "sklearn.linear_model.Ridge"}
ESTIMATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "forest": (FOREST, {"n_estimators": 20}),
    "boosting, a third of the columns": (BOOSTING, {"max_iter": 20, "max_features": 0.3, "l2_regularization": 5.0}),
    "extra trees": ("sklearn.ensemble.ExtraTrees", {"n_estimators": 20}),
}
Harm = Callable[[pd.DataFrame, int], pd.DataFrame]


@dataclass(frozen=True)
class Table:
    """Rows for `fit`; group: of each row, or None; holdout: rows that no fit sees, or None for folds."""

    rows: pd.DataFrame
    schema: Schema
    group: np.ndarray | None = None
    holdout: np.ndarray | None = None

    @property
    def truth(self) -> np.ndarray:
        return self.rows[TARGET].to_numpy()


@dataclass(frozen=True)
class Pair:
    """Two sides' out-of-fold scores of a table, shape (replicas, rows[, classes])."""

    table: Table
    base: np.ndarray
    head: np.ndarray


def named(x: np.ndarray, target: np.ndarray, task: str | None = None, **beside: Any) -> Table:
    """A table of numbers; its task is told by the target's values unless it is given."""
    classes = 0 if task == "regression" else len(np.unique(target))
    rows = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(**{TARGET: target})
    columns = (*(Column(f"x{i}", "number") for i in range(x.shape[1])), Column("y", "category", "target"))
    task = task or ("binary" if classes == 2 else "multiclass")
    return Table(rows, Schema(columns, len(rows), task, tuple(map(str, range(classes))), "1"), **beside)


def table(name: str, size: int = 500, late: float = 0.0) -> Table:
    """One of scikit-learn's, or simulated with an interaction; late: the last rows are the holdout."""
    holdout = np.arange(size) >= (1 - late) * size if late else None
    if name.startswith("simulated"):
        random = np.random.default_rng(5)
        x = random.normal(size=(size, 8))
        score = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + 0.5 * random.normal(size=size)
        if "numbers" in name:
            return named(x, score, "regression", holdout=holdout)
        return named(x, (score > 0.5).astype(int), holdout=holdout)
    load = {"breast cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes,
            "wine": datasets.load_wine}[name]  # fmt: skip
    x, target = load(return_X_y=True)
    return named(x, target, "regression" if name == "diabetes" else None)


def fresh(random: np.random.Generator, size: int, share: float = 0.5, groups: int = 0, numbers: bool = False,
          late: float = 0.0) -> Table:  # fmt: skip
    """Twenty columns of equal worth; share: of the class that is looked for; groups: unequal, alike within."""
    x, noise, code = random.normal(size=(size, 20)), random.normal(size=size), None
    if groups:
        code = np.arange(size) % groups
        code[groups:] = random.choice(groups, size - groups, p=random.dirichlet(np.full(groups, 2.0)))
        common = random.normal(size=(groups, 21))[code]
        x = np.sqrt(1 - WITHIN) * x + np.sqrt(WITHIN) * common[:, :20]
        noise = np.sqrt(1 - WITHIN) * noise + np.sqrt(WITHIN) * common[:, 20]
    score = SIGNAL * x.sum(axis=1) + noise
    holdout = np.arange(size) >= (1 - late) * size if late else None
    if numbers:
        return named(x, score, "regression", group=code, holdout=holdout)
    above = norm.ppf(1 - share) * np.sqrt(20 * SIGNAL**2 + 1)
    return named(x, (score > above).astype(int), group=code, holdout=holdout)


def bare(types: dict[str, str], estimator: Any) -> Pipeline:
    """Of columns that need no preparation: the estimator alone takes a third of the time."""
    return Pipeline([("estimator", estimator)])


def recipe(of: Table, estimator: str, arguments: dict[str, Any], seed: int, salts: range, harm: Harm | None = None,
           known: int | None = None, only: range | None = None) -> np.ndarray:  # fmt: skip
    """Out-of-fold scores, shape (replicas, rows[, classes]).

    harm: what happens to the training rows, by the seed; known: how many rows, the first, are learned from; only: of
    these columns.
    """
    kind = "Regressor" if of.schema.task == "regression" else "Classifier"
    full = estimator if "linear_model" in estimator else estimator + kind
    p = SimpleNamespace(estimator=full, arguments=arguments, threshold=0.5)
    drawn = np.random.default_rng(1).integers(0, 2**63, len(of.rows)).astype(np.uint64)
    units = drawn if of.group is None else drawn[of.group]
    rows, made = of.rows, []
    if only is not None:
        rows = rows[[*(f"x{i}" for i in only), TARGET]]
    learned = np.ones(len(rows), bool) if of.holdout is None else ~of.holdout
    for number, salt in enumerate(salts):
        build = default if only is None else bare
        making = partial(fit, schema=of.schema, params=p, seed=seed * 1000 + number, build=build)

        def harmed(train: pd.DataFrame, making: Any = making, number: int = number) -> dict[str, Any]:
            return making(harm(train, seed * 1000 + number) if harm else train)

        own = Rows(rows[:known], units[:known], learned[:known])
        folds = FOLDS if of.holdout is None else None
        made.append(predict_unseen(harmed, own, Rows(rows, units, learned), folds, salt))
    return np.stack(made)


kept: Callable[..., np.ndarray] = Memory(KEPT, verbose=0).cache(recipe)


def half(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return rows.sample(frac=0.5, random_state=seed % 2**32)


def flipped(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    wrong = random.random(len(rows)) < WRONG
    return rows.assign(**{TARGET: np.where(wrong, 1 - rows[TARGET], rows[TARGET])})


def salts(repeat: int) -> range:
    return range(REPLICAS * repeat, REPLICAS * (repeat + 1))


def seeds(of: Table, estimator: str, only: range | None = None) -> Iterator[Pair]:
    """Only the seed changed: SEEDS recipes in a ring, the product's own salts."""
    made = [kept(of, *ESTIMATORS[estimator], seed, range(REPLICAS), only=only) for seed in range(SEEDS)]
    yield from (Pair(of, made[i], made[(i + 1) % SEEDS]) for i in range(SEEDS))


def changed(of: Table, estimator: str, before: dict, after: dict, harm: Harm | None = None) -> Iterator[Pair]:
    """Another recipe: REPEATS draws of salts, each with a seed of its own that both sides have."""
    for repeat in range(REPEATS):
        base = kept(of, estimator, before, repeat, salts(repeat))
        yield Pair(of, base, kept(of, estimator, after, repeat, salts(repeat), harm))


def corrupted(of: Table, estimator: str, arguments: dict, repeats: int = REPEATS) -> Iterator[Pair]:
    """A share of head's predictions turned round, DRAWS times for each draw of salts."""
    for repeat in range(repeats):
        base = kept(of, estimator, arguments, repeat, salts(repeat))
        for draw in range(DRAWS):
            bad = np.random.default_rng(draw + 100 * repeat).permutation(len(of.rows))
            head = base.copy()
            bad = bad[: round(CORRUPTED * len(bad))]
            head[:, bad] = head[:, bad][:, :, ::-1]
            yield Pair(of, base, head)


def sample(of: Table, size: int) -> Table:
    return Table(of.rows.sample(size, random_state=0).reset_index(drop=True), of.schema)


def appended(of: Table, estimator: str, arguments: dict, known: float, wrong: bool) -> Iterator[Pair]:
    """Head learns from all rows, base from a share of them; of the others WRONG have wrong labels, if so."""
    for repeat in range(REPEATS):
        rows = of.rows.sample(frac=1, random_state=repeat).reset_index(drop=True)
        first = round(known * len(rows))
        if wrong:
            rows = pd.concat([rows[:first], flipped(rows[first:], repeat)])
        larger = Table(rows, of.schema)
        base = kept(larger, estimator, arguments, repeat, salts(repeat), known=first)
        yield Pair(larger, base, kept(larger, estimator, arguments, repeat, salts(repeat)))


def equal(estimator: str, arguments: dict, size: int, **given: Any) -> Iterator[Pair]:
    """Two pipelines of equal worth, each with ten columns of its own, on FRESH tables."""
    for repeat in range(FRESH):
        of = fresh(np.random.default_rng(repeat), size, **given)
        replicas = range(1) if of.holdout is not None and "linear_model" in estimator else range(REPLICAS)
        base, head = (kept(of, estimator, arguments, repeat, replicas, only=range(i, i + 10)) for i in (0, 10))
        yield Pair(of, base, head)


def model(of: Table, estimator: str, seed: int) -> dict[str, Any]:
    p = SimpleNamespace(estimator=estimator, arguments={}, threshold=0.5)
    return fit(of.rows, of.schema, p, seed, bare)
