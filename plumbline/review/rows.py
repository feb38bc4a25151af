"""What happened to the table: rows and columns added, removed, changed; labels changed; how far each column moved.

Counts and positions, never values. Rows are known by the key; without one a changed row is a removed and an added one.
Rows that repeat are counted: of a row that base has twice and head five times, three were added.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import chi2_contingency, ks_2samp

from plumbline import paths
from plumbline.data.schema import NUMERIC, Schema
from plumbline.data.split import units

SHOWN = 20  # positions of changed rows
CHANCE = 0.001  # p from which on the labels of the rows that are gone may be those of any rows


def difference(base: Path, head: Path) -> tuple[dict[str, Any], np.ndarray]:
    """What happened, and the positions in head's table of rows whose label changed; both have run ingest."""
    (old, old_schema), (new, new_schema) = (_read(folder) for folder in (base, head))
    kinds = [{column.name: column.type for column in schema.columns} for schema in (old_schema, new_schema)]
    common = [name for name in kinds[1] if name in kinds[0]]
    key = old_schema.column("key") or new_schema.column("key")
    known = key is not None and all(key.name in each for each in kinds)
    found: dict[str, Any] = {"columns": _columns(*kinds), "by_key": known}
    named_so = _target(old_schema), _target(new_schema)
    targets = [old.column(named_so[0]), new.column(named_so[1])]
    by, sides = key.name if known and key else None, ((old, old_schema), (new, new_schema))
    before, after = _pairs([_named(*side, by) for side in sides], [_words(each) for each in targets])
    gone, added = ~np.isin(np.arange(len(old)), before), ~np.isin(np.arange(len(new)), after)
    labels = _differ(targets[0].take(before), targets[1].take(after))
    found["rows"] = {"base": len(old), "head": len(new), "added": int(added.sum()), "removed": int(gone.sum())}
    found["rows"] |= {"labels": int(labels.sum()), "labels_at": (after[labels] + 1)[:SHOWN].tolist()}
    if known:
        features = [name for name in common if name not in named_so]
        found["rows"] |= _changed(old.take(before), new.take(after), features, labels, after)
    gone[before[labels]] = True
    # Without a key a row that is gone may have been changed, where others came: then the whole tables are compared.
    if known or not added.any():
        one, other = (targets[0].filter(pa.array(each)) for each in (gone, ~gone))
    else:
        one, other = targets
    found["rows"]["selected"] = _selected(targets[0], one, other, new_schema.task) if gone.any() else 0.0
    same_kind = [name for name in common if kinds[0][name] == kinds[1][name] and (key is None or name != key.name)]
    moved = {name: _moved(old.column(name), new.column(name), kinds[1][name]) for name in same_kind}
    found["moved"] = dict(sorted(((n, m) for n, m in moved.items() if m), key=lambda item: -item[1]))
    return found, after[labels]


def _columns(old: dict[str, str], new: dict[str, str]) -> dict[str, Any]:
    """Names of columns that were added and removed, and both types of those that were retyped."""
    return {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": {name: [old[name], kind] for name, kind in new.items() if old.get(name, kind) != kind},
    }


def _pairs(names: list[np.ndarray], labels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows that both have, in head's order; of rows that repeat each has one partner at most.

    Rows of one name and label are paired first, so that a label counts as changed only where no row explains it.
    """
    sides = [pd.DataFrame({"name": name, "label": label, "row": range(len(name))})
             for name, label in zip(names, labels, strict=True)]  # fmt: skip
    found = []
    for by in (["name", "label"], ["name"]):
        counted = [side.assign(copy=side.groupby(by, dropna=False).cumcount()) for side in sides]
        found.append(counted[0].merge(counted[1], on=[*by, "copy"])[["row_x", "row_y"]])
        sides = [side[~side.row.isin(found[-1][at])] for side, at in zip(sides, ("row_x", "row_y"), strict=True)]
    pairs = pd.concat(found).sort_values("row_y").to_numpy(dtype=int)
    return pairs[:, 0], pairs[:, 1]


def _target(schema: Schema) -> str:
    return schema.target.name


def _selected(labels: pa.ChunkedArray, gone: pa.ChunkedArray, kept: pa.ChunkedArray, task: str) -> float:
    """How far the labels of base's rows moved, from 0 to 1, by the rows that are gone; 0 where it may be chance."""
    if not len(gone) or not len(kept):
        return 0.0
    if task == "regression":
        one, other = (np.asarray(each.cast(pa.float64(), safe=False).drop_null()) for each in (gone, kept))
        return _moved(labels, kept, "number") if ks_2samp(one, other, method="asymp").pvalue < CHANCE else 0.0
    counts = [each.cast(pa.string()).to_pandas().value_counts() for each in (gone, kept)]
    table = pd.concat(counts, axis=1).fillna(0).to_numpy()
    is_chance = len(table) < 2 or chi2_contingency(table).pvalue >= CHANCE
    return 0.0 if is_chance else _moved(labels.cast(pa.string()), kept.cast(pa.string()), "text")


def _read(folder: Path) -> tuple[pa.Table, Schema]:
    schema = Schema.loads((folder / paths.SCHEMA).read_text(encoding="utf-8"))
    return pq.read_table(folder / paths.TABLE), schema


def _named(table: pa.Table, schema: Schema, key: str | None) -> np.ndarray:
    """Of each row its key, or a hash of all that it holds beside the target: a group alone names no row."""
    if key is None:
        plain = [replace(c, role="feature") if c.role in ("group", "key") else c for c in schema.columns]
        return units(table, replace(schema, columns=tuple(plain)))
    return _words(table.column(key))


def _words(values: pa.ChunkedArray) -> np.ndarray:
    return np.array(values.cast(pa.string()).to_pylist(), dtype=object)


def _changed(old: pa.Table, new: pa.Table, features: list[str], labels: np.ndarray, at: np.ndarray) -> dict[str, Any]:
    """Of rows that both have: how many differ anywhere, and in which columns. at: where they are in head's table."""
    differing = {name: _differ(old.column(name), new.column(name)) for name in features}
    anywhere = np.any([*differing.values(), labels], axis=0) if len(at) else labels
    return {
        "changed": int(anywhere.sum()),
        "changed_at": (at + 1)[anywhere][:SHOWN].tolist(),
        "by_column": {name: int(where.sum()) for name, where in differing.items() if where.any()},
    }


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
