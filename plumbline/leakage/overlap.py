"""Rows and groups that are on both sides of the split."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.schema import GROUP, SIDE, TIME, TRAIN, Schema, feature_names, type_of
from plumbline.data.split import cut_time
from plumbline.findings import Kind
from plumbline.formatting import short
from plumbline.leakage.leaks import Action, Leak

_GROUP_HINT = "Set another split.cut, or null, or data.allow: {{{first}: reason}}"
_ROW_HINT = ". If such rows belong together (a patient, a shop), name what they share: data.group: COLUMN"
_FIRST_COLUMNS = 3  # columns that are compared before rows without a copy are dropped


def find_overlap(path: Path, schema: Schema, cut: str | None, holdout: np.ndarray) -> list[Leak]:
    """Find rows and groups that are on both sides, and training rows after the cut.

    Parameters
    ----------
    path : Path
        data/features.parquet, which is read column by column.
    schema : Schema
    cut : str or None
        split.cut.
    holdout : array of bool, shape (rows,)
    """
    file = pq.ParquetFile(path)

    def read(name: str) -> pa.ChunkedArray:
        return file.read([name], use_threads=False).column(0)

    leaks = []
    group, count = schema.column("group"), count_copied_rows(map(read, _order_columns(file)), holdout)
    if count:
        share = f"{count} of {holdout.sum()} rows of the holdout ({short(100 * count / holdout.sum())} %)"
        hint = _ROW_HINT if group is None and cut is None else ""
        leaks.append(Leak(Kind.ROW_LEAK, (), f"{share} have the features of a training row{hint}", Action.WARN))
    if group and (count := count_shared_groups(read(GROUP), holdout)):
        evidence = f"{count} groups of {group.name!r} are on both sides of split.cut"
        leaks.append(Leak(Kind.GROUP_LEAK, (group.name,), evidence, hint=_GROUP_HINT))
    if cut is not None:
        is_late = pc.greater_equal(read(TIME), cut_time(cut))
        if count := pc.sum(pc.and_(is_late, pc.equal(read(SIDE), TRAIN))).as_py():
            evidence = f"{count} training rows are not before {cut}"
            leaks.append(Leak(Kind.TIME_LEAK, (), evidence, hint="Report it: this is a bug of the stage"))
    return leaks


def _order_columns(file: pq.ParquetFile) -> list[str]:
    """Return the features, those first that distinguish most rows: numbers before strings, large before small."""
    schema, group = file.schema_arrow, file.metadata.row_group(0)
    size = {name: group.column(i).total_compressed_size for i, name in enumerate(schema.names)}
    return sorted(feature_names(schema), key=lambda name: (schema.field(name).type == pa.string(), -size[name]))


def count_shared_groups(groups: pa.ChunkedArray, holdout: np.ndarray) -> int:
    """Return how many groups have rows on both sides.

    Parameters
    ----------
    groups : pyarrow.ChunkedArray, shape (rows,)
    holdout : array of bool, shape (rows,)

    Examples
    --------
    >>> count_shared_groups(pa.chunked_array([["a", "b", "a"]]), np.array([True, False, False]))
    1
    """
    sides = (groups.filter(pa.array(side)) for side in (holdout, ~holdout))
    return int(pc.sum(pc.is_in(next(sides).unique(), next(sides))).as_py())


def count_copied_rows(columns: Iterable[pa.ChunkedArray], holdout: np.ndarray) -> int:
    """Return how many rows of the holdout have the values of a training row in all columns.

    Columns are read as long as a row has a copy, so those with many distinct values are best first.

    Parameters
    ----------
    columns : iterable of pyarrow.ChunkedArray, shape (rows,)
    holdout : array of bool, shape (rows,)

    Examples
    --------
    >>> count_copied_rows([pa.chunked_array([[0.5, 1.5, 0.5]])], np.array([True, False, False]))
    1
    """
    hashes, rows = np.zeros(len(holdout), "uint64"), np.arange(len(holdout))
    next_filter = _FIRST_COLUMNS
    for number, values in enumerate(columns, 1):
        hashes ^= _hash_values(values)[rows] if len(rows) < len(values) else _hash_values(values)
        hashes ^= hashes >> np.uint64(32)
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        if number == next_filter:
            next_filter *= 2
            keep = _is_on_both_sides(hashes, holdout)
            rows, hashes, holdout = rows[keep], hashes[keep], holdout[keep]
            if not len(rows):
                return 0
    return int((_is_on_both_sides(hashes, holdout) & holdout).sum())


def _hash_values(values: pa.ChunkedArray) -> np.ndarray:
    """Return 64 bits for each value, equal for equal values."""
    if type_of(values.type) == "category":
        dictionary = values.combine_chunks().dictionary_encode()
        levels = pd.util.hash_array(dictionary.dictionary.to_numpy(zero_copy_only=False), categorize=False)
        codes = pc.fill_null(dictionary.indices, len(levels)).to_numpy()
        return np.asarray(np.append(levels, np.uint64(0))[codes])
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return np.asarray(values.to_numpy().astype(float, copy=False).view("uint64"))


def _is_on_both_sides(hashes: np.ndarray, holdout: np.ndarray) -> np.ndarray:
    """Return which rows have a hash that occurs on both sides."""
    test, train = np.sort(hashes[holdout]), np.sort(hashes[~holdout])  # a sorted search stays in the processor's cache
    both = test[train[np.minimum(np.searchsorted(train, test), len(train) - 1)] == test]
    if not len(both):
        return np.zeros(len(hashes), bool)
    return np.asarray(both[np.minimum(np.searchsorted(both, hashes), len(both) - 1)] == hashes)
