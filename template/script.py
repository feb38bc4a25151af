"""The job of the five stages as one plain script: what python -m template.bench measures the pipeline against.

    python template/script.py TABLE.csv TARGET --key KEY --positive CLASS [--suite SUITE.json] [--out FOLDER]

A binary target, one process, the table read once, no file but the results. It imports nothing of src, uses the same
libraries for the same checks, split, model, folds, baselines, metrics with intervals, slices and package, and gets
the same numbers. It has no params file, no schema, no features, no card, no curves and no message for bad input.
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


def expect(frame: pd.DataFrame, suite: Path) -> None:
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("table").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    listed = json.loads(suite.read_text(encoding="utf-8"))["expectations"]
    result = batch.validate(gx.ExpectationSuite(name="suite", expectations=listed))
    if not result.success:
        sys.exit(str(result))
    print(f"all {len(listed)} expectations hold", flush=True)


def held_out(keys: pd.Series, share: float = 0.2, salt: int = 0) -> np.ndarray:
    """The rule of plumbline/data/split.py: BLAKE2b of the key's text, mixed with the salt by splitmix64."""
    digests = b"".join([blake2b(key.encode(), digest_size=8).digest() for key in keys.astype(str)])
    with np.errstate(over="ignore"):
        mixed = np.frombuffer(digests, "<u8") ^ (np.uint64(salt + 1) * np.uint64(0x9E3779B97F4A7C15))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) / float(1 << 53) < share


def boosting(frame: pd.DataFrame) -> Pipeline:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    words = list(range(len(NUMBERS(frame)), frame.shape[1])) or None
    model = HistGradientBoostingClassifier(l2_regularization=5.0, random_state=SEED, categorical_features=words)
    return make_pipeline(make_column_transformer(("passthrough", NUMBERS), (codes, WORDS)), model)


def plain(estimator: LogisticRegression | DummyClassifier) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)
    return make_pipeline(make_column_transformer((numbers, NUMBERS), (levels, WORDS)), estimator)


class Measured:
    """All metrics of some rows as a function of their weights, shape (draws, rows)."""

    def __init__(self, truth: np.ndarray, score: np.ndarray) -> None:
        true, decided, sure = truth == 1, score >= 0.5, np.where(truth == 1, score, 1 - score)
        cells = [true & decided, ~true & decided, true & ~decided, ~true & ~decided]
        losses = [-np.log(np.clip(sure, np.finfo(float).eps, 1)), (score - truth) ** 2]
        self.sums = np.column_stack([*losses, *cells]).astype(float)
        self.order = np.argsort(-score)
        self.hits = true[self.order].astype(float)
        self.starts = np.flatnonzero(np.diff(score[self.order], prepend=np.inf))

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        loss, brier, tp, fp, fn, tn = (weights @ self.sums).T
        ranked = weights[:, self.order]
        positive = np.add.reduceat(ranked * self.hits, self.starts, axis=1)
        negative = np.add.reduceat(ranked, self.starts, axis=1) - positive
        hits, misses = positive.cumsum(axis=1), negative.cumsum(axis=1)
        every = tp + fp + fn + tn
        recall = tp / (tp + fn)
        return {
            "log_loss": loss / every,
            "roc_auc": (positive * (misses[:, -1:] - misses + negative / 2)).sum(1) / ((tp + fn) * (tn + fp)),
            "average_precision": (np.nan_to_num(hits / (hits + misses)) * positive).sum(1) / (tp + fn),
            "brier_score": brier / every,
            "accuracy": (tp + tn) / every,
            "balanced_accuracy": (recall + tn / (tn + fp)) / 2,
            "precision": np.nan_to_num(tp / (tp + fp)),
            "recall": recall,
            "f1": 2 * tp / (2 * tp + fp + fn),
        }


def quarters(frame: pd.DataFrame, score: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Positions of the rows in each quarter of the columns that the score moves with most, and of few words' levels."""
    numbers, words = frame.select_dtypes("number"), frame.select_dtypes(exclude="number")
    levels = [name for name in words if 2 <= words[name].nunique() <= 12]
    moving = numbers.rank().corrwith(pd.Series(score, frame.index).rank()).abs().sort_values(ascending=False)
    made: dict[str, np.ndarray] = {}
    for name in [*levels, *moving.index][:count]:
        parts = frame[name] if name in levels else pd.qcut(frame[name], 4, duplicates="drop")
        indices = parts.reset_index(drop=True).groupby(parts.to_numpy(), observed=True, dropna=False).indices
        made |= {f"{name}: {level}": rows for level, rows in indices.items()}
    return made


def measure(parts: dict, rows: int) -> tuple[dict, dict]:
    """Each part's metrics on the holdout, and their 95 % intervals over one bootstrap that all parts share."""
    random, step = np.random.default_rng(0), max(1, CHUNK // rows)
    chunks: dict[str, list[dict]] = {name: [] for name in parts}
    size = round((rows - 1) * (norm.ppf(0.975) / t.ppf(0.975, rows - 1)) ** 2)
    for start in range(0, DRAWS, step):
        count = min(step, DRAWS - start)
        drawn = [np.bincount(random.integers(rows, size=size), minlength=rows) for _ in range(count)]
        weights = np.stack(drawn).astype(float)
        for name, (where, values) in parts.items():
            chunks[name].append(values(weights[:, where]))
    once, found, spread = np.ones((1, rows)), {}, {}
    for name, (where, values) in parts.items():
        found[name] = {k: v.item() for k, v in values(once[:, where]).items()}
        every = {k: np.concatenate([chunk[k] for chunk in chunks[name]]) for k in found[name]}
        spread[name] = {k: np.nanquantile(v, [0.025, 0.975]).tolist() for k, v in every.items()}
    return found, spread


def package(model: Pipeline, name: str, rows: pd.DataFrame, expected: np.ndarray, out: Path) -> None:
    """A wheel of the model that, loaded as a user would, repeats the predictions of these rows."""
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


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("table", "target", "--key", "--positive", "--suite", "--out"):
        parser.add_argument(name)
    parser.add_argument("--slices", type=int, default=5)  # columns; 0: none
    given = parser.parse_args()
    (out := Path(given.out or "out")).mkdir(exist_ok=True)
    frame = pyarrow.csv.read_csv(given.table).to_pandas()
    if given.suite:
        expect(frame, Path(given.suite))
    holdout = held_out(frame[given.key])
    target = (frame[given.target] == given.positive).to_numpy().astype(int)
    inputs = frame.drop(columns=[given.key, given.target])
    train, rows, learned, truth = inputs[~holdout], inputs[holdout], target[~holdout], target[holdout]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(train, learned)
    for fit, test in folds:
        found = boosting(train).fit(train.iloc[fit], learned[fit]).predict_proba(train.iloc[test])
        print(f"log_loss of a fold: {log_loss(learned[test], found):.6g}", flush=True)
    baselines = {"linear": plain(LogisticRegression(max_iter=1000)), "trivial": plain(DummyClassifier())}
    models = {"model": boosting(train), **baselines}
    proba = {name: model.fit(train, learned).predict_proba(rows) for name, model in models.items()}
    score = proba["model"][:, 1]
    parts: dict = {name: (slice(None), Measured(truth, found[:, 1])) for name, found in proba.items()}
    for name, where in quarters(rows, score, given.slices).items():
        parts[name] = where, Measured(truth[where], score[where])
    metrics, spread = measure(parts, len(rows))
    for name, content in {"metrics": metrics, "intervals": spread}.items():
        (out / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    told = {"key": frame[given.key][holdout], "truth": truth, "probability": score}
    pd.DataFrame(told).to_parquet(out / "predictions.parquet", index=False)
    package(models["model"], "scripted", rows, proba["model"], out)
    print(metrics["model"])


if __name__ == "__main__":
    main()
