"""The cells of the calibration, and which statements are true of a comparison in them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from plumbline.bootstrap import draw_weights, interval, measure
from plumbline.data.split import position
from plumbline.evaluation.slices import holm
from plumbline.metrics import AUTO, lower_is_better, main_metric, prepare
from plumbline.outcome import Outcome
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictions import predict_scores
from plumbline.review.decide import estimate_trivial
from plumbline.review.estimates import estimate_metric
from plumbline.review.verdict import compare_paired, derive_margin
from template.calibrate import comparisons
from template.calibrate.comparisons import BOOSTING, ESTIMATORS, FOREST, LINEAR, Pair
from template.calibrate.tables import Table, draw_table, load_table, sample_rows

ALPHA, GAP, LOSS = 0.05, 0.05, 0.1
MODELS, HOLDOUTS, BOOTSTRAP = 25, 20, 1000
MANY = 40_000  # rows that give a metric's true value
Statements = list[str]  # what is true of one comparison, or of one interval
Cell = tuple[str, Callable[[], Iterator[Statements]]]  # its name, and what measures it


def judge_pair(pair: Pair, with_rules: bool) -> Statements:
    """Return the verdict, which p values are significant before the margin, and what the usual rules call worse."""
    inside = ~np.isnan(pair.base.reshape(*pair.base.shape[:2], -1)).any(axis=(0, 2))
    truth, schema, group = pair.table.truth[inside], pair.table.schema, pair.table.group
    metric = main_metric("auto", schema.task)
    base, head = (estimate_metric(metric, truth, side[:, inside]) for side in (pair.base, pair.head))
    baseline = float(estimate_trivial(metric, truth, None).values[0])
    margin = derive_margin(base.mean, baseline, gap_share=GAP, loss_share=LOSS)
    group = None if group is None else group[inside]
    without_margin = compare_paired(base, head, 0.0, alpha=ALPHA, group=group)
    statements = [compare_paired(base, head, margin, alpha=ALPHA, group=group).word]
    p_values = {"worse": without_margin.p_worse, "better": without_margin.p_better}
    statements += [f"{side} before" for side, p in p_values.items() if (p or 1.0) < ALPHA]
    return statements + (apply_rules(pair.table, pair.base[0], pair.head[0], inside) if with_rules else [])


def apply_rules(table: Table, base: np.ndarray, head: np.ndarray, inside: np.ndarray) -> Statements:
    """Return which of the usual rules call head worse, on one holdout.

    The rules: a metric fell; the first fell by 1 %; paired bootstrap of all metrics with Holm's correction.

    Parameters
    ----------
    table : Table
        The table.
    base, head : array, shape (rows[, classes])
        Scores of one replica.
    inside : array, shape (rows,), bool
        The rows that have scores.
    """
    share = 0.2 if table.holdout is None else 1.0
    holdout = np.flatnonzero(inside & (position(np.arange(len(inside), dtype=np.uint64), 77) < share))
    task = table.schema.task
    prepared: dict[Any, Any] = {
        side: (None, _prepare(task, table.truth[holdout], values[holdout], table.schema.classes))
        for side, values in (("base", base), ("head", head))
    }
    values = measure(prepared, [np.ones((1, len(holdout)))])
    samples = measure(prepared, draw_weights(len(holdout), 500, None, None))
    signs = {name: -1 if lower_is_better(name) else 1 for name in AUTO[task]}
    gains = {name: sign * float((values["head"][name] - values["base"][name])[0]) for name, sign in signs.items()}
    first = AUTO[task][0]
    p_values = [float(np.nanmean(signs[m] * (samples["head"][m] - samples["base"][m]) >= 0)) for m in signs]
    adjusted = holm([p if gains[m] < 0 else 1.0 for p, m in zip(p_values, signs, strict=True)])
    rules = {
        "fell": any(gain < -1e-12 for gain in gains.values()),
        "by 1 %": gains[first] < -0.01 * abs(float(values["base"][first][0])),
        "bootstrap": min(adjusted) < ALPHA,
    }
    return [rule for rule, is_worse in rules.items() if is_worse]


def _prepare(task: str, truth: np.ndarray, values: np.ndarray, classes: tuple[str, ...]) -> Any:
    """The metrics of some scores, as a function of the rows' weights."""
    decisions = values if task == "regression" else values.argmax(axis=1)
    return prepare(AUTO[task], Outcome(task, truth, values, decisions, 1, classes))


def measure_coverage(size: int, groups: int = 0, **options: Any) -> Iterator[Statements]:
    """Yield the metrics whose interval on a holdout of this size covers the same model's value on many rows."""
    for number in range(MODELS):
        random = np.random.default_rng(number)
        train = draw_table(random, 400, **options)
        many = draw_table(random, MANY, groups=100 * groups, **options)
        kind = "regression" if train.schema.task == "regression" else "classification"
        model = comparisons.fit_model(train, LINEAR[kind], number)
        (true_values,) = measure({0: (None, _prepare_model(model, many))}, [np.ones((1, MANY))]).values()
        for _ in range(HOLDOUTS):
            holdout = draw_table(random, size, groups=groups, **options)
            weights = draw_weights(size, BOOTSTRAP, np.ones(size), holdout.group)
            samples = measure({0: (None, _prepare_model(model, holdout))}, weights)[0]
            ends = {name: interval(values) for name, values in samples.items()}
            yield [name for name, (low, high) in ends.items() if low <= true_values[name][0] <= high]


def _prepare_model(model: FittedModel, table: Table) -> Any:
    return _prepare(model.task, table.truth, predict_scores(model, table.rows), table.schema.classes)


def _judge_pairs(pairs: Callable[[], Iterator[Pair]], with_rules: bool = True) -> Iterator[Statements]:
    return (judge_pair(pair, with_rules) for pair in pairs())


def list_cells() -> Iterator[Cell]:
    """Yield each cell's name, and the function that measures it."""
    yield from _cells_of_recipes()
    yield from _cells_of_seeds()
    yield from _cells_of_equals()
    for label, size, options in (
        ("classes, 114 rows", 114, {}),
        ("classes, 500 rows", 500, {}),
        ("a class of 10 %, 500 rows", 500, {"share": 0.1}),
        ("classes, 600 rows of 20 groups", 600, {"groups": 20}),
        ("numbers, 114 rows", 114, {"numbers": True}),
        ("numbers, 500 rows", 500, {"numbers": True}),
    ):
        yield f"coverage: {label}", partial(measure_coverage, size, **options)


def _cells_of_recipes() -> Iterator[Cell]:
    sample, larger = load_table("breast cancer"), load_table("simulated classes", 5000)
    boosting, linear = {"max_iter": 100, "l2_regularization": 5.0}, {"max_iter": 1000}
    change, corrupt = partial(comparisons.change_recipe, sample), comparisons.corrupt_predictions
    for label, estimator, before, after in (
        ("max_bins 254", BOOSTING, boosting, boosting | {"max_bins": 254}),
        ("l2 + 1e-6", BOOSTING, boosting, boosting | {"l2_regularization": 5.000001}),
        ("C 0.9", LINEAR["classification"], linear, linear | {"C": 0.9}),
    ):
        yield f"harmless: {label}", partial(_judge_pairs, partial(change, estimator, before, after))
    small = sample_rows(sample, 171)
    harms = {
        "3 % corrupted predictions": partial(corrupt, sample, BOOSTING, boosting),
        "3 % corrupted predictions, 171 rows": partial(corrupt, small, BOOSTING, boosting),
        "3 % corrupted predictions, 5,000 rows, simulated": partial(corrupt, larger, BOOSTING, boosting, 4),
        "half the training rows": partial(change, BOOSTING, boosting, boosting, comparisons.drop_half),
        "10 % labels flipped": partial(change, BOOSTING, boosting, boosting, comparisons.flip_labels),
    }
    for label, pairs in harms.items():
        yield f"harm: {label}", partial(_judge_pairs, pairs)
    for label, has_wrong_labels in (("nothing wrong", False), ("10 % wrong labels", True)):
        pairs = partial(comparisons.append_rows, sample, BOOSTING, boosting, 2 / 3, has_wrong_labels)
        yield f"appended: {label}", partial(_judge_pairs, pairs)


def _cells_of_seeds() -> Iterator[Cell]:
    change = comparisons.change_seed
    for name in ("breast cancer", "wine", "diabetes", "simulated classes", "simulated numbers"):
        for estimator in ESTIMATORS:
            columns = range(8) if name.startswith("simulated") else None
            yield (
                f"seed: {name}, {estimator}",
                partial(_judge_pairs, partial(change, load_table(name), estimator, columns)),
            )
    for name in ("simulated classes", "simulated numbers"):
        pairs = partial(change, load_table(name, late=0.3), "forest", range(8))
        yield f"seed: {name}, forest, time cut", partial(_judge_pairs, pairs)


def _cells_of_equals() -> Iterator[Cell]:
    logistic: tuple[str, dict[str, Any]] = (LINEAR["classification"], {})
    forest = (FOREST, {"n_estimators": 20})
    tree = ("sklearn.tree.DecisionTree", {"max_depth": 6, "min_samples_leaf": 3})
    for label, (estimator, arguments), size, options in (
        ("171 rows", logistic, 171, {}),
        ("569 rows", logistic, 569, {}),
        ("numbers, 300 rows", (LINEAR["regression"], {}), 300, {"numbers": True}),
        ("decision trees, 171 rows", tree, 171, {}),
        ("a class of 10 %, 500 rows", logistic, 500, {"share": 0.1}),
        ("a class of 3 %, 1,000 rows", logistic, 1000, {"share": 0.03}),
        ("a class of 1 %, 2,000 rows", logistic, 2000, {"share": 0.01}),
        ("5 groups, 600 rows", logistic, 600, {"groups": 5}),
        ("10 groups, 600 rows", logistic, 600, {"groups": 10}),
        ("40 groups, 600 rows", logistic, 600, {"groups": 40}),
        ("time cut, 600 rows", logistic, 600, {"late": 0.3}),
        ("time cut, forest, 600 rows", forest, 600, {"late": 0.3}),
    ):
        pairs = partial(comparisons.compare_equals, estimator, arguments, size, **options)
        yield f"equal quality: {label}", partial(_judge_pairs, pairs, False)
