"""The split: a hash of what names a row decides its side, so a row stays on its side whatever rows are added."""

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from src.predictor.schema import Schema

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15))


def unit_columns(schema: Schema) -> list[str]:
    """What names a row for the split: its group, else its key, else all source columns but the target."""
    one = schema.column("group") or schema.column("key")
    return [one.name] if one else [c.name for c in schema.columns if c.role != "target"]


def units(table: pa.Table, names: list[str]) -> np.ndarray:
    """Each row's name as a number, dtype uint64, shape (rows,): the first 8 bytes of BLAKE2b over its text.

    Of several columns, numbers are taken as doubles, so that a column that gains decimals one day keeps its rows.
    """
    texts = [_text(table.column(name), several=len(names) > 1) for name in names]
    joined = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "\x1f")
    digests = [blake2b(text, digest_size=8).digest() for text in joined.cast(pa.binary()).to_pylist()]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _text(values: pa.ChunkedArray, several: bool) -> pa.ChunkedArray:
    if several and pa.types.is_integer(values.type):
        values = values.cast(pa.float64(), safe=False)
    return pc.fill_null(values.cast(pa.string()), "\x00")


def position(units: np.ndarray, salt: int) -> np.ndarray:
    """Where each unit falls in [0, 1) under this salt: splitmix64 (Steele, Lea and Flood 2014) of unit and salt."""
    with np.errstate(over="ignore"):
        mixed = units ^ (np.uint64(salt + 1) * _MIX[2])
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) / float(1 << 53)


def shortfall(holdout: np.ndarray, codes: np.ndarray | None, units: np.ndarray | None, least: int) -> str:
    """What a split lacks to be of use, in words; empty when nothing.

    holdout: bool per row; codes: the class of each row, None for regression; units: the group of each row, or None.
    least: rows that each side must have.
    """
    for side, rows in (("training part", ~holdout), ("holdout", holdout)):
        count = int(rows.sum())
        if count < least:
            return f"the {side} has {count} rows, expected at least {least}"
        if codes is not None:
            per_class = np.bincount(codes[rows], minlength=int(codes.max()) + 1)
            floor = 2 if side == "training part" else 1
            if per_class.min() < floor:
                return f"the {side} has {per_class.min()} rows of its rarest class, expected at least {floor}"
        if units is not None and len(np.unique(units[rows])) < 2:
            return f"the {side} has {len(np.unique(units[rows]))} groups, expected at least 2"
    return ""
