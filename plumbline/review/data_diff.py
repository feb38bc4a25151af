"""How the tables of two commits differ: rows and columns added, removed, changed; labels; shifts of distributions.

The result has counts and positions, never values. Rows are matched by the key, and those without a partner by their
features (row_matches.py); without a key a changed row is a removed and an added one. Rows that repeat are counted: of a
row that base has twice and head five times, three are added.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import chi2_contingency, ks_2samp

from plumbline import paths
from plumbline.data.schema import NUMERIC, Schema
from plumbline.review.result.changes import ColumnChanges, DataChanges, RowChanges, TypeChange
from plumbline.review.row_matches import Matches, Table, match_rows

MAX_POSITIONS = 20  # of changed rows
CHANCE = 0.001  # p value from which on the labels of the removed rows may be those of any rows


def compare_tables(base: Path, head: Path, matches: Matches | None = None) -> tuple[DataChanges, np.ndarray]:
    """Compare the tables of two projects in which ingest has run.

    Parameters
    ----------
    base, head : Path
        The folders of the projects.
    matches : Matches, optional
        Which rows are the same; looked for by default.

    Returns
    -------
    DataChanges
    ndarray of shape (n,)
        Positions in head's table of rows whose label changed.
    """
    old, new = _read(base), _read(head)
    key = old.schema.column("key") or new.schema.column("key")
    old_types, new_types = _list_types(old), _list_types(new)
    has_key = key is not None and key.name in old_types and key.name in new_types
    matches = matches or match_rows(old, new, key.name if key and has_key else None)
    is_removed, is_added = (
        ~np.isin(np.arange(len(table.rows)), rows) for table, rows in ((old, matches.old), (new, matches.new))
    )
    is_relabelled = old.labels[matches.old] != new.labels[matches.new]
    relabelled = np.sort(np.concatenate([matches.new[is_relabelled], matches.contradictions]))
    rows = RowChanges(
        base_count=len(old.rows),
        head_count=len(new.rows),
        added_count=int(is_added.sum()),
        removed_count=int(is_removed.sum()),
        label_change_count=len(relabelled),
        label_change_positions=_first_positions(relabelled),
    )
    rows = _add_value_changes(rows, old, new, matches, is_relabelled, has_key=has_key)
    is_removed[matches.old[is_relabelled]] = True
    rows = replace(rows, label_shift=_label_shift(old, new, is_removed, is_matched=has_key or not is_added.any()))
    changes = DataChanges(
        has_key=has_key,
        rows=rows,
        columns=_compare_columns(old_types, new_types),
        shifts=_measure_shifts(old, new, key.name if key else None),
    )
    return changes, relabelled


def _read(folder: Path) -> Table:
    schema = Schema.loads((folder / paths.SCHEMA).read_text(encoding="utf-8"))
    return Table(pq.read_table(folder / paths.TABLE), schema)


def _list_types(table: Table) -> dict[str, str]:
    return {column.name: column.type for column in table.schema.columns}


def _compare_columns(old: dict[str, str], new: dict[str, str]) -> ColumnChanges:
    """Compare the types of columns by name."""
    return ColumnChanges(
        added_names=tuple(name for name in new if name not in old),
        removed_names=tuple(name for name in old if name not in new),
        type_changes=tuple(
            TypeChange(column=name, base=old[name], head=type_)
            for name, type_ in new.items()
            if old.get(name, type_) != type_
        ),
    )


def _add_value_changes(
    rows: RowChanges, old: Table, new: Table, matches: Matches, is_relabelled: np.ndarray, *, has_key: bool
) -> RowChanges:
    """Count the matched rows that differ anywhere, and in which columns; without a key only other weights are known."""
    weight = old.schema.column("weight")
    targets = (old.schema.target.name, new.schema.target.name)
    names = [name for name in _list_types(new) if name in _list_types(old) and name not in targets]
    old_values, new_values = old.rows.take(matches.old), new.rows.take(matches.new)
    counted_names = [name for name in names if has_key or (weight and name == weight.name)]
    is_different = {name: _differ(old_values.column(name), new_values.column(name)) for name in counted_names}
    rows = replace(rows, change_count_by_column={n: int(mask.sum()) for n, mask in is_different.items() if mask.any()})
    if not has_key:
        return rows
    is_changed = np.any([*is_different.values(), is_relabelled], axis=0) if len(matches.new) else is_relabelled
    positions = _first_positions(matches.new[is_changed])
    return replace(rows, change_count=int(is_changed.sum()), change_positions=positions)


def _first_positions(rows: np.ndarray) -> tuple[int, ...]:
    return tuple((rows + 1)[:MAX_POSITIONS].tolist())


def _label_shift(old: Table, new: Table, is_removed: np.ndarray, *, is_matched: bool) -> float:
    """Return how far the labels of base's rows shifted by the removed rows, from 0 to 1; 0 where it may be chance.

    Without a key a removed row may have been changed, where others came: then the whole tables are compared.
    """
    if not is_removed.any():
        return 0.0
    labels, task = old.rows.column(old.schema.target.name), new.schema.task
    removed, rest = labels, new.rows.column(new.schema.target.name)
    if is_matched:
        removed, rest = (labels.filter(pa.array(mask)) for mask in (is_removed, ~is_removed))
    if not len(removed) or not len(rest):
        return 0.0
    if task == "regression":
        samples = [np.asarray(part.cast(pa.float64(), safe=False).drop_null()) for part in (removed, rest)]
        is_shifted = ks_2samp(*samples, method="asymp").pvalue < CHANCE
        return _shift(labels, rest, "number") if is_shifted else 0.0
    counts = [part.cast(pa.string()).to_pandas().value_counts() for part in (removed, rest)]
    table = pd.concat(counts, axis=1).fillna(0).to_numpy()
    is_chance = len(table) < 2 or chi2_contingency(table).pvalue >= CHANCE
    return 0.0 if is_chance else _shift(labels.cast(pa.string()), rest.cast(pa.string()), "text")


def _measure_shifts(old: Table, new: Table, key: str | None) -> dict[str, float]:
    """Return how far the distribution of each column shifted, the largest first."""
    old_types, types = _list_types(old), _list_types(new)
    names = [name for name in types if old_types.get(name) == types[name] and name != key]
    shifts = {name: _shift(old.rows.column(name), new.rows.column(name), types[name]) for name in names}
    return dict(sorted(((name, shift) for name, shift in shifts.items() if shift), key=lambda item: -item[1]))


def _differ(old: pa.ChunkedArray, new: pa.ChunkedArray) -> np.ndarray:
    """Return where values differ, shape (rows,); two missing values are equal."""
    old, new = (values.cast(pa.string()) for values in (old, new))
    equal = pc.fill_null(pc.equal(old, new), False)
    both_missing = pc.and_(pc.is_null(old), pc.is_null(new))
    is_equal: np.ndarray = pc.or_(equal, both_missing).to_numpy(zero_copy_only=False).astype(bool)
    return ~is_equal


def _shift(old: pa.ChunkedArray, new: pa.ChunkedArray, type_: str) -> float:
    """Return how far a distribution shifted, from 0 to 1: Kolmogorov-Smirnov distance, or total variation distance."""
    if type_ in (*NUMERIC, "timestamp"):
        arrow_type = pa.int64() if type_ == "timestamp" else pa.float64()
        samples = [np.asarray(values.drop_null().cast(arrow_type, safe=False)).astype(float) for values in (old, new)]
        return round(float(ks_2samp(*samples, method="asymp").statistic), 4) if all(map(len, samples)) else 0.0
    shares = [
        pd.Series(values.cast(pa.string()).to_pandas()).value_counts(normalize=True, dropna=False)
        for values in (old, new)
    ]
    return round(float(shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2), 4)
