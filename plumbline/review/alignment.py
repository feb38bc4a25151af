"""Base's predictions of its own rows, put at the places of the same rows in head's table.

Where base cannot predict head's table, for want of a column, or splits by another key, both sides predict their own
rows. Most of these are the same rows all the same, so that the sides need not be compared like two samples.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow.parquet as pq

from plumbline import paths
from plumbline.review.predictions import Predictions
from plumbline.review.row_matches import Matches, Table, match_rows
from plumbline.review.sides import Side

MIN_SHARE = 0.5  # of head's rows


@lru_cache(maxsize=1)  # several questions of a review need them, and a large table takes seconds
def match_tables(base: Side, head: Side) -> Matches:
    """Return the rows that both sides have; both are prepared."""
    old, new = (Table(pq.read_table(side.folder / paths.TABLE), side.schema) for side in (base, head))
    key = old.schema.column("key") or new.schema.column("key")
    is_in_both = key is not None and all(key.name in table.rows.column_names for table in (old, new))
    return match_rows(old, new, key.name if key and is_in_both else None)


def align(base: Side, head: Side, predictions: dict[Side, Predictions]) -> Predictions | None:
    """Return base's predictions in the order of head's rows, NaN where base has no such row.

    Parameters
    ----------
    base, head : Side
    predictions : dict of Side to Predictions
        Each side's own rows, predicted by itself.

    Returns
    -------
    Predictions or None
        None where fewer than half of head's rows have a partner.
    """
    matches, own = match_tables(base, head), predictions[base]
    rows = len(predictions[head].units)
    if len(matches.new) < MIN_SHARE * rows:
        return None
    scores = np.full((len(own.scores), rows, *own.scores.shape[2:]), np.nan)
    scores[:, matches.new] = own.scores[:, matches.old]
    return replace(own, scores=scores, units=predictions[head].units, columns={})
