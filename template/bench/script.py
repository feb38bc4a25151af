"""The job of the five stages as one plain script: the reference for `python -m template.bench`.

    python template/bench/script.py TABLE.csv TARGET --key KEY --positive CLASS [--suite SUITE.json] [--out FOLDER]

The target is binary. One process reads the table once and writes only the results. The script imports nothing from src
or plumbline. It uses the same libraries for the same checks, split, model, folds, baselines, metrics with intervals,
slices and package, and computes the same numbers. It has no params file, schema, features, model card, curves or error
messages.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
from hashlib import blake2b
from pathlib import Path

os.environ["GX_ANALYTICS_ENABLED"] = "False"

import great_expectations as gx
import numpy as np
import pandas as pd
import pyarrow.csv
import skops.io
from hatchling.builders.wheel import WheelBuilder
from scipy.stats import norm, t
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

np.seterr(invalid="ignore", divide="ignore")  # a draw or a slice may lack a class: its metrics are NaN
DRAWS, FOLDS, SEED, CHUNK = 1000, 5, 0, 4_000_000  # CHUNK: weights held at once
NUMBERS, WORDS = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
MODULE = """from importlib import resources
import skops.io
MODEL = skops.io.loads(resources.files(__package__).joinpath("model.skops").read_bytes(), trusted={trusted})
def predict(rows):
    return MODEL.predict_proba(rows)
"""
PYPROJECT = """build-system = {{requires = ["hatchling"], build-backend = "hatchling.build"}}
project = {{name = "{name}", version = "0.1.0", dependencies = ["pandas", "scikit-learn", "skops"]}}
"""


def check_expectations(frame: pd.DataFrame, suite: Path) -> None:
    """End the program when an expectation of the suite does not hold."""
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("table").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    expectations = json.loads(suite.read_text(encoding="utf-8"))["expectations"]
    result = batch.validate(gx.ExpectationSuite(name="suite", expectations=expectations))
    if not result.success:
        sys.exit(str(result))
    print(f"all {len(expectations)} expectations hold", flush=True)


def assign_holdout(keys: pd.Series, share: float = 0.2, salt: int = 0) -> np.ndarray:
    """Return which rows are in the holdout, as plumbline/data/split.py: BLAKE2b of the key, mixed by splitmix64."""
    digests = b"".join([blake2b(key.encode(), digest_size=8).digest() for key in keys.astype(str)])
    with np.errstate(over="ignore"):
        mixed = np.frombuffer(digests, "<u8") ^ (np.uint64(salt + 1) * np.uint64(0x9E3779B97F4A7C15))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) / float(1 << 53) < share


def build_boosting(frame: pd.DataFrame) -> Pipeline:
    """Return the default model of src/model.py."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    words = list(range(len(NUMBERS(frame)), frame.shape[1])) or None
    model = HistGradientBoostingClassifier(l2_regularization=5.0, random_state=SEED, categorical_features=words)
    return make_pipeline(make_column_transformer(("passthrough", NUMBERS), (codes, WORDS)), model)


def build_baseline(estimator: LogisticRegression | DummyClassifier) -> Pipeline:
    """Return a baseline with its preprocessing."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)
    return make_pipeline(make_column_transformer((numbers, NUMBERS), (levels, WORDS)), estimator)


class Metrics:
    """All metrics of some rows as a function of the rows' weights, shape (draws, rows)."""

    def __init__(self, truth: np.ndarray, score: np.ndarray) -> None:
        true, positive, sure = truth == 1, score >= 0.5, np.where(truth == 1, score, 1 - score)
        counts = [true & positive, ~true & positive, true & ~positive, ~true & ~positive]
        losses = [-np.log(np.clip(sure, np.finfo(float).eps, 1)), (score - truth) ** 2]
        self.sums = np.column_stack([*losses, *counts]).astype(float)
        self.order = np.argsort(-score)
        self.hits = true[self.order].astype(float)
        self.starts = np.flatnonzero(np.diff(score[self.order], prepend=np.inf))

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        loss, brier, tp, fp, fn, tn = (weights @ self.sums).T
        sorted_weights = weights[:, self.order]
        positive = np.add.reduceat(sorted_weights * self.hits, self.starts, axis=1)
        negative = np.add.reduceat(sorted_weights, self.starts, axis=1) - positive
        hits, misses = positive.cumsum(axis=1), negative.cumsum(axis=1)
        total = tp + fp + fn + tn
        recall = tp / (tp + fn)
        return {
            "log_loss": loss / total,
            "roc_auc": (positive * (misses[:, -1:] - misses + negative / 2)).sum(1) / ((tp + fn) * (tn + fp)),
            "average_precision": (np.nan_to_num(hits / (hits + misses)) * positive).sum(1) / (tp + fn),
            "brier_score": brier / total,
            "accuracy": (tp + tn) / total,
            "balanced_accuracy": (recall + tn / (tn + fp)) / 2,
            "precision": np.nan_to_num(tp / (tp + fp)),
            "recall": recall,
            "f1": 2 * tp / (2 * tp + fp + fn),
        }


def slice_rows(frame: pd.DataFrame, score: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Return the rows of each slice: levels of a column, or quarters of a column that the score follows."""
    numbers, words = frame.select_dtypes("number"), frame.select_dtypes(exclude="number")
    levels = [name for name in words if 2 <= words[name].nunique() <= 12]
    correlation = numbers.rank().corrwith(pd.Series(score, frame.index).rank()).abs().sort_values(ascending=False)
    slices: dict[str, np.ndarray] = {}
    for name in [*levels, *correlation.index][:count]:
        parts = frame[name] if name in levels else pd.qcut(frame[name], 4, duplicates="drop")
        indices = parts.reset_index(drop=True).groupby(parts.to_numpy(), observed=True, dropna=False).indices
        slices |= {f"{name}: {level}": rows for level, rows in indices.items()}
    return slices


def measure(parts: dict, rows: int) -> tuple[dict, dict]:
    """Return each part's metrics on the holdout and their 95 % intervals; all parts share one bootstrap."""
    random, step = np.random.default_rng(0), max(1, CHUNK // rows)
    chunks: dict[str, list[dict]] = {name: [] for name in parts}
    size = round((rows - 1) * (norm.ppf(0.975) / t.ppf(0.975, rows - 1)) ** 2)
    for start in range(0, DRAWS, step):
        count = min(step, DRAWS - start)
        counts = [np.bincount(random.integers(rows, size=size), minlength=rows) for _ in range(count)]
        weights = np.stack(counts).astype(float)
        for name, (where, values) in parts.items():
            chunks[name].append(values(weights[:, where]))
    unit_weights, metrics, intervals = np.ones((1, rows)), {}, {}
    for name, (where, values) in parts.items():
        metrics[name] = {k: v.item() for k, v in values(unit_weights[:, where]).items()}
        samples = {k: np.concatenate([chunk[k] for chunk in chunks[name]]) for k in metrics[name]}
        intervals[name] = {k: np.nanquantile(v, [0.025, 0.975]).tolist() for k, v in samples.items()}
    return metrics, intervals


def build_package(model: Pipeline, name: str, rows: pd.DataFrame, expected: np.ndarray, out: Path) -> None:
    """Build a wheel of the model, load it as a user would, and check that it repeats the predictions of these rows."""
    content = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=content)
    with tempfile.TemporaryDirectory() as folder:
        (module := Path(folder) / name).mkdir()
        (module / "model.skops").write_bytes(content)
        (module / "__init__.py").write_text(MODULE.format(trusted=trusted))
        (module.parent / "pyproject.toml").write_text(PYPROJECT.format(name=name))
        wheel = next(WheelBuilder(folder).build(directory=str(out.resolve()), versions=["standard"]))
    sys.path.insert(0, wheel)
    if not np.allclose(importlib.import_module(name).predict(rows), expected, rtol=1e-9, atol=1e-9):
        sys.exit("the package predicts something else than the model")


def parse_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser()
    for name in ("table", "target", "--key", "--positive", "--suite", "--out"):
        parser.add_argument(name)
    parser.add_argument("--slices", type=int, default=5, help="slices are made of so many columns; 0: none")
    return parser.parse_args()


def cross_validate(train: pd.DataFrame, target: np.ndarray) -> None:
    """Print the log loss of each fold."""
    for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(train, target):
        model = build_boosting(train).fit(train.iloc[fit], target[fit])
        print(f"log_loss of a fold: {log_loss(target[test], model.predict_proba(train.iloc[test])):.6g}", flush=True)


def main() -> None:
    """Do the whole job and write metrics.json, intervals.json, predictions.parquet and a wheel."""
    arguments = parse_arguments()
    (out := Path(arguments.out or "out")).mkdir(exist_ok=True)
    frame = pyarrow.csv.read_csv(arguments.table).to_pandas()
    if arguments.suite:
        check_expectations(frame, Path(arguments.suite))
    holdout = assign_holdout(frame[arguments.key])
    target = (frame[arguments.target] == arguments.positive).to_numpy().astype(int)
    inputs = frame.drop(columns=[arguments.key, arguments.target])
    train, rows, train_target, truth = inputs[~holdout], inputs[holdout], target[~holdout], target[holdout]
    cross_validate(train, train_target)
    baselines = {
        "linear": build_baseline(LogisticRegression(max_iter=1000)),
        "trivial": build_baseline(DummyClassifier()),
    }
    models = {"model": build_boosting(train), **baselines}
    proba = {name: model.fit(train, train_target).predict_proba(rows) for name, model in models.items()}
    score = proba["model"][:, 1]
    parts: dict = {name: (slice(None), Metrics(truth, values[:, 1])) for name, values in proba.items()}
    for name, where in slice_rows(rows, score, arguments.slices).items():
        parts[name] = where, Metrics(truth[where], score[where])
    metrics, intervals = measure(parts, len(rows))
    for name, content in {"metrics": metrics, "intervals": intervals}.items():
        (out / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    predictions = {"key": frame[arguments.key][holdout], "truth": truth, "probability": score}
    pd.DataFrame(predictions).to_parquet(out / "predictions.parquet", index=False)
    build_package(models["model"], "scripted", rows, proba["model"], out)
    print(metrics["model"])


if __name__ == "__main__":
    main()
