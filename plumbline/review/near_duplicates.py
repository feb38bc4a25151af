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
from plumbline.review.sides import Side
from plumbline.review.worktrees import FOLDER

MIN_SHARE = 0.01  # of base's rows: fewer new ones move no verdict
MAX_VALUES, MAX_ADDED = 500_000, 5_000_000  # rows times columns of base's rows and of all; beyond, it takes too long
MAX_LEVELS = 20  # of a category; one with more is left out of the distance
UNITS = FOLDER / "units"


def find_added(base: Side, head: Side) -> np.ndarray:
    """Return which rows of head's table base does not have, shape (rows,); both sides are prepared."""
    is_added = np.ones(head.schema.rows, dtype=bool)
    is_added[match_tables(base, head).new] = False
    return is_added


def write_units(head: Side, is_added: np.ndarray) -> Path | None:
    """Write for each row of head's table the unit by which it falls into a fold; an added one has its neighbour's.

    Parameters
    ----------
    head : Side
        Prepared.
    is_added : ndarray of bool, shape (rows,)

    Returns
    -------
    Path or None
        The file; None where few rows were added, groups stay together anyway, or the table is too large.
    """
    schema, count = head.schema, int(is_added.sum())
    if count < MIN_SHARE * (len(is_added) - count) or count == len(is_added) or schema.column("group"):
        return None
    table = pq.read_table(head.folder / paths.TABLE)
    values = encode_rows(table, schema, is_added)
    old_rows = np.flatnonzero(~is_added)
    if not values.shape[1] or values[old_rows].size > MAX_VALUES or values.size > MAX_ADDED:
        return None
    own_units = units(table.select(unit_columns(schema)), schema).copy()
    nearest = NearestNeighbors(n_neighbors=1).fit(values[old_rows]).kneighbors(values[is_added], return_distance=False)
    own_units[is_added] = own_units[old_rows[nearest[:, 0]]]
    return _store(own_units)


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
            columns.append(_standardize(values, is_added))
        elif column.type == "category":
            levels, codes = np.unique(np.array(values.cast(pa.string()).to_pylist(), dtype=str), return_inverse=True)
            if len(levels) <= MAX_LEVELS:
                columns.append(np.eye(len(levels))[codes])
    return np.hstack(columns)


def _standardize(values: pa.ChunkedArray, is_added: np.ndarray) -> np.ndarray:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numbers = np.array([np.nan if value is None else value for value in values.to_pylist()], dtype=float)
    old_numbers = numbers[~is_added & np.isfinite(numbers)]
    center, spread = (old_numbers.mean(), old_numbers.std()) if len(old_numbers) else (0.0, 0.0)
    scaled = np.where(np.isfinite(numbers), numbers - center, 0.0) / (spread or 1.0)
    return np.asarray(scaled[:, None])
