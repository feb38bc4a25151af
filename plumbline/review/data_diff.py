"""How the tables of two commits differ: rows and columns added, removed, changed; labels; shifts of distributions.

The result has counts and positions, never values. Rows are matched by the key; without a key a changed row is a removed
and an added one. Rows that repeat are counted: of a row that base has twice and head five times, three are added.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import chi2_contingency, ks_2samp

from plumbline import paths
from plumbline.data.schema import NUMERIC, Schema
from plumbline.data.split import units
from plumbline.review.result.changes import ColumnChanges, DataChanges, RowChanges, TypeChange

MAX_POSITIONS = 20  # of changed rows
CHANCE = 0.001  # p value from which on the labels of the removed rows may be those of any rows


@dataclass(frozen=True)
class _Table:
    """The typed table of a commit."""

    rows: pa.Table
    schema: Schema

    @cached_property
    def types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.schema.columns}

    @cached_property
    def target(self) -> str:
        return self.schema.target.name

    @property
    def labels(self) -> pa.ChunkedArray:
        return self.rows.column(self.target)

    def row_names(self, key: str | None) -> np.ndarray:
        """The key of each row, or a hash of all but the target: a group alone names no row."""
        if key is not None:
            return _to_texts(self.rows.column(key))
        columns = [replace(c, role="feature") if c.role in ("group", "key") else c for c in self.schema.columns]
        return units(self.rows, replace(self.schema, columns=tuple(columns)))


def compare_tables(base: Path, head: Path) -> tuple[DataChanges, np.ndarray]:
    """Compare the tables of two projects in which ingest has run.

    Parameters
    ----------
    base, head : Path
        The folders of the projects.

    Returns
    -------
    DataChanges
    ndarray of shape (n,)
        Positions in head's table of rows whose label changed.
    """
    old, new = _read(base), _read(head)
    key = old.schema.column("key") or new.schema.column("key")
    has_key = key is not None and key.name in old.types and key.name in new.types
    row_names = [table.row_names(key.name if key and has_key else None) for table in (old, new)]
    old_rows, new_rows = _match_rows(row_names, [_to_texts(table.labels) for table in (old, new)])
    is_removed, is_added = ~np.isin(np.arange(len(old.rows)), old_rows), ~np.isin(np.arange(len(new.rows)), new_rows)
    is_relabelled = _differ(old.labels.take(old_rows), new.labels.take(new_rows))
    rows = RowChanges(
        base_count=len(old.rows),
        head_count=len(new.rows),
        added_count=int(is_added.sum()),
        removed_count=int(is_removed.sum()),
        label_change_count=int(is_relabelled.sum()),
        label_change_positions=_first_positions(new_rows[is_relabelled]),
    )
    if has_key:
        rows = _add_value_changes(rows, old, new, old_rows, new_rows, is_relabelled)
    is_removed[old_rows[is_relabelled]] = True
    rows = replace(rows, label_shift=_label_shift(old, new, is_removed, is_matched=has_key or not is_added.any()))
    changes = DataChanges(
        has_key=has_key,
        rows=rows,
        columns=_compare_columns(old.types, new.types),
        shifts=_measure_shifts(old, new, key.name if key else None),
    )
    return changes, new_rows[is_relabelled]


def _read(folder: Path) -> _Table:
    schema = Schema.loads((folder / paths.SCHEMA).read_text(encoding="utf-8"))
    return _Table(pq.read_table(folder / paths.TABLE), schema)


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


def _match_rows(names: list[np.ndarray], labels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of the rows that both tables have, in head's order; a row that repeats has one partner at most.

    Rows of one name and label are matched first, so that a label counts as changed only where no row explains it.
    """
    sides = [
        pd.DataFrame({"name": name, "label": label, "row": range(len(name))})
        for name, label in zip(names, labels, strict=True)
    ]
    matches = []
    for keys in (["name", "label"], ["name"]):
        numbered = [side.assign(copy=side.groupby(keys, dropna=False).cumcount()) for side in sides]
        matches.append(numbered[0].merge(numbered[1], on=[*keys, "copy"])[["row_x", "row_y"]])
        sides = [side[~side.row.isin(matches[-1][row])] for side, row in zip(sides, ("row_x", "row_y"), strict=True)]
    pairs = pd.concat(matches).sort_values("row_y").to_numpy(dtype=int)
    return pairs[:, 0], pairs[:, 1]


def _add_value_changes(
    rows: RowChanges, old: _Table, new: _Table, old_rows: np.ndarray, new_rows: np.ndarray, is_relabelled: np.ndarray
) -> RowChanges:
    """Count the matched rows that differ anywhere, and in which columns."""
    features = [name for name in new.types if name in old.types and name not in (old.target, new.target)]
    old_values, new_values = old.rows.take(old_rows), new.rows.take(new_rows)
    is_different = {name: _differ(old_values.column(name), new_values.column(name)) for name in features}
    is_changed = np.any([*is_different.values(), is_relabelled], axis=0) if len(new_rows) else is_relabelled
    return replace(
        rows,
        change_count=int(is_changed.sum()),
        change_positions=_first_positions(new_rows[is_changed]),
        change_count_by_column={name: int(mask.sum()) for name, mask in is_different.items() if mask.any()},
    )


def _first_positions(rows: np.ndarray) -> tuple[int, ...]:
    return tuple((rows + 1)[:MAX_POSITIONS].tolist())


def _label_shift(old: _Table, new: _Table, is_removed: np.ndarray, *, is_matched: bool) -> float:
    """Return how far the labels of base's rows shifted by the removed rows, from 0 to 1; 0 where it may be chance.

    Without a key a removed row may have been changed, where others came: then the whole tables are compared.
    """
    if not is_removed.any():
        return 0.0
    labels, task = old.labels, new.schema.task
    removed, rest = labels, new.labels
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


def _measure_shifts(old: _Table, new: _Table, key: str | None) -> dict[str, float]:
    """Return how far the distribution of each column shifted, the largest first."""
    names = [name for name in new.types if old.types.get(name) == new.types[name] and name != key]
    shifts = {name: _shift(old.rows.column(name), new.rows.column(name), new.types[name]) for name in names}
    return dict(sorted(((name, shift) for name, shift in shifts.items() if shift), key=lambda item: -item[1]))


def _to_texts(values: pa.ChunkedArray) -> np.ndarray:
    return np.array(values.cast(pa.string()).to_pylist(), dtype=object)


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
