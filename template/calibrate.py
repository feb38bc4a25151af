"""How often is the verdict right? Result: template/calibration.md.

    python -m template.calibrate [NAME ...]    measure these cells (default: all that are not there yet)

By the product's own functions: `fit` and `unseen` make the predictions (template/calibrating.py), review/verdict.py the
words, with the settings that params.yaml has by default. A cell is a table, an estimator and a change; its rows are
comparisons that differ in seeds, salts or tables. Beside them the rules that people use, on a holdout of a fifth of the
rows. Predictions stay in .review/calibration, so that a rule that was changed is judged again without a fit; what was
changed in how models are fitted wants that folder removed.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import beta

from plumbline.bootstrap import draw_weights, interval, measure
from plumbline.data.split import position
from plumbline.evaluation.slices import holm
from plumbline.metrics import AUTO, lower_is_better, prepare
from plumbline.outcome import Outcome
from plumbline.prediction.predictions import predict_scores
from plumbline.review.decide import gate_metric, trivial
from plumbline.review.verdict import compare, margin, measured
from template import calibrating as of
from template.calibrating import BOOSTING, ESTIMATORS, FOREST, LINEAR, Pair, Table, table

HERE = Path(__file__).parent
KEPT, PAGE, PLOT = HERE / "calibration.json", HERE / "calibration.md", HERE / "calibration.png"
ALPHA, GAP, LOSS = 0.05, 0.05, 0.1
MODELS, HOLDOUTS, BOOTSTRAP = 25, 20, 1000
WORDS = ("worse", "better", "same", "cannot tell")
RULES = {"worse": "the review", "fell": "a metric fell", "by 1 %": "the first fell by 1 %",
         "bootstrap": "bootstrap, Holm"}  # fmt: skip


def judged(pair: Pair, naive: bool) -> list[str]:
    """What holds of a comparison: the word, what its p values say before the margin, what the usual rules say."""
    inside = ~np.isnan(pair.base.reshape(*pair.base.shape[:2], -1)).any(axis=(0, 2))
    truth, schema, group = pair.table.truth[inside], pair.table.schema, pair.table.group
    metric = gate_metric("auto", schema.task)
    theirs, ours = (measured(metric, truth, side[:, inside]) for side in (pair.base, pair.head))
    matters = margin(float(theirs.values.mean()), float(trivial(metric, truth, None).values[0]), GAP, LOSS)
    group = None if group is None else group[inside]
    plain = compare(theirs, ours, 0.0, ALPHA, group)
    found = [compare(theirs, ours, matters, ALPHA, group).word]
    found += [f"{side} before" for side in ("worse", "better") if (getattr(plain, side) or 1.0) < ALPHA]
    return found + (usual(pair.table, pair.base[0], pair.head[0], inside) if naive else [])


def usual(of: Table, base: np.ndarray, head: np.ndarray, inside: np.ndarray) -> list[str]:
    """On one holdout: a metric fell; the first fell by 1 %; paired bootstrap of all metrics with Holm."""
    share = 0.2 if of.holdout is None else 1.0
    part = np.flatnonzero(inside & (position(np.arange(len(inside), dtype=np.uint64), 77) < share))
    schema = of.schema
    prepared: dict[Any, Any] = {}
    for name, made in (("base", base[part]), ("head", head[part])):
        decided = made if schema.task == "regression" else made.argmax(axis=1)
        outcome = Outcome(schema.task, of.truth[part], made, decided, 1, schema.classes)
        prepared[name] = (None, prepare(AUTO[schema.task], outcome))
    once = measure(prepared, [np.ones((1, len(part)))])
    many = measure(prepared, draw_weights(len(part), 500, None, None))
    signs = {name: -1 if lower_is_better(name) else 1 for name in AUTO[schema.task]}
    gains = {name: sign * float((once["head"][name] - once["base"][name])[0]) for name, sign in signs.items()}
    first = AUTO[schema.task][0]
    below = [float(np.nanmean(signs[m] * (many["head"][m] - many["base"][m]) >= 0)) for m in signs]
    says = {
        "fell": any(gain < -1e-12 for gain in gains.values()),
        "by 1 %": gains[first] < -0.01 * abs(float(once["base"][first][0])),
        "bootstrap": min(holm([p if gains[m] < 0 else 1.0 for p, m in zip(below, signs, strict=True)])) < ALPHA,
    }
    return [rule for rule, said in says.items() if said]


def covering(size: int, groups: int = 0, **given: Any) -> Iterator[list[str]]:
    """Of which metrics evaluate's interval on a holdout of this size covers the same model's value on many rows."""
    for number in range(MODELS):
        random = np.random.default_rng(number)
        train, many = of.fresh(random, 400, **given), of.fresh(random, 40_000, groups=100 * groups, **given)
        task = train.schema.task
        model = of.model(train, LINEAR["regression" if task == "regression" else "classification"], number)
        (true,) = measure({0: (None, _prepared(model, many))}, [np.ones((1, 40_000))]).values()
        for _ in range(HOLDOUTS):
            held = of.fresh(random, size, groups=groups, **given)
            drawn = measure(
                {0: (None, _prepared(model, held))}, draw_weights(size, BOOTSTRAP, np.ones(size), held.group)
            )[0]
            ends = {name: interval(values) for name, values in drawn.items()}
            yield [name for name, (low, high) in ends.items() if low <= true[name][0] <= high]


def _prepared(model: dict[str, Any], rows: Table) -> Any:
    made = predict_scores(model, rows.rows)
    decided = made if model["task"] == "regression" else made.argmax(axis=1)
    return prepare(AUTO[model["task"]], Outcome(model["task"], rows.truth, made, decided, 1, rows.schema.classes))


def compared(pairs: Callable[[], Iterator[Pair]], naive: bool = True) -> Iterator[list[str]]:
    return (judged(pair, naive) for pair in pairs())


def cells() -> Iterator[tuple[str, Callable[[], Iterator[list[str]]]]]:
    """Each cell's name, and how it is measured."""
    sample, boosted, linear = table("breast cancer"), {"max_iter": 100, "l2_regularization": 5.0}, {"max_iter": 1000}
    for label, estimator, before, after in (
        ("max_bins 254", BOOSTING, boosted, boosted | {"max_bins": 254}),
        ("l2 + 1e-6", BOOSTING, boosted, boosted | {"l2_regularization": 5.000001}),
        ("C 0.9", LINEAR["classification"], linear, linear | {"C": 0.9}),
    ):
        yield f"harmless: {label}", partial(compared, partial(of.changed, sample, estimator, before, after))
    larger = table("simulated classes", 5000)
    harms = {
        "3 % corrupted predictions": partial(of.corrupted, sample, BOOSTING, boosted),
        "3 % corrupted predictions, 171 rows": partial(of.corrupted, of.sample(sample, 171), BOOSTING, boosted),
        "3 % corrupted predictions, 5,000 rows, simulated": partial(of.corrupted, larger, BOOSTING, boosted, 4),
        "half the training rows": partial(of.changed, sample, BOOSTING, boosted, boosted, of.half),
        "10 % labels flipped": partial(of.changed, sample, BOOSTING, boosted, boosted, of.flipped),
    }
    for label, pairs in harms.items():
        yield f"harm: {label}", partial(compared, pairs)
    for label, wrong in (("nothing wrong", False), ("10 % wrong labels", True)):
        yield f"appended: {label}", partial(compared, partial(of.appended, sample, BOOSTING, boosted, 2 / 3, wrong))
    for name in ("breast cancer", "wine", "diabetes", "simulated classes", "simulated numbers"):
        for estimator in ESTIMATORS:
            only = range(8) if name.startswith("simulated") else None
            yield f"seed: {name}, {estimator}", partial(compared, partial(of.seeds, table(name), estimator, only))
    for name in ("simulated classes", "simulated numbers"):
        late = partial(of.seeds, table(name, late=0.3), "forest", range(8))
        yield f"seed: {name}, forest, time cut", partial(compared, late)
    yield from _equal()
    for label, size, given in (
        ("classes, 114 rows", 114, {}),
        ("classes, 500 rows", 500, {}),
        ("a class of 10 %, 500 rows", 500, {"share": 0.1}),
        ("classes, 600 rows of 20 groups", 600, {"groups": 20}),
        ("numbers, 114 rows", 114, {"numbers": True}),
        ("numbers, 500 rows", 500, {"numbers": True}),
    ):
        yield f"coverage: {label}", partial(covering, size, **given)


def _equal() -> Iterator[tuple[str, Callable[[], Iterator[list[str]]]]]:
    logistic: tuple[str, dict[str, Any]] = (LINEAR["classification"], {})
    forest = (FOREST, {"n_estimators": 20})
    for label, estimator, size, given in (
        ("171 rows", logistic, 171, {}),
        ("569 rows", logistic, 569, {}),
        ("numbers, 300 rows", (LINEAR["regression"], {}), 300, {"numbers": True}),
        ("decision trees, 171 rows", ("sklearn.tree.DecisionTree", {"max_depth": 6, "min_samples_leaf": 3}), 171, {}),
        ("a class of 10 %, 500 rows", logistic, 500, {"share": 0.1}),
        ("a class of 3 %, 1,000 rows", logistic, 1000, {"share": 0.03}),
        ("a class of 1 %, 2,000 rows", logistic, 2000, {"share": 0.01}),
        ("5 groups, 600 rows", logistic, 600, {"groups": 5}),
        ("10 groups, 600 rows", logistic, 600, {"groups": 10}),
        ("40 groups, 600 rows", logistic, 600, {"groups": 40}),
        ("time cut, 600 rows", logistic, 600, {"late": 0.3}),
        ("time cut, forest, 600 rows", forest, 600, {"late": 0.3}),
    ):
        yield (
            f"equal worth: {label}",
            partial(compared, partial(of.equal, estimator[0], estimator[1], size, **given), False),
        )


def counted(name: str) -> tuple[str, dict[str, int]]:
    rows = list(dict(cells())[name]())
    return name, {"n": len(rows)} | dict(Counter(said for row in rows for said in row))


def share(cell: dict[str, int], what: str) -> str:
    """Per cent, and what it lies in with 95 % (Clopper and Pearson 1934)."""
    n, k = cell["n"], cell.get(what, 0)
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    return f"{100 * k / n:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def row(cells_of: list[str]) -> str:
    return f"| {' | '.join(cells_of)} |"


def grid(head: list[str], kept: dict[str, Any], kinds: tuple[str, ...], shown: Callable[[Any], list[str]]) -> list[str]:
    named = [name for name, _ in cells() if name in kept and name.startswith(kinds)]
    return [row(head), "|" + "---|" * len(head), *(row([name, *shown(kept[name])]) for name in named), ""]


def rate(cell: dict[str, int], what: str) -> float:
    return 100 * cell.get(what, 0) / cell["n"]


def mean_of_seeds(kept: dict[str, Any], what: str) -> float:
    return float(np.mean([rate(cell, what) for name, cell in kept.items() if name.startswith("seed")] or [np.nan]))


def page(kept: dict[str, Any]) -> str:
    means = ", ".join(f"{label} {mean_of_seeds(kept, rule):.1f}" for rule, label in RULES.items())
    rest = (*WORDS[1:], "fell", "by 1 %", "bootstrap")
    lines = [
        "# How often is the verdict right?\n",
        "Made by `python -m template.calibrate`, which says how. Numbers are % of comparisons, in brackets the 95 %",
        "interval.\n",
        f"![What a review, and what other rules call worse]({PLOT.name})\n",
        f"## Two recipes on one table\n\nOnly the seed changed, called worse on average: {means}.\n",
        *grid(["cell", "n", "worse", *WORDS[1:], *list(RULES.values())[1:]], kept, ("harm", "appended", "seed"),
              lambda cell: [str(cell["n"]), share(cell, "worse"), *(f"{rate(cell, word):.0f}" for word in rest)]),
        "## Two pipelines of equal worth, a fresh table each time\n\nBefore the margin 5 % is right for each side.\n",
        *grid(["cell", "n", "worse before the margin", "better before the margin", *WORDS], kept, ("equal",),
              lambda cell: [str(cell["n"]), share(cell, "worse before"), share(cell, "better before"),
                            *(f"{rate(cell, word):.0f}" for word in WORDS)]),
        "## How often evaluate's 95 % intervals cover the value of the same model on 40,000 rows\n",
        *grid(["cell", "n", "covers"], kept, ("coverage",), lambda cell: [str(cell["n"]), ", ".join(
            f"{name} {rate(cell, name):.1f}" for name in cell if name not in ("n", "commit"))]),
        f"Measured at {', '.join(sorted({cell['commit'] for cell in kept.values()}))}.",
    ]  # fmt: skip
    absent = [name for name, _ in cells() if name not in kept]
    return "\n".join([*lines, *([f"\nNot measured yet: {'; '.join(absent)}."] if absent else [])]) + "\n"


def plot(kept: dict[str, Any]) -> None:
    """What each rule calls worse: cell by cell where only the seed changed, and where harm was done."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
    for place, kind, title in zip(axes, ("seed", "harm: "), ("only the seed changed", "harm was done"), strict=True):
        found = [cell for name, cell in kept.items() if name.startswith(kind)]
        for height, rule in enumerate(RULES):
            rates = [rate(cell, rule) for cell in found]
            place.barh(height, np.mean(rates) if rates else 0, color="#c8d4e0")
            place.plot(rates, height + np.linspace(-0.2, 0.2, len(rates)), "o", markersize=3, color="#27496d")
        place.set(title=title, xlabel="called worse, % (dots: cells; bars: their mean)", xlim=(-2, 102))
    axes[0].set_yticks(range(len(RULES)), list(RULES.values()))
    axes[0].invert_yaxis()
    figure.savefig(PLOT, dpi=90, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the verdict's error rates")
    parser.add_argument("names", nargs="*", help="beginnings of cells' names")
    given = tuple(parser.parse_args().names)
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    commit = subprocess.run(["git", "describe", "--always"], capture_output=True, encoding="utf-8", check=True).stdout
    waiting = [name for name, _ in cells() if (name.startswith(given) if given else name not in kept)]
    with Pool(2) as pool:
        for number, (name, found) in enumerate(pool.imap_unordered(counted, waiting), 1):
            kept[name] = found | {"commit": commit.strip()}
            KEPT.write_text(json.dumps(kept, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
            PAGE.write_text(page(kept), encoding="utf-8")
            print(f"{number}/{len(waiting)}: {name}", file=sys.stderr, flush=True)
    plot(kept)


if __name__ == "__main__":
    main()
