"""Which rows of two typed tables are the same row: by their key, and those without a partner by their features.

Who moves every key, or has none, would otherwise have other rows, whose labels nobody compares.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import NUMERIC, Column, Schema
from plumbline.data.split import units
from plumbline.review.row_distances import MIN_ROWS, Neighbours

# Shares of base's rows with features of their own, from which on equal features mean the same row: where rows are gone
# and others came, and where a row came in addition, which may well be another one.
DISTINCT, VERY_DISTINCT = 0.8, 0.95
EXACT_FACTOR, EXACT_ROWS = 2, 3  # as many times as by chance, and so many rows more
FEW = 0.5  # share of base's rows with a partner, below which columns that changed as a whole are left out


@dataclass(frozen=True)
class Table:
    """The typed table of a commit."""

    rows: pa.Table
    schema: Schema

    @property
    def labels(self) -> np.ndarray:
        """The target of each row as text, shape (rows,)."""
        return to_texts(self.rows.column(self.schema.target.name))

    @property
    def weights(self) -> np.ndarray:
        """The weight of each row as text, shape (rows,); None where the table has no weights."""
        weight = self.schema.column("weight")
        return np.full(len(self.rows), None) if weight is None else to_texts(self.rows.column(weight.name))

    def name_rows(self, columns: Iterable[str]) -> np.ndarray:
        """Return a hash of each row's values in these columns, shape (rows,); one for all rows without columns."""
        types = {column.name: column.type for column in self.schema.columns}
        features = [Column(name, types[name], "feature") for name in columns]
        if not features:
            return np.zeros(len(self.rows), dtype=np.uint64)
        return units(self.rows, replace(self.schema, columns=(self.schema.target, *features)))


@dataclass(frozen=True)
class Matches:
    """The rows that both tables have.

    Attributes
    ----------
    old, new : ndarray of shape (n,)
        Positions in base's and in head's table, in head's order; a row that repeats has one partner at most.
    contradictions : ndarray of shape (m,)
        Positions in head's table of rows without a partner that repeat a row of base under a label that it has nowhere.
    """

    old: np.ndarray
    new: np.ndarray
    contradictions: np.ndarray


def match_rows(old: Table, new: Table, key: str | None) -> Matches:
    """Match the rows of two tables.

    Rows of one name and label are matched first, so that a label counts as changed only where no row explains it.

    Parameters
    ----------
    old, new : Table
        Base's and head's.
    key : str or None
        The column that names rows in both.
    """
    columns, sides = _common_features(old, new), [_describe(table) for table in (old, new)]
    features = _name_by_features(old, new, columns)
    pairs = np.empty((0, 2), dtype=int)
    if key is None and features is None:
        return Matches(pairs[:, 0], pairs[:, 1], np.empty(0, dtype=int))
    features = features or [table.name_rows(columns) for table in (old, new)]
    if key is not None:
        pairs = _pair(sides, [to_texts(table.rows.column(key)) for table in (old, new)], pairs)
    is_distinct = _share_distinct(features[0]) >= DISTINCT
    if key is None or is_distinct:
        more_pairs = _pair(sides, features, pairs)
        count, rows = len(more_pairs) - len(pairs), len(new.rows) - len(pairs)
        pairs = pairs if is_distinct and _is_chance(count, features[0], rows) else more_pairs
    if len(pairs) < FEW * len(old.rows) and (steady := _steady_columns(old, new, columns)):
        names = [table.name_rows(steady) for table in (old, new)]
        if _share_distinct(names[0]) >= DISTINCT:
            pairs = _pair(sides, names, pairs)
    has_doubt = _share_distinct(features[0]) < VERY_DISTINCT
    contradictions = np.empty(0, dtype=int) if has_doubt else _find_contradictions(sides, features, pairs)
    if _is_chance(len(contradictions), features[0], len(new.rows) - len(pairs)):
        contradictions = np.empty(0, dtype=int)
    if len(new.rows) - len(pairs) >= MIN_ROWS:
        pairs, near_contradictions = _pair_near(old, new, _place_rows(old, new, columns), sides, pairs)
        contradictions = np.union1d(contradictions, near_contradictions)
    pairs = pairs[np.argsort(pairs[:, 1], kind="stable")]
    return Matches(pairs[:, 0], pairs[:, 1], np.setdiff1d(contradictions, pairs[:, 1]))


def _pair_near(
    old: Table, new: Table, neighbours: Neighbours, sides: list[pd.DataFrame], pairs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add the pairs of rows of which one is the other with some noise; return what contradicts a row as well."""
    pairs = np.concatenate([pairs, neighbours.find_near(*_list_single_rows(sides, pairs))])
    copies = neighbours.find_near(np.arange(len(old.rows)), _list_single_rows(sides, pairs)[1], is_unique=False)
    has_other_label = old.labels[copies[:, 0]] != new.labels[copies[:, 1]]
    has_many = has_other_label.sum() >= MIN_ROWS
    return pairs, copies[has_other_label, 1] if has_many else np.empty(0, dtype=int)


def _place_rows(old: Table, new: Table, columns: list[str]) -> Neighbours:
    types = {column.name: column.type for column in old.schema.columns}
    names = [name for name in columns if types[name] in (*NUMERIC, "timestamp")]
    return Neighbours.from_tables(old.rows, new.rows, names)


def _list_single_rows(sides: list[pd.DataFrame], pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of base's and of head's rows that have no partner."""
    old, new = (np.setdiff1d(side.row.to_numpy(), pairs[:, place]) for place, side in enumerate(sides))
    return old, new


def _is_chance(count: int, names: np.ndarray, rows: int) -> bool:
    """Whether so many of these new rows may have the features of a row of base without being it.

    The share of base's rows that have those of another row of base is about what new ones have by chance.
    """
    counts = np.unique(names, return_counts=True)[1]
    repeated = int(counts[counts > 1].sum())
    return bool(repeated) and count < EXACT_FACTOR * rows * repeated / len(names) + EXACT_ROWS


def _share_distinct(names: np.ndarray) -> float:
    return len(np.unique(names)) / max(1, len(names))


def _common_features(old: Table, new: Table) -> list[str]:
    """Return the columns that may name a row in both tables: neither key, nor target, nor weight of one of them."""
    beside = {c.name for table in (old, new) for c in table.schema.columns if c.role in ("key", "target", "weight")}
    types = {column.name: _kind(column) for column in new.schema.columns}
    return [c.name for c in old.schema.columns if c.name not in beside and types.get(c.name) == _kind(c)]


def _list_features(table: Table) -> list[str]:
    return [c.name for c in table.schema.columns if c.role not in ("key", "target", "weight")]


def _name_by_features(old: Table, new: Table, columns: list[str]) -> list[np.ndarray] | None:
    """Return a hash of the features of each row of both tables; None where they told rows apart, and no longer do."""
    names = [table.name_rows(columns) for table in (old, new)]
    if _share_distinct(names[0]) >= DISTINCT or _share_distinct(old.name_rows(_list_features(old))) < DISTINCT:
        return names
    names = _name_by_equal_columns(old, new)  # the others are gone, or have other names
    return names if _share_distinct(names[0]) >= DISTINCT else None


def _name_by_equal_columns(old: Table, new: Table) -> list[np.ndarray]:
    """Return a hash of each row's values in the columns that have the same values in both tables, whatever their name.

    A column's values are compared in any order; nothing where the tables are not of one length.
    """
    names = {np.sort(new.name_rows([name])).tobytes(): name for name in _list_features(new)}
    equals = [(name, names.get(np.sort(old.name_rows([name])).tobytes())) for name in _list_features(old)]
    pairs = [(old_name, new_name) for old_name, new_name in equals if new_name is not None]
    return [old.name_rows(name for name, _ in pairs), new.name_rows(name for _, name in pairs)]


def _kind(column: Column) -> str:
    return "number" if column.type == "integer" else column.type


def _steady_columns(old: Table, new: Table, columns: list[str]) -> list[str]:
    """Return the columns with the same values in both tables, in any order: not one that has other units now."""
    if len(old.rows) != len(new.rows):
        return []
    return [name for name in columns if (np.sort(old.name_rows([name])) == np.sort(new.name_rows([name]))).all()]


def _describe(table: Table) -> pd.DataFrame:
    return pd.DataFrame({"label": table.labels, "weight": table.weights, "row": range(len(table.rows))})


def _pair(sides: list[pd.DataFrame], names: list[np.ndarray], pairs: np.ndarray) -> np.ndarray:
    """Add the pairs of rows that have no partner yet and have the same name."""
    rest = [
        side.assign(name=name)[~side.row.isin(pairs[:, place])]
        for place, (side, name) in enumerate(zip(sides, names, strict=True))
    ]
    parts = [pairs]
    for keys in (["name", "label", "weight"], ["name", "label"], ["name"]):
        numbered = [side.assign(copy=side.groupby(keys, dropna=False).cumcount()) for side in rest]
        parts.append(numbered[0].merge(numbered[1], on=[*keys, "copy"])[["row_x", "row_y"]].to_numpy(dtype=int))
        rest = [side[~side.row.isin(parts[-1][:, place])] for place, side in enumerate(rest)]
    return np.concatenate(parts)


def _find_contradictions(sides: list[pd.DataFrame], features: list[np.ndarray], pairs: np.ndarray) -> np.ndarray:
    old, new = (side.assign(name=name) for side, name in zip(sides, features, strict=True))
    rest = new[~new.row.isin(pairs[:, 1]) & new.name.isin(old.name)]
    pairs_of_base = pd.MultiIndex.from_frame(old[["name", "label"]])
    is_known = pd.MultiIndex.from_frame(rest[["name", "label"]]).isin(pairs_of_base)
    return rest.row[~is_known].to_numpy(dtype=int)


def to_texts(values: pa.ChunkedArray) -> np.ndarray:
    """Return values as texts, None where one is missing, shape (rows,)."""
    return np.array(pc.cast(values, pa.string()).to_pylist(), dtype=object)
