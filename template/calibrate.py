"""How often is the verdict right? Result: template/calibration.md.

    python -m template.calibrate [NAME ...]    measure these cells (default: all that are not there yet)

By the product's own functions: `unseen` of src/review/worker.py makes the cells, src/review/verdict.py the words, with
the settings that params.yaml has by default. A cell is a table, an estimator and a change; its rows are comparisons
that differ in seeds or in salts. Beside them the rules that people use, on one holdout of a fifth of the rows.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta
from sklearn import datasets

from src import names
from src.learning.metrics import AUTO, Outcome, draws, lower_is_better, measure, prepare
from src.learning.slices import holm
from src.predictor.schema import Column, Schema
from src.recipe import fit
from src.review.decide import gate_metric, trivial
from src.review.verdict import compare, margin, measured
from src.review.worker import unseen
from src.table.split import position

KEPT, PAGE = Path(__file__).with_name("calibration.json"), Path(__file__).with_name("calibration.md")
REPLICAS, FOLDS, ALPHA, GAP, LOSS = 5, 5, 0.05, 0.05, 0.1
SEEDS, REPEATS, CORRUPTED = 100, 20, 0.03
FOREST = "sklearn.ensemble.RandomForest"
BOOSTING = "sklearn.ensemble.HistGradientBoosting"
ESTIMATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "forest": (FOREST, {"n_estimators": 20}),
    "boosting, a third of the columns": (BOOSTING, {"max_iter": 20, "max_features": 0.3, "l2_regularization": 5.0}),
    "extra trees": ("sklearn.ensemble.ExtraTrees", {"n_estimators": 20}),
}
LINEAR = {"classification": "sklearn.linear_model.LogisticRegression", "regression": "sklearn.linear_model.Ridge"}


def table(name: str) -> tuple[pd.DataFrame, Schema]:
    """Rows for `fit`, and their schema."""
    if name.startswith("simulated"):
        random = np.random.default_rng(5)
        x = random.normal(size=(1000, 8))
        score = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + 0.5 * random.normal(size=1000)
        target: Any = score if "numbers" in name else (score > 0.5).astype(int)
    else:
        load = {"breast cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes,
                "wine": datasets.load_wine, "digits": datasets.load_digits}[name]  # fmt: skip
        x, target = load(return_X_y=True)
    classes = len(np.unique(target))
    task = "regression" if name in ("diabetes", "simulated numbers") else "binary" if classes == 2 else "multiclass"
    rows = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(**{names.TARGET: target})
    columns = (*(Column(f"x{i}", "number") for i in range(x.shape[1])), Column("y", "category", "target"))
    return rows, Schema(columns, len(rows), task, tuple(map(str, range(classes))) if task != "regression" else (), "1")


def recipe(rows: pd.DataFrame, schema: Schema, estimator: str, arguments: dict, seed: int, salts: range,
           harm: Callable[[pd.DataFrame, int], pd.DataFrame] | None = None) -> np.ndarray:  # fmt: skip
    """Out-of-fold scores, shape (replicas, rows[, classes]); harm: what happens to the training rows, by the seed."""
    kind = "Regressor" if schema.task == "regression" else "Classifier"
    full = estimator if "linear_model" in estimator else estimator + kind
    p = SimpleNamespace(estimator=full, arguments=arguments, threshold=0.5)
    named = np.random.default_rng(1).integers(0, 2**63, len(rows)).astype(np.uint64)
    made = []
    for number, salt in enumerate(salts):
        making = partial(fit, schema=schema, params=p, seed=seed * 1000 + number)

        def harmed(train: pd.DataFrame, making=making, number=number) -> dict[str, Any]:
            return making(harm(train, seed * 1000 + number) if harm else train)

        made.append(unseen(harmed, rows, named, np.ones(len(rows), bool), rows, named, FOLDS, salt))
    return np.stack(made)


def word(schema: Schema, truth: np.ndarray, base: np.ndarray, head: np.ndarray) -> dict[str, Any]:
    """The verdict's word and p value, and what the usual rules say."""
    metric = gate_metric("auto", schema.task)
    theirs, ours = measured(metric, truth, base), measured(metric, truth, head)
    matters = margin(float(theirs.values.mean()), float(trivial(metric, truth, None).values[0]), GAP, LOSS)
    found = compare(theirs, ours, matters, ALPHA)
    return {"word": found.word, "worse": found.worse} | usual(schema, truth, base[0], head[0])


def usual(schema: Schema, truth: np.ndarray, base: np.ndarray, head: np.ndarray) -> dict[str, bool]:
    """On one holdout: a metric fell; the first fell by 1 %; paired bootstrap of all metrics with Holm."""
    part = np.flatnonzero(position(np.arange(len(truth), dtype=np.uint64), 77) < 0.2)
    prepared = {}
    for name, scores in (("base", base), ("head", head)):
        decided = scores[part] if schema.task == "regression" else scores[part].argmax(axis=1)
        outcome = Outcome(schema.task, truth[part], scores[part], decided, 1, schema.classes)
        prepared[name] = (None, prepare(AUTO[schema.task], outcome))
    once = measure(prepared, [np.ones((1, len(part)))])
    many = measure(prepared, draws(len(part), 500, None, None))
    signs = {name: -1 if lower_is_better(name) else 1 for name in AUTO[schema.task]}
    gains = {name: sign * float((once["head"][name] - once["base"][name])[0]) for name, sign in signs.items()}
    first = AUTO[schema.task][0]
    below = [float(np.nanmean(signs[m] * (many["head"][m] - many["base"][m]) >= 0)) for m in signs]
    return {
        "fell": any(gain < -1e-12 for gain in gains.values()),
        "by 1 %": gains[first] < -0.01 * abs(float(once["base"][first][0])),
        "bootstrap": min(holm([p if gains[m] < 0 else 1.0 for p, m in zip(below, signs, strict=True)])) < ALPHA,
    }


def half(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return rows.sample(frac=0.5, random_state=seed % 2**32)


def flipped(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    wrong = random.random(len(rows)) < 0.1
    return rows.assign(**{names.TARGET: np.where(wrong, 1 - rows[names.TARGET], rows[names.TARGET])})


def seeds(name: str, estimator: str) -> list[dict[str, Any]]:
    """Only the seed changed: SEEDS recipes in a ring, the product's own salts."""
    rows, schema = table(name)
    full, arguments = ESTIMATORS[estimator]
    made = [recipe(rows, schema, full, arguments, seed, range(REPLICAS)) for seed in range(SEEDS)]
    truth = rows[names.TARGET].to_numpy()
    return [word(schema, truth, made[i], made[(i + 1) % SEEDS]) for i in range(SEEDS)]


def changed(name: str, estimator: str, before: dict, after: dict, harm: Any = None) -> list[dict[str, Any]]:
    """Another recipe: REPEATS draws of salts, each with a seed of its own that both sides have."""
    rows, schema = table(name)
    truth, found = rows[names.TARGET].to_numpy(), []
    for repeat in range(REPEATS):
        salts = range(REPLICAS * repeat, REPLICAS * (repeat + 1))
        base = recipe(rows, schema, estimator, before, repeat, salts)
        found.append(word(schema, truth, base, recipe(rows, schema, estimator, after, repeat, salts, harm)))
    return found


def corrupted(name: str, estimator: str, arguments: dict, size: int | None = None) -> list[dict[str, Any]]:
    """A share of head's predictions turned round, five draws for each of REPEATS salts."""
    rows, schema = table(name)
    rows = rows.sample(size, random_state=0).reset_index(drop=True) if size else rows
    truth, found = rows[names.TARGET].to_numpy(), []
    for repeat in range(REPEATS):
        base = recipe(rows, schema, estimator, arguments, repeat, range(REPLICAS * repeat, REPLICAS * (repeat + 1)))
        for draw in range(5):
            bad = np.random.default_rng(draw + 100 * repeat).permutation(len(rows))[: round(CORRUPTED * len(rows))]
            head = base.copy()
            head[:, bad] = head[:, bad][:, :, ::-1]
            found.append(word(schema, truth, base, head))
    return found


def cells() -> Iterator[tuple[str, str, Callable[[], list[dict[str, Any]]]]]:
    """What is expected, the cell's name, and how it is measured."""
    sample, boosted = "breast cancer", {"max_iter": 100, "l2_regularization": 5.0}
    linear = {"max_iter": 1000}
    for label, estimator, before, after in (
        ("max_bins 254", BOOSTING, boosted, boosted | {"max_bins": 254}),
        ("l2 + 1e-6", BOOSTING, boosted, boosted | {"l2_regularization": 5.000001}),
        ("C 0.9", LINEAR["classification"], linear, linear | {"C": 0.9}),
    ):
        yield "harmless", f"harmless: {label}", partial(changed, sample, estimator, before, after)
    yield "harm 95", "harm: 3 % corrupted predictions", partial(corrupted, sample, BOOSTING, boosted)
    yield "shown", "harm: 3 % corrupted predictions, 171 rows", partial(corrupted, sample, BOOSTING, boosted, 171)
    yield "harm 75", "harm: half the training rows", partial(changed, sample, BOOSTING, boosted, boosted, half)
    yield "harm 99", "harm: 10 % labels flipped", partial(changed, sample, BOOSTING, boosted, boosted, flipped)
    for name in ("breast cancer", "wine", "diabetes", "simulated classes", "simulated numbers"):
        for estimator in ESTIMATORS:
            yield "seed", f"seed: {name}, {estimator}", partial(seeds, name, estimator)


def measured_cell(name: str) -> tuple[str, list[dict[str, Any]]]:
    return name, next(how for _, label, how in cells() if label == name)()


HEAD = ["cell", "n", "worse (95 % interval)", "better", "same", "cannot tell", "a metric fell", "first fell by 1 %",
        "bootstrap, Holm"]  # fmt: skip


def page(kept: dict[str, Any]) -> str:
    lines = [
        "# How often is the verdict right?\n",
        "Made by `python -m template.calibrate`, which says how; numbers are % of comparisons.\n",
        f"| {' | '.join(HEAD)} |",
        "|" + "---|" * len(HEAD),
    ]
    for _, name, _ in cells():
        if name in kept:
            lines.append(f"| {' | '.join([name, *_shares(kept[name]['rows'])])} |")
    made = sorted({found["commit"] for found in kept.values()})
    return "\n".join([*lines, f"\nMeasured at {', '.join(made)}."]) + "\n"


def _shares(found: list[dict[str, Any]]) -> list[str]:
    n, worse = len(found), sum(row["word"] == "worse" for row in found)
    low = beta.ppf(0.025, worse, n - worse + 1) if worse else 0.0
    high = beta.ppf(0.975, worse + 1, n - worse) if worse < n else 1.0
    words = [sum(row["word"] == word for row in found) for word in ("better", "same", "cannot tell")]
    rules = [sum(row[rule] for row in found) for rule in ("fell", "by 1 %", "bootstrap")]
    shares = [f"{100 * count / n:.0f}" for count in (*words, *rules)]
    return [str(n), f"{100 * worse / n:.0f} ({100 * low:.1f} to {100 * high:.1f})", *shares]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the verdict's error rates")
    parser.add_argument("names", nargs="*", help="beginnings of cells' names")
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    commit = subprocess.run(["git", "describe", "--always"], capture_output=True, encoding="utf-8", check=True).stdout
    waiting = [name for _, name, _ in cells() if name not in kept or name.startswith(tuple(given.names) or ("\0",))]
    waiting = [name for name in waiting if not given.names or name.startswith(tuple(given.names))]
    with Pool() as pool:
        for number, (name, rows) in enumerate(pool.imap_unordered(measured_cell, waiting), 1):
            kept[name] = {"rows": rows, "commit": commit.strip()}
            KEPT.write_text(json.dumps(kept, ensure_ascii=False) + "\n", encoding="utf-8")
            PAGE.write_text(page(kept), encoding="utf-8")
            print(f"{number}/{len(waiting)}: {name}", file=sys.stderr, flush=True)
    print(page(kept))


if __name__ == "__main__":
    main()
