"""From the predictions of two sides to the verdict: one metric decides, each slice is a question of its own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plumbline.data.schema import Schema
from plumbline.evaluation.requirements import required_columns
from plumbline.evaluation.slices import SMALL, choose_columns, cut_slices, holm
from plumbline.metrics import main_metric
from plumbline.review.estimates import LOG_LOSS, MAE, MetricEstimate, clip_bound, estimate_metric
from plumbline.review.predictions import Predictions, Rows
from plumbline.review.result.changes import LabelEffect
from plumbline.review.result.comparison import Comparison, HeadOnly, SliceComparison, Verdict, Word
from plumbline.review.settings import Settings
from plumbline.review.verdict import MIN_GROUPS, compare_paired, compare_unpaired, derive_margin, find_shortage


@dataclass(frozen=True)
class Criterion:
    """What decides between two sides.

    Attributes
    ----------
    metric : str
        The metric that decides, a loss.
    rows : Rows
        The rows of head's table that are compared.
    margin : float
        The smallest difference that matters.
    settings : Settings
    clip : float or None
        Where log loss clips probabilities.
    """

    metric: str
    rows: Rows
    margin: float
    settings: Settings
    clip: float | None

    def estimate(self, predictions: Predictions, rows: Rows) -> MetricEstimate:
        """Return the metric of one side on these rows."""
        scores = predictions.scores[:, rows.positions]
        return estimate_metric(self.metric, rows.truth, scores, rows.weight, clip=self.clip)

    def compare(self, base: Predictions, head: Predictions, rows: Rows) -> Verdict:
        """Return the verdict on some of the rows, which both sides predict."""
        base_estimate, head_estimate = (self.estimate(predictions, rows) for predictions in (base, head))
        return compare_paired(base_estimate, head_estimate, self.margin, alpha=self.settings.alpha, group=rows.group)


@dataclass(frozen=True)
class Decision:
    """The verdict on two sides.

    Attributes
    ----------
    word, why : str
        The verdict and its explanation; not those of the tests where label changes forbid it.
    comparison : Comparison
        The numbers.
    criterion : Criterion
        The one that the numbers belong to.
    all_rows : Criterion
        The same with the rows whose label changed.
    label_effect : LabelEffect or None
        What these rows do.
    """

    word: Word
    why: str
    comparison: Comparison
    criterion: Criterion
    all_rows: Criterion
    label_effect: LabelEffect | None = None


def estimate_trivial(metric: str, truth: np.ndarray, weight: np.ndarray | None) -> MetricEstimate:
    """Return the metric of the trivial baseline: class shares, the median or the mean of these rows themselves."""
    share = np.ones(len(truth)) if weight is None else weight
    if metric == LOG_LOSS:
        shares = np.bincount(truth, share) / share.sum()
        scores: Any = np.broadcast_to(shares, (1, len(truth), len(shares)))
    else:
        median = np.quantile(truth, 0.5, weights=share, method="inverted_cdf") if metric == MAE else None
        scores = np.full((1, len(truth)), np.average(truth, weights=share) if median is None else median)
    return estimate_metric(metric, truth, scores, weight)


def decide(
    base: Predictions,
    head: Predictions,
    schema: Schema,
    settings: Settings,
    *,
    relabelled: np.ndarray,
    base_rows: Rows | None = None,
) -> Decision:
    """Return the verdict on head against base; the labels are head's.

    Parameters
    ----------
    base, head : Predictions
    schema : Schema
        Head's.
    settings : Settings
    relabelled : ndarray of shape (n,)
        Positions in head's table of rows whose label changed: what is true of them is in dispute.
    base_rows : Rows, optional
        Base's own rows, where the two sides are evaluated on different rows.
    """
    if base_rows is not None:
        rows = head.select_rows(head.is_complete)
        criterion = build_criterion(rows, base_rows, base, schema, settings)
        comparison = _compare(criterion, base, head, schema, base_rows)
        return Decision(comparison.verdict.word, comparison.verdict.why, comparison, criterion, criterion)
    rows = head.select_rows(head.is_complete & base.is_complete)
    criterion = build_criterion(rows, rows, base, schema, settings)
    undisputed = _exclude_rows(criterion, base, schema, relabelled)
    comparison = _compare(undisputed, base, head, schema, None)
    decision = Decision(comparison.verdict.word, comparison.verdict.why, comparison, undisputed, criterion)
    count = int(np.isin(rows.positions, relabelled).sum())
    return _weigh_label_changes(decision, count, base, head, schema) if count else decision


def build_criterion(rows: Rows, base_rows: Rows, base: Predictions, schema: Schema, settings: Settings) -> Criterion:
    """Return what decides on these rows; base's rows are its own where they are others."""
    metric = main_metric(settings.metric, schema.task)
    clip = clip_bound(rows.truth) if metric == LOG_LOSS else None
    criterion = Criterion(metric, rows, 0.0, settings, clip)
    if settings.margin != "auto":
        return replace(criterion, margin=settings.margin)
    trivial = float(estimate_trivial(metric, rows.truth, rows.weight).values[0])
    reference = criterion.estimate(base, base_rows)
    margin = derive_margin(reference.mean, trivial, gap_share=settings.gap, loss_share=settings.loss)
    return replace(criterion, margin=margin)


def _exclude_rows(criterion: Criterion, base: Predictions, schema: Schema, positions: np.ndarray) -> Criterion:
    """Return the criterion without these rows; the same one where too few rows, or not every class, would remain."""
    rows, has_classes = criterion.rows, schema.task != "regression"
    rest = rows.take(np.flatnonzero(~np.isin(rows.positions, positions)))
    lacks_class = has_classes and len(np.unique(rest.truth)) < len(np.unique(rows.truth))
    if len(rest) == len(rows) or lacks_class or find_shortage(rest.truth, rest.group, has_classes=has_classes):
        return criterion
    return build_criterion(rest, rest, base, schema, criterion.settings)


def _compare(
    criterion: Criterion, base: Predictions, head: Predictions, schema: Schema, base_rows: Rows | None
) -> Comparison:
    rows, settings = criterion.rows, criterion.settings
    base_estimate = criterion.estimate(base, rows if base_rows is None else base_rows)
    head_estimate = criterion.estimate(head, rows)
    shortage = find_shortage(rows.truth, rows.group, has_classes=schema.task != "regression")
    if rows.group is not None and len(np.unique(rows.group)) < 2:  # no variance can be estimated
        difference = head_estimate.mean - base_estimate.mean
        verdict = Verdict(word="cannot tell", why="", difference=difference, margin=criterion.margin)
    elif base_rows is not None:
        groups = (base_rows.group, rows.group)
        verdict = compare_unpaired(base_estimate, head_estimate, criterion.margin, alpha=settings.alpha, groups=groups)
    else:
        verdict = criterion.compare(base, head, rows)
    if shortage:
        verdict = replace(verdict, word="cannot tell", why=f"too small: {shortage}")
    trivial = float(estimate_trivial(criterion.metric, rows.truth, rows.weight).values[0])
    return Comparison(
        metric=criterion.metric,
        alpha=settings.alpha,
        base_error=-base_estimate.mean,
        head_error=-head_estimate.mean,
        trivial_error=-trivial,
        rows=len(rows),
        replicas=len(head_estimate.values),
        verdict=verdict,
    )


def _weigh_label_changes(
    decision: Decision, count: int, base: Predictions, head: Predictions, schema: Schema
) -> Decision:
    """Return what the rows with another label do to the decision on the other rows: a harm counts on all rows too."""
    if decision.criterion is decision.all_rows:
        effect = LabelEffect(rows=count)
        if decision.word not in ("better", "same"):
            return replace(decision, label_effect=effect)
        why = f"{count} rows have another label, and the others are too few to compare the sides on"
        return replace(decision, word="cannot tell", why=why, label_effect=effect)
    comparison = _compare(decision.all_rows, base, head, schema, None)
    verdict = comparison.verdict
    decision = replace(decision, label_effect=LabelEffect(rows=count, word_with_them=verdict.word))
    if verdict.word != "worse" or decision.word == "worse":
        return decision
    why = f"{verdict.why}, with the {count} rows whose label changed; without them: {decision.word}"
    return replace(decision, word="worse", why=why, comparison=comparison, criterion=decision.all_rows)


def compare_with_trivial(head: Predictions, schema: Schema, settings: Settings) -> tuple[HeadOnly, str]:
    """Return the errors of head and of the trivial baseline where there is no base, and a clause that compares them."""
    metric, rows = main_metric(settings.metric, schema.task), head.select_rows(head.is_complete)
    trivial = estimate_trivial(metric, rows.truth, rows.weight)
    estimate = estimate_metric(metric, rows.truth, head.scores[:, rows.positions], rows.weight)
    replicas = len(estimate.values)
    repeated = MetricEstimate(trivial.values.repeat(replicas), trivial.influence.repeat(replicas, axis=0))
    word = compare_paired(repeated, estimate, 0.0, alpha=settings.alpha, group=rows.group).word
    clause = f"clearly {word}" if word in ("better", "worse") else "not clearly better"
    errors = HeadOnly(metric=metric, head_error=-estimate.mean, trivial_error=-trivial.mean)
    return errors, f"head is {clause} than the trivial baseline"


def compare_slices(
    criterion: Criterion, base: Predictions, head: Predictions, schema: Schema, table: str
) -> tuple[SliceComparison, ...]:
    """Compare the two sides in each slice of head's table; p values are corrected as one family (Holm).

    Parameters
    ----------
    criterion : Criterion
        That of all rows.
    base, head : Predictions
    schema : Schema
        Head's.
    table : str
        The file of head's typed table.
    """
    rows, settings = criterion.rows, criterion.settings
    names = list_sliceable(schema)
    source = pq.read_table(table, columns=names).take(rows.positions)
    mean = head.scores[:, rows.positions].mean(axis=0)
    score = mean if mean.ndim == 1 else mean.max(axis=1)
    allowed = "auto" if settings.slices == "auto" else keep_sliceable(settings.slices, schema)
    chosen_columns = choose_columns(allowed, schema, source, score)
    cut_by = dict.fromkeys([*chosen_columns, *required_columns(settings.must_work, names)])
    slices, verdicts = [], []
    for slice_ in cut_slices([*cut_by], schema, source):
        inside = rows.take(slice_.rows)
        if len(inside) >= SMALL and (inside.group is None or len(np.unique(inside.group)) >= MIN_GROUPS):
            slices.append(slice_)
            verdicts.append(criterion.compare(base, head, inside))
    p_values = holm([1.0 if verdict.p_worse is None else verdict.p_worse for verdict in verdicts])
    return tuple(
        describe_slice(slice_.column, slice_.level, len(slice_.rows), verdict, p, settings)
        for slice_, verdict, p in zip(slices, verdicts, p_values, strict=True)
    )


def keep_sliceable(names: tuple[str, ...], schema: Schema) -> list[str]:
    """Return those of the columns that the table can be cut by."""
    sliceable = list_sliceable(schema)
    return [name for name in names if name in sliceable]


def list_sliceable(schema: Schema) -> list[str]:
    """Return the columns that the table can be cut by."""
    return [column.name for column in schema.columns if column.role not in ("target", "key")]


def describe_slice(
    column: str, level: str, rows: int, verdict: Verdict, p_worse: float, settings: Settings
) -> SliceComparison:
    """Return the comparison of a slice; it blocks where it must work and its corrected p value is small."""
    must_work = f"{column} = {level}" in settings.must_work
    return SliceComparison(
        column=column,
        level=level,
        rows=rows,
        verdict=verdict,
        corrected_p_worse=p_worse,
        is_blocking=must_work and p_worse < settings.alpha,
    )
