"""The split: the hash of a row's key or group decides its side, so a row keeps its side when rows are added."""

from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.schema import ARROW, Schema

_SAMPLE_SALT = -1  # no split.salt, so that a sample has rows of both sides
_BATCH = 1 << 17  # rows
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), 0x9E3779B97F4A7C15)


def unit_columns(schema: Schema) -> list[str]:
    """Return the columns that identify a row for the split: group, else key, else all columns but the target."""
    unit = schema.column("group") or schema.column("key")
    return [unit.name] if unit else [column.name for column in schema.columns if column.role != "target"]


def units(table: pa.Table, schema: Schema) -> np.ndarray:
    """Return the hash of each row's group, key or values.

    Without group and key, integers count as doubles: a column that has decimals one day keeps the sides of its rows.

    Parameters
    ----------
    table : pyarrow.Table
        Typed rows with the columns of `unit_columns`.
    schema : Schema

    Returns
    -------
    array of uint64, shape (rows,)
        The first 8 bytes of BLAKE2b over the text of the values.
    """
    has_unit = (schema.column("group") or schema.column("key")) is not None
    texts = [_to_text(table.column(name), exact=has_unit) for name in unit_columns(schema)]
    joined = pc.binary_join_element_wise(*texts, "\x1f").cast(pa.binary())
    digests = [blake2b(text, digest_size=8).digest() for text in joined.to_pylist()]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _to_text(values: pa.ChunkedArray, exact: bool) -> pa.ChunkedArray:
    if pa.types.is_integer(values.type) and not exact:
        values = values.cast(pa.float64(), safe=False)
    return pc.fill_null(values.cast(pa.string()), "\x00")


def position(units: np.ndarray, salt: int) -> np.ndarray:
    """Return the position of each unit in [0, 1) under this salt.

    Parameters
    ----------
    units : array of uint64, shape (rows,)
    salt : int

    Returns
    -------
    array of float, shape (rows,)
        Uniform; rows below the share of the holdout belong to it.

    References
    ----------
    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators: splitmix64 of unit and salt.
    """
    bits = units ^ np.uint64((salt + 1) * _MIX[2] % 2**64)
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)) / float(1 << 53)


def cut_time(cut: str) -> pa.Scalar:
    """Return split.cut as a timestamp that Arrow compares with a column."""
    return pa.scalar(datetime.fromisoformat(cut), ARROW["timestamp"])


def shortfall(holdout: np.ndarray, codes: np.ndarray | None, groups: np.ndarray | None, min_rows: int) -> str:
    """Return what a split lacks, as a sentence for an error; empty where it can be used.

    Parameters
    ----------
    holdout : array of bool, shape (rows,)
    codes : array of int, shape (rows,), or None
        The class of each row, None for a regression.
    groups : array, shape (rows,), or None
        The group of each row.
    min_rows : int
        Rows that each side must have.

    Examples
    --------
    >>> shortfall(np.array([True, False, False]), None, None, 2)
    'the holdout has 1 rows, expected at least 2'
    """
    for side, rows, min_class_rows in (("training set", ~holdout, 2), ("holdout", holdout, 1)):
        counts = [("rows", int(rows.sum()), min_rows)]
        if codes is not None:
            class_rows = np.bincount(codes[rows], minlength=codes.max() + 1)
            counts.append(("rows of its rarest class", int(class_rows.min()), min_class_rows))
        if groups is not None:
            counts.append(("groups", len(np.unique(groups[rows])), 2))
        for what, count, minimum in counts:
            if count < minimum:
                return f"the {side} has {count} {what}, expected at least {minimum}"
    return ""


def sample_rows(source: Path, path: Path, schema: Schema, share: float) -> int:
    """Write about this share of the rows of a typed Parquet, whole groups or keys, to another one.

    Returns
    -------
    int
        The number of rows in the sample.
    """
    file, columns = pq.ParquetFile(source), unit_columns(schema)
    with pq.ParquetWriter(path, file.schema_arrow) as writer:
        count = 0
        for batch in file.iter_batches(_BATCH, use_threads=False):
            rows = pa.Table.from_batches([batch])
            mask = position(units(rows.select(columns), schema), _SAMPLE_SALT) < share
            writer.write_table(rows.filter(pa.array(mask)))
            count += int(np.count_nonzero(mask))
    return count
