"""What happened to the table: rows and columns added, removed, changed; labels changed; how far each column moved.

Counts and positions, never values. Rows are known by the key; without one a changed row is a removed and an added one.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import ks_2samp

from src import names
from src.predictor.schema import NUMERIC, Schema
from src.table.split import units

SHOWN = 20  # positions of changed rows


def difference(base: Path, head: Path) -> tuple[dict[str, Any], np.ndarray]:
    """What happened, and the positions in head's table of rows whose label changed; both have run ingest."""
    (old, old_schema), (new, new_schema) = (_read(folder) for folder in (base, head))
    kinds = [{column.name: column.type for column in schema.columns} for schema in (old_schema, new_schema)]
    common = [name for name in kinds[1] if name in kinds[0]]
    key = new_schema.column("key")
    known = key is not None and key.name in kinds[0]
    found: dict[str, Any] = {
        "columns": {
            "added": [name for name in kinds[1] if name not in kinds[0]],
            "removed": [name for name in kinds[0] if name not in kinds[1]],
            "retyped": {name: [kinds[0][name], kinds[1][name]] for name in common if kinds[0][name] != kinds[1][name]},
        },
        "by_key": known,
    }
    named = [_named(table, schema, key.name if known and key else None) for table, schema in
             ((old, old_schema), (new, new_schema))]  # fmt: skip
    places = pd.Series(np.arange(len(named[0])), index=named[0])
    places = places[~places.index.duplicated()]
    at = places.reindex(named[1]).to_numpy()
    both = ~np.isnan(at)
    found["rows"] = {"base": len(old), "head": len(new), "added": int((~both).sum()),
                     "removed": int((~np.isin(named[0], named[1])).sum())}  # fmt: skip
    if known or not found["rows"]["added"]:  # else a row that is gone may have been changed
        found["rows"]["selected"] = _selected(old, old_schema, np.isin(named[0], named[1]))
    relabelled = np.array([], dtype=int)
    if known:
        paired = old.take(at[both].astype(int)), new.filter(pa.array(both))
        changed, relabelled = _changed(*paired, common, new_schema, np.flatnonzero(both))
        found["rows"] |= changed
    same_kind = [name for name in common if kinds[0][name] == kinds[1][name]]
    moved = {name: _moved(old.column(name), new.column(name), kinds[1][name]) for name in same_kind}
    found["moved"] = dict(sorted(((n, m) for n, m in moved.items() if m), key=lambda item: -item[1]))
    return found, relabelled


def _selected(old: pa.Table, schema: Schema, kept: np.ndarray) -> float:
    """How far the labels of base's rows moved, from 0 to 1, because some of the rows are gone."""
    target = next(column for column in schema.columns if column.role == "target")
    labels = old.column(target.name)
    return _moved(labels, labels.filter(pa.array(kept)), target.type) if kept.any() else 0.0


def _read(folder: Path) -> tuple[pa.Table, Schema]:
    schema = Schema.loads((folder / names.SCHEMA).read_text(encoding="utf-8"))
    return pq.read_table(folder / names.TABLE), schema


def _named(table: pa.Table, schema: Schema, key: str | None) -> np.ndarray:
    if key is None:
        return units(table, schema)
    return np.array(table.column(key).cast(pa.string()).to_pylist(), dtype=object)


def _changed(
    old: pa.Table, new: pa.Table, common: list[str], schema: Schema, at: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """Of rows that both have: how many differ anywhere, in which columns, and in their label. at: where they are."""
    positions = at + 1
    differing = {name: _differ(old.column(name), new.column(name)) for name in common}
    target = next(column.name for column in schema.columns if column.role == "target")
    labels = differing.pop(target, np.zeros(len(positions), bool))
    anywhere = np.any([*differing.values(), labels], axis=0) if len(positions) else labels
    counts = {
        "changed": int(anywhere.sum()),
        "changed_at": positions[anywhere][:SHOWN].tolist(),
        "labels": int(labels.sum()),
        "labels_at": positions[labels][:SHOWN].tolist(),
        "by_column": {name: int(where.sum()) for name, where in differing.items() if where.any()},
    }
    return counts, at[labels]


def _differ(old: pa.ChunkedArray, new: pa.ChunkedArray) -> np.ndarray:
    one, other = (values.cast(pa.string()) for values in (old, new))
    equal = pc.fill_null(pc.equal(one, other), False)
    neither = pc.and_(pc.is_null(one), pc.is_null(other))
    return ~pc.or_(equal, neither).to_numpy(zero_copy_only=False).astype(bool)


def _moved(old: pa.ChunkedArray, new: pa.ChunkedArray, kind: str) -> float:
    """How far a column's distribution moved, from 0 to 1: Kolmogorov and Smirnov's distance, or the total variation."""
    if kind in (*NUMERIC, "timestamp"):
        whole = pa.int64() if kind == "timestamp" else pa.float64()
        one, other = (np.asarray(each.drop_null().cast(whole, safe=False)).astype(float) for each in (old, new))
        return round(float(ks_2samp(one, other, method="asymp").statistic), 4) if len(one) and len(other) else 0.0
    shares = [pd.Series(values.cast(pa.string()).to_pandas()).value_counts(normalize=True, dropna=False)
              for values in (old, new)]  # fmt: skip
    return round(float(shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2), 4)
