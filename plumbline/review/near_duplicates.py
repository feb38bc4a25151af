"""Rows that head added are tested together with the row of base that they are nearest to.

A copy of a row with some noise would otherwise be in the training set while its original is tested, and a model that
learns rows by heart would look better. For honest new rows this costs little: a model is tested without the few new
rows that are nearest to the tested ones.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.neighbors import NearestNeighbors

from plumbline import paths
from plumbline.data.schema import NUMERIC, Schema
from plumbline.data.split import unit_columns, units
from plumbline.review.alignment import match_tables
from plumbline.review.row_distances import MAX_ADDED, MAX_VALUES, Neighbours, standardize, to_numbers
from plumbline.review.sides import Side
from plumbline.review.worktrees import FOLDER

MIN_SHARE = 0.01  # of base's rows: fewer new ones move no verdict
MAX_LEVELS = 20  # of a category; one with more is left out of the distance
UNITS = FOLDER / "units"


def find_added(base: Side, head: Side) -> np.ndarray:
    """Return which rows of head's table base does not have, shape (rows,); both sides are prepared."""
    is_added = np.ones(head.schema.rows, dtype=bool)
    is_added[match_tables(base, head).new] = False
    return is_added


def write_units(head: Side, is_added: np.ndarray, *, has_cut: bool = False) -> Path | None:
    """Write for each row of head's table the unit by which it falls into a fold; an added one has its neighbour's.

    Where groups stay together, or time decides, only an added row that is a copy of a row of base with some noise
    has that row's unit.

    Parameters
    ----------
    head : Side
        Prepared.
    is_added : ndarray of bool, shape (rows,)
    has_cut : bool
        Whether time decides what the holdout is.

    Returns
    -------
    Path or None
        The file; None where few rows were added, none is a copy, or the table is too large.
    """
    schema, count = head.schema, int(is_added.sum())
    if count < MIN_SHARE * (len(is_added) - count) or count == len(is_added):
        return None
    table = pq.read_table(head.folder / paths.TABLE)
    find = _find_copies if has_cut or schema.column("group") else _find_nearest
    old_rows, added_rows = find(table, schema, is_added)
    if not len(added_rows):
        return None
    own_units = units(table.select(unit_columns(schema)), schema).copy()
    own_units[added_rows] = own_units[old_rows]
    return _store(own_units)


def _find_nearest(table: pa.Table, schema: Schema, is_added: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the row of base that is nearest to each added row, and those of the added rows."""
    values, old_rows = encode_rows(table, schema, is_added), np.flatnonzero(~is_added)
    if not values.shape[1] or values[old_rows].size > MAX_VALUES or values.size > MAX_ADDED:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    nearest = NearestNeighbors(n_neighbors=1).fit(values[old_rows]).kneighbors(values[is_added], return_distance=False)
    return old_rows[nearest[:, 0]], np.flatnonzero(is_added)


def _find_copies(table: pa.Table, schema: Schema, is_added: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the rows of base that were copied with some noise, and those of their copies."""
    names = [column.name for column in schema.inputs if column.type in NUMERIC]
    old, new = (table.select(names).filter(pa.array(mask)) for mask in (~is_added, is_added))
    neighbours = Neighbours.from_tables(old, new, names)
    pairs = neighbours.find_near(np.arange(len(old)), np.arange(len(new)), is_unique=False)
    return np.flatnonzero(~is_added)[pairs[:, 0]], np.flatnonzero(is_added)[pairs[:, 1]]


def _store(values: np.ndarray) -> Path:
    content = io.BytesIO()
    np.save(content, values, allow_pickle=False)
    path = UNITS / f"{hashlib.sha256(content.getvalue()).hexdigest()[:16]}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    return path


def encode_rows(table: pa.Table, schema: Schema, is_added: np.ndarray) -> np.ndarray:
    """Return numbers in which near rows are alike, shape (rows, values).

    Numbers and times are in standard deviations of base's rows, a missing one is their mean; each level of a category
    with few of them is 0 or 1. Neither key, target, weight nor texts are in it.
    """
    columns = [np.empty((len(table), 0))]
    for column in schema.inputs:
        values = table.column(column.name)
        if column.type in (*NUMERIC, "timestamp", "boolean"):
            columns.append(standardize(to_numbers(values), ~is_added)[:, None])
        elif column.type == "category":
            levels, codes = np.unique(np.array(values.cast(pa.string()).to_pylist(), dtype=str), return_inverse=True)
            if len(levels) <= MAX_LEVELS:
                columns.append(np.eye(len(levels))[codes])
    return np.hstack(columns)
