"""What of head prevents a comparison that base allows: its data, split, groups or classes.

A "cannot tell" is green, so that nobody is blocked by rows that are too few. Head must not bring it about itself.
"""

from collections.abc import Container, Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.data.schema import GROUP, HOLDOUT, SIDE, TARGET, Schema
from plumbline.keys import KEYS
from plumbline.review.commits import SideError
from plumbline.review.predictions import Design, Rows, choose_design
from plumbline.review.result.comparison import Comparison, MetricComparison
from plumbline.review.sides import Side
from plumbline.review.verdict import find_shortage
from plumbline.review.worker import Split

MIN_TRAIN_SHARE = 0.5  # of base's: a review fits by base's split and does not see what fewer rows do
HINT = "Take that from base"


class ObstacleError(SideError):
    """Head cannot be compared because of its own data or split."""


def read_split(base: Side, head: Side) -> Split:
    """Return base's rule for the holdout; both sides are prepared.

    Raises
    ------
    ObstacleError
        Where it cannot be applied to head's table.
    """
    holdout, salt, cut = (
        base.params.get(name, KEYS[name].default) for name in ("split.holdout", "split.salt", "split.cut")
    )
    time = base.schema.column("time")
    if cut is None or time is None:
        return Split(float(holdout), salt)
    types = {column.name: column.type for column in head.schema.columns}
    if types.get(time.name) != "timestamp":
        problem = f"has no column {time.name!r} of timestamps, by which base's split.cut makes the holdout"
        raise ObstacleError(head, problem, hint=HINT)
    return Split(float(holdout), salt, str(cut), time.name)


def check_task(base: Side, head: Side) -> None:
    """Raise ObstacleError where the task of head is another one, or another class is the positive one."""
    if base.schema.task != head.schema.task:
        raise ObstacleError(head, f"has the task {head.schema.task}, base has {base.schema.task}", hint=HINT)
    if base.schema.classes == head.schema.classes and base.schema.positive != head.schema.positive:
        problem = "has another positive class than base, by which floors and the threshold are meant"
        raise ObstacleError(head, problem, hint=HINT)


def read_own_rows(side: Side, *, is_holdout: bool) -> Rows:
    """Return the rows of the side's own table, or those of its own holdout."""
    file = paths.FEATURES
    names = [name for name in (SIDE, TARGET, GROUP) if name in pq.read_schema(side.folder / file).names]
    table = pq.read_table(side.folder / file, columns=names)
    group = pd.factorize(table.column(GROUP).to_pandas(), use_na_sentinel=False)[0] if GROUP in names else None
    target = table.column(TARGET).to_numpy()
    rows = Rows(np.arange(len(target)), target, None, group)
    return rows.take(np.flatnonzero(pc.equal(table.column(SIDE), HOLDOUT).to_numpy())) if is_holdout else rows


def find_obstacles(base: Side, head: Side, design: Design, comparison: Comparison, rows: Rows) -> Iterator[str]:
    """Yield what of head prevents a comparison, each as a sentence.

    Parameters
    ----------
    base, head : Side
        Both are prepared.
    design : Design
    comparison : Comparison
    rows : Rows
        The rows of head's table that are compared.
    """
    yield from _find_lost_classes(base.schema, head.schema)
    has_classes = head.schema.task != "regression"
    shortage = find_shortage(rows.truth, rows.group, has_classes=has_classes)
    if shortage:
        base_rows = read_own_rows(base, is_holdout=design.folds is None)
        if not find_shortage(base_rows.truth, base_rows.group, has_classes=has_classes):
            yield f"head is too small to be compared: {shortage}; base is not"
    elif comparison.verdict.word == "cannot tell" and comparison.unpaired_reason:
        yield f"the sides are compared on different rows, and that is inconclusive: {comparison.unpaired_reason}"
    yield from _find_small_split(base, head, design, has_classes=has_classes)


def _find_lost_classes(base: Schema, head: Schema) -> Iterator[str]:
    remaining = {str(name) for name in head.classes}
    if count := sum(str(name) not in remaining for name in base.classes):
        yield f"head lacks {count} of the {len(base.classes)} classes of base"


def _find_small_split(base: Side, head: Side, design: Design, *, has_classes: bool) -> Iterator[str]:
    """Yield why the next review could not judge by head's own split, or what it leaves to train on."""
    shares = [
        1 - len(read_own_rows(side, is_holdout=True)) / len(read_own_rows(side, is_holdout=False))
        for side in (base, head)
    ]
    if shares[1] < MIN_TRAIN_SHARE * shares[0]:
        sizes = " and ".join(f"{share:.1%} in {name}" for share, name in zip(shares, ("base", "head"), strict=True))
        yield f"the training set is {sizes}, which a review by base's split does not measure"
    shortages = []
    for side in (head, base):
        has_holdout = choose_design(side, replicas=design.replicas, folds=1).folds is None
        rows = read_own_rows(side, is_holdout=has_holdout)
        shortages.append(find_shortage(rows.truth, rows.group, has_classes=has_classes))
    if shortages[0] and not shortages[1]:
        yield f"the holdout of head is too small for later reviews: {shortages[0]}; that of base is not"


def find_lost_floors(metrics: Sequence[MetricComparison], names: Container[str]) -> Iterator[str]:
    """Yield the floors that head has no value for, where base has one."""
    for metric in metrics:
        if metric.name in names and not _is_number(metric.head) and _is_number(metric.base):
            yield f"{metric.name}, which has a floor, cannot be measured in head"


def _is_number(value: float | None) -> bool:
    return value is not None and not np.isnan(value)
