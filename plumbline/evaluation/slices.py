"""Slices: rows of the holdout that share a level, or are in the same quarter, of a source column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from plumbline import paths
from plumbline.bootstrap import Bootstrap, Estimate
from plumbline.data.schema import NUMERIC, Schema, to_frame
from plumbline.errors import ParamsError
from plumbline.evaluation.encoding import decode_estimate, encode, read_file
from plumbline.metrics import lower_is_better
from plumbline.params import suggest

MAX_LEVELS = 12  # of a column with more levels the most frequent ones are slices
MAX_COLUMNS = 5
QUARTERS = 4
SMALL = 30  # rows; the metrics of a smaller slice are shown and not judged
MAX_LENGTH = 80  # characters of a level


@dataclass(frozen=True)
class Slice:
    """A slice of the holdout.

    Attributes
    ----------
    column, level : str
    rows : array, shape (rows,)
        Positions in the holdout.
    """

    column: str
    level: str
    rows: np.ndarray


@dataclass(frozen=True)
class SliceMetrics:
    """The metrics of a slice, or of a group of a protected column; an entry of lists in metrics/slices.json."""

    column: str
    level: str
    rows: int
    small: bool  # too small to judge
    metrics: Mapping[str, Estimate]

    @classmethod
    def of(cls, slice_: Slice, metrics: Bootstrap) -> "SliceMetrics":
        """Return the metrics of a slice with their intervals."""
        rows = len(slice_.rows)
        return cls(slice_.column, slice_.level, rows, rows < SMALL, metrics.estimates())

    @classmethod
    def decode(cls, entry: Mapping[str, Any]) -> "SliceMetrics":
        """Return the metrics of a slice from their wire form."""
        metrics = {name: decode_estimate(value) for name, value in entry.items() if isinstance(value, list)}
        return cls(entry["column"], entry["level"], entry["rows"], entry["small"], metrics)

    def encode(self) -> dict[str, Any]:
        """Return the wire form: the metrics are beside the other fields."""
        content: dict[str, Any] = encode(self)
        metrics: dict[str, Any] = content.pop("metrics")
        return content | metrics


def sort_worst_first(slices: Sequence[SliceMetrics], metric: str) -> list[SliceMetrics]:
    """Return the slices that are large enough to judge by a metric, the worst first."""
    candidates = [slice_ for slice_ in slices if not slice_.small and not isnan(slice_.metrics[metric].value)]
    return sorted(candidates, key=lambda s: s.metrics[metric].value, reverse=lower_is_better(metric))


def read_slices() -> list[SliceMetrics]:
    """Return what metrics/slices.json has."""
    return [SliceMetrics.decode(entry) for entry in read_file(paths.SLICES)["slices"]]


def choose_columns(
    setting: Sequence[str] | Literal["auto"], schema: Schema, table: pa.Table, score: np.ndarray
) -> list[str]:
    """Return the columns to slice by.

    Parameters
    ----------
    setting : list of str, or "auto"
        evaluate.slices. auto: categories and flags of few levels, then the numbers with which the prediction correlates
        most; `MAX_COLUMNS` together.
    schema : Schema
    table : Table
        The source's columns of the holdout.
    score : array, shape (rows,)
        A predicted value or probability of each row.

    Raises
    ------
    ParamsError
        Where the table has no such column.
    """
    if setting != "auto":
        absent = [name for name in setting if name not in table.column_names]
        if absent:
            raise ParamsError(
                f"params.yaml: evaluate.slices names {absent[0]!r}, expected columns other than target and key",
                hint=suggest(absent[0], table.column_names) or "data/schema.json lists the columns",
            )
        return list(setting)
    columns = [c for c in schema.columns if c.role in ("feature", "group", "time")]
    levels = [c.name for c in columns if c.type in ("category", "boolean") and 2 <= c.distinct <= MAX_LEVELS]
    numbers = [c.name for c in columns if c.type in NUMERIC and c.distinct > QUARTERS]
    values = to_frame(table, dict.fromkeys(numbers, "number"))
    correlation = values.corrwith(pd.Series(score), method="spearman").abs().round(6)
    correlation = correlation.where(values.count() >= SMALL, 0).fillna(0)
    return [*levels, *sorted(numbers, key=lambda name: -correlation[name])][:MAX_COLUMNS]


def cut_slices(names: Sequence[str], schema: Schema, table: pa.Table) -> list[Slice]:
    """Return the slices of the holdout by these columns; missing values are a slice of their own.

    Parameters
    ----------
    names : sequence of str
    schema : Schema
    table : Table
        The source's columns of the holdout.
    """
    types = {column.name: column.type for column in schema.columns}
    slices = []
    for name, values in to_frame(table, {name: types[name] for name in names}).items():
        has_order = types[str(name)] in (*NUMERIC, "timestamp") and values.nunique() > MAX_LEVELS
        masks = _quarters(values) if has_order else _levels(values)
        for level, mask in [*masks, ("(missing)", values.isna())]:
            rows = np.flatnonzero(mask.to_numpy(dtype=bool, na_value=False))
            if len(rows):
                slices.append(Slice(str(name), level[:MAX_LENGTH], rows))
    return slices


Masks = list[tuple[str, "pd.Series[bool]"]]  # labels, and the rows of each


def _levels(values: "pd.Series[Any]") -> Masks:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [(_text(level, ".15g"), values == level) for level in sorted(counts.index[:MAX_LEVELS])]


def _quarters(values: "pd.Series[Any]") -> Masks:
    edges = list(values.quantile(np.linspace(0, 1, QUARTERS + 1)).unique())
    masks = []
    for low, high in pairwise(edges):
        side, bracket = ("both", "]") if high == edges[-1] else ("left", ")")
        label = f"[{_text(low, '.4g')}, {_text(high, '.4g')}{bracket}"
        masks.append((label, values.between(low, high, inclusive=side)))  # type: ignore[arg-type]
    return masks


def _text(value: Any, spec: str) -> str:
    return format(value, spec) if isinstance(value, float) else str(value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values of a family of tests, adjusted by Holm's method.

    References
    ----------
    Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted_values, bound = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        bound = max(bound, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted_values[place] = bound
    return adjusted_values
