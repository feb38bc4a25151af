"""Slices that must work where the two sides have different rows, and those that head's table no longer has."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.evaluation.requirements import required_columns
from plumbline.evaluation.slices import SMALL, cut_slices, holm
from plumbline.review.decide import Criterion, describe_slice, list_sliceable
from plumbline.review.predictions import Predictions, Rows
from plumbline.review.result.comparison import SliceComparison
from plumbline.review.sides import Side
from plumbline.review.verdict import MIN_GROUPS, compare_unpaired


def cut_required(side: Side, rows: Rows, must_work: Sequence[str]) -> dict[str, tuple[str, str, Rows]]:
    """Return column, level and rows of each slice that must work and is large enough, by its label."""
    schema = side.schema
    names = list_sliceable(schema)
    columns = [*dict.fromkeys(required_columns(must_work, names))]
    table = pq.read_table(side.folder / paths.TABLE, columns=columns).take(rows.positions)
    parts = {}
    for slice_ in cut_slices(columns, schema, table):
        label, inside = f"{slice_.column} = {slice_.level}", rows.take(slice_.rows)
        if label in must_work and is_large(inside):
            parts[label] = (slice_.column, slice_.level, inside)
    return parts


def is_large(rows: Rows) -> bool:
    """Whether these rows of a slice are enough to judge."""
    return len(rows) >= SMALL and (rows.group is None or len(np.unique(rows.group)) >= MIN_GROUPS)


def compare_required_slices(
    criterion: Criterion, base: tuple[Side, Predictions, Rows], head: tuple[Side, Predictions]
) -> tuple[SliceComparison, ...]:
    """Compare the slices that must work, each side on its own rows; p values are corrected as one family (Holm).

    Parameters
    ----------
    criterion : Criterion
        That of all rows of head.
    base : tuple of Side, Predictions and Rows
        Base, and its own rows.
    head : tuple of Side and Predictions
    """
    settings = criterion.settings
    base_parts = cut_required(base[0], base[2], settings.must_work)
    head_parts = cut_required(head[0], criterion.rows, settings.must_work)
    verdicts = {}
    for label in [label for label in head_parts if label in base_parts]:
        base_rows, rows = base_parts[label][2], head_parts[label][2]
        verdicts[label] = compare_unpaired(
            criterion.estimate(base[1], base_rows),
            criterion.estimate(head[1], rows),
            criterion.margin,
            alpha=settings.alpha,
            groups=(base_rows.group, rows.group),
        )
    p_values = holm([1.0 if verdict.p_worse is None else verdict.p_worse for verdict in verdicts.values()])
    return tuple(
        describe_slice(*head_parts[label][:2], len(head_parts[label][2]), verdict, p, settings)
        for (label, verdict), p in zip(verdicts.items(), p_values, strict=True)
    )


def find_lost_slices(
    slices: Sequence[SliceComparison], base: Side, rows: Rows, must_work: Sequence[str]
) -> Iterator[str]:
    """Yield the slices that must work and were not compared, where base has enough rows of them."""
    labels = {f"{part.column} = {part.level}" for part in slices}
    missing = [label for label in must_work if label not in labels]
    if missing:
        yield from (
            f"head has too few rows where {label}, which must work" for label in cut_required(base, rows, missing)
        )
