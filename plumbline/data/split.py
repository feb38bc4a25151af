"""The split: a hash of what names a row decides its side, so a row stays on its side whatever rows are added."""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.schema import Schema

SALT = -1  # of `thin`, no split.salt: the rows kept are not those of one side
BATCH = 1 << 17
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), 0x9E3779B97F4A7C15)


def unit_columns(schema: Schema) -> list[str]:
    """What names a row for the split: its group, else its key, else all source columns but the target."""
    one = schema.column("group") or schema.column("key")
    return [one.name] if one else [c.name for c in schema.columns if c.role != "target"]


def units(table: pa.Table, schema: Schema) -> np.ndarray:
    """Each row's name as a number, dtype uint64, shape (rows,): the first 8 bytes of BLAKE2b over its text.

    Without group and key, integers are taken as doubles: a column that gains decimals one day keeps its rows.
    """
    named = schema.column("group") or schema.column("key")
    texts = [_text(table.column(name), exact=named is not None) for name in unit_columns(schema)]
    joined = pc.binary_join_element_wise(*texts, "\x1f").cast(pa.binary())
    digests = [blake2b(text, digest_size=8).digest() for text in joined.to_pylist()]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _text(values: pa.ChunkedArray, exact: bool) -> pa.ChunkedArray:
    if pa.types.is_integer(values.type) and not exact:
        values = values.cast(pa.float64(), safe=False)
    return pc.fill_null(values.cast(pa.string()), "\x00")


def position(units: np.ndarray, salt: int) -> np.ndarray:
    """Where each unit falls in [0, 1) under this salt: splitmix64 (Steele, Lea and Flood 2014) of unit and salt."""
    mixed = units ^ np.uint64((salt + 1) * _MIX[2] % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) / float(1 << 53)


def shortfall(holdout: np.ndarray, codes: np.ndarray | None, groups: np.ndarray | None, least: int) -> str:
    """What a split lacks to be of use, in words; empty when nothing.

    holdout: bool per row; codes: the class of each row, None for a regression; groups: of each row, or None.
    least: rows that each side must have.
    """
    for side, rows, fewest in (("training part", ~holdout, 2), ("holdout", holdout, 1)):
        counts = [("rows", int(rows.sum()), least)]
        if codes is not None:
            counts.append(
                ("rows of its rarest class", int(np.bincount(codes[rows], minlength=codes.max() + 1).min()), fewest)
            )
        if groups is not None:
            counts.append(("groups", len(np.unique(groups[rows])), 2))
        for what, count, wanted in counts:
            if count < wanted:
                return f"the {side} has {count} {what}, expected at least {wanted}"
    return ""


def thin(source: Path, path: Path, schema: Schema, share: float) -> int:
    """Writes about this share of the rows, whole groups or keys, and says how many there are."""
    file, columns = pq.ParquetFile(source), unit_columns(schema)
    with pq.ParquetWriter(path, file.schema_arrow) as writer:
        kept = 0
        for batch in file.iter_batches(BATCH, use_threads=False):
            rows = pa.Table.from_batches([batch])
            mask = position(units(rows.select(columns), schema), SALT) < share
            writer.write_table(rows.filter(pa.array(mask)))
            kept += int(np.count_nonzero(mask))
    return kept
