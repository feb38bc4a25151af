"""A first suite of expectations for a table, drafted from its columns and from pairs; people review and own it."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.data.roles import looks_like_id
from plumbline.data.schema import NUMERIC, Column, Schema
from plumbline.expectations.room import ALARM, Room, at_least, outward
from plumbline.expectations.suite import expect

BOUNDS = 12  # of a column, about: they share the suite's chance of a false alarm
FEWEST = 20  # values below which a column says nothing about another sample
SHRINK, GROW = 0.9, 10  # a table loses few rows and may become this much longer
QUANTILES = (0.05, 0.5, 0.95)
CODES = 10  # whole numbers with at most this many distinct values are levels
LEVELS = 100  # words with more are not listed
HELD = 3  # levels whose share is held
SHARE = 0.05  # a share that may fall below this holds nothing
DISTINCT = 0.9  # a column that is mostly distinct stays so
LETTERS = {"small letters": "[a-z]", "capitals": "[A-Z]", "digits": "[0-9]", "blanks": " "}
PANDAS = {"integer": "int64", "number": "float64", "boolean": "bool", "timestamp": "datetime64"}
HUGE = 1e200  # there is no room above
DAY = np.timedelta64(1, "D")
EVER = np.array(["0001-01-02", "9999-12-30"], dtype="M8[us]").astype("int64")  # what a datetime can say

# Relations between two columns: one never above another, one missing when another is.
SAMPLE = 2000  # rows that every pair is looked at in; what holds there is counted on all
SUPPORT = 30  # rows of the sample that a relation must be seen in
CHANCE = 0.05  # a relation that fewer rows would break if the columns were unrelated says nothing
MOST = 20  # relations of each sort

Expectation = dict[str, Any]


def draft(path: str, schema: Schema) -> list[Expectation]:
    """Expectations of a typed Parquet: of the table, of each column, of pairs of columns."""
    room = Room(ALARM / (BOUNDS * len(schema.columns)))
    names = [column.name for column in schema.columns]
    few, many = int(SHRINK * schema.rows), GROW * schema.rows
    why = f"{schema.rows:,} rows at first: few may go, many may come"
    found = [
        expect("expect_table_columns_to_match_set", "a column that is new, gone or renamed", column_set=names),
        expect("expect_table_row_count_to_be_between", why, min_value=few, max_value=many),
    ]
    file = pq.ParquetFile(path)
    for column in schema.columns:
        values = file.read([column.name], use_threads=False).column(0)
        found += [*_always(column, values, schema.rows, room), *_values(column, values, schema.rows, room)]
    return found + relations(file, schema, room)


def _always(column: Column, values: pa.ChunkedArray, rows: int, room: Room) -> Iterator[Expectation]:
    """Type, gaps and distinct values."""
    name, missing = column.name, values.null_count
    full = column.role in ("key", "target", "group", "time", "weight")  # ingest takes no gap in them either
    of_type = PANDAS.get(column.type, "str")
    if column.type in ("integer", "boolean") and not full:
        other = {"integer": "float64", "boolean": "object"}[column.type]
        why = f"{other} is what pandas makes of them where values are missing"
        yield expect("expect_column_values_to_be_in_type_list", why, column=name, type_list=[of_type, other])
    else:
        yield expect("expect_column_values_to_be_of_type", column=name, type_=of_type)
    low, high = room.share(missing, rows)
    if full or high < 1:
        why = f"{missing:,} of {rows:,} rows had no value" if missing else ""
        mostly = None if full else at_least(1 - high)
        yield expect("expect_column_values_to_not_be_null", why, column=name, mostly=mostly)
    if low > 0:
        why = "gaps that are suddenly filled are as suspect as new ones"
        yield expect("expect_column_values_to_be_null", why, column=name, mostly=at_least(low))
    filled = rows - missing
    if column.role == "key":
        why = "names a row: the same one twice is a row given twice, or two confused"
        yield expect("expect_column_values_to_be_unique", why, column=name)
    elif filled >= FEWEST and column.distinct >= DISTINCT * filled:
        lowest = at_least(room.share(column.distinct, filled)[0] - 2 * (1 - column.distinct / filled))
        why = "rows given twice, or a column filled with one value"
        kind = "expect_column_proportion_of_unique_values_to_be_between"
        yield expect(kind, why, column=name, min_value=lowest)


def _values(column: Column, values: pa.ChunkedArray, rows: int, room: Room) -> Iterator[Expectation]:
    filled = values.drop_null()
    named = column.role in ("key", "group") or looks_like_id(column, rows)
    if len(filled) < FEWEST or (named and column.type in NUMERIC):
        return  # numbers that are names grow as they like
    if column.type in NUMERIC and max(map(abs, pc.min_max(filled).as_py().values())) < HUGE:
        yield from _numbers(column, np.sort(filled.to_numpy().astype(float)), room)
    if column.type == "timestamp":
        yield from _times(column.name, np.sort(filled.to_numpy()), room)
    few = column.type == "boolean" or (column.type == "integer" and column.distinct <= CODES)
    listed = list(_levels(column, filled, room)) if few or (column.type == "category" and not named) else []
    yield from listed
    if column.type in ("category", "text") and not listed:
        yield from _words(column.name, filled, room)


def _numbers(column: Column, ordered: np.ndarray, room: Room) -> Iterator[Expectation]:
    name, spread = column.name, float(ordered[-1] - ordered[0])
    low, high = _bounds(room.ends(ordered), spread)
    low = max(low, 0.0) if ordered[0] >= 0 else low
    high = min(high, 0.0) if ordered[-1] <= 0 else high
    why = f"found {ordered[0]:.6g} to {ordered[-1]:.6g}; room for tails as they are"
    if math.isfinite(low) or math.isfinite(high):
        ends = {"min_value": _finite(low), "max_value": _finite(high)}
        yield expect("expect_column_values_to_be_between", why, column=name, **ends)
    if low <= 0 <= high:
        zeros = int((ordered == 0).sum())
        most = room.share(zeros, len(ordered))[1]
        why = f"{zeros:,} of {len(ordered):,} values were 0: more of them are gaps filled with 0"
        if most < 1 - SHARE:
            kind = "expect_column_values_to_not_be_in_set"
            yield expect(kind, why, column=name, mostly=at_least(1 - most), value_set=[0])
    if column.type == "number" or column.distinct > CODES:
        bounds = [[*map(_finite, _bounds(room.quantile(ordered, share), spread))] for share in QUANTILES]
        why = "where these shares of the values end: another unit, another column"
        ranges = {"quantiles": list(QUANTILES), "value_ranges": bounds}
        yield expect("expect_column_quantile_values_to_be_between", why, column=name, quantile_ranges=ranges)


def _bounds(ends: tuple[float, float], spread: float) -> tuple[float, float]:
    """Both ends in round numbers, of their own distance where there is one."""
    low, high = ends
    narrow = high - low if 0 < high - low < math.inf else spread
    return outward(low, narrow, up=False), outward(high, narrow, up=True)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _times(name: str, ordered: np.ndarray, room: Room) -> Iterator[Expectation]:
    unit = DAY if ordered[-1] - ordered[0] > 10 * DAY else np.timedelta64(1, "s")
    first = _moment(room.ends(ordered.astype("int64").astype(float))[0], unit, 0)
    later = ordered[-1] + (ordered[-1] - ordered[0])
    why = f"found {ordered[0].astype('M8[s]')} to {ordered[-1].astype('M8[s]')}; times grow: room for as long again"
    last = _moment(later.astype("int64"), unit, 1)
    yield expect("expect_column_values_to_be_between", why, column=name, min_value=first, max_value=last)
    rank = int(np.ceil(room.share(0, len(ordered))[1] * len(ordered)))
    if rank < len(ordered):
        latest = _moment(ordered[rank].astype("int64"), unit, 1)
        why = "the first one stays where it is, whatever is added: dates that moved"
        yield expect("expect_column_min_to_be_between", why, column=name, min_value=first, max_value=latest)


def _moment(microseconds: float, unit: np.timedelta64, up: int) -> str:
    """The moment in whole units with its time: Great Expectations cannot compare with a date alone."""
    whole = np.timedelta64(int(np.clip(microseconds, *EVER)), "us") // unit + up
    return str((np.datetime64(0, "s") + whole * unit).astype("M8[s]"))


def _levels(column: Column, filled: pa.ChunkedArray, room: Room) -> Iterator[Expectation]:
    """Known levels with a share of unknown ones, those that cannot be absent by chance, the share of the largest."""
    if column.distinct > LEVELS:
        return
    name, rows = column.name, len(filled)
    counts = sorted((-item["counts"], item["values"]) for item in pc.value_counts(filled).to_pylist())
    once = sum(count == -1 for count, _ in counts)  # by Good and Turing, as many rows hold what was never seen
    unknown = room.share(once, rows)[1]
    if unknown > 0.5:
        return
    levels = sorted(level for _, level in counts)
    if column.type == "category":
        why = "the known levels, and a share for new ones"
        kind = "expect_column_values_to_be_in_set"
        yield expect(kind, why, column=name, mostly=at_least(1 - unknown), value_set=levels)
    shares = {level: room.share(-count, rows)[0] for count, level in counts}
    sure = [level for level in levels if shares[level] > 0]
    if len(levels) > 1 and sure:
        why = "too frequent to be absent by chance"
        yield expect("expect_column_distinct_values_to_contain_set", why, column=name, value_set=sure)
    for count, level in counts[:HELD]:
        if shares[level] >= SHARE:
            why = f"{-count:,} of {rows:,} values were this one"
            kind = "expect_column_values_to_be_in_set"
            yield expect(kind, why, column=name, mostly=at_least(shares[level]), value_set=[level])


def _words(name: str, filled: pa.ChunkedArray, room: Room) -> Iterator[Expectation]:
    """Lengths and letters of words that are too many to be listed."""
    lengths = np.sort(pc.utf8_length(filled).to_numpy())
    low, high = room.ends(lengths.astype(float))
    kind = "expect_column_value_lengths_to_be_between"
    why = f"lengths were {lengths[0]} to {lengths[-1]}"
    ends = {"min_value": math.floor(max(low, 0)), "max_value": _finite(-(-high // 1))}
    yield expect(kind, why, column=name, **ends)
    middle = int(lengths[len(lengths) // 2])
    for end, holds in (("min_value", lengths >= middle), ("max_value", lengths <= middle)):
        share = room.share(int(holds.sum()), len(lengths))[0]
        why = f"half of the values are as long as {middle}"
        if lengths[0] < lengths[-1] and share >= SHARE:
            yield expect(kind, why, column=name, mostly=at_least(share), **{end: middle})
    for what, letters in LETTERS.items():
        share = room.share(pc.sum(pc.match_substring_regex(filled, letters)).as_py(), len(filled))[0]
        if share >= SHARE:
            kind = "expect_column_values_to_match_regex"
            yield expect(kind, f"values with {what}", column=name, mostly=at_least(share), regex=letters)
    foreign = pc.sum(pc.match_substring_regex(filled, "[^\\x00-\\x7f]")).as_py()
    share = room.share(foreign, len(filled))[1]
    if share < 1 - SHARE:
        why = f"{foreign:,} of {len(filled):,} values had letters beyond ASCII: more are a wrong encoding"
        kind = "expect_column_values_to_not_match_regex"
        yield expect(kind, why, column=name, mostly=at_least(1 - share), regex="[^\\x00-\\x7f]")


def relations(file: pq.ParquetFile, schema: Schema, room: Room) -> list[dict[str, Any]]:
    """Expectations of pairs of columns, of each sort those that unrelated columns would break most."""
    rows = pa.array(np.unique(np.linspace(0, schema.rows - 1, SAMPLE).astype("int64")))
    gaps: dict[str, np.ndarray] = {}
    ordered: dict[str, dict[str, np.ndarray]] = {"number": {}, "timestamp": {}}
    for column in schema.columns:
        part = _read(file, column.name).take(rows)
        gaps[column.name] = part.is_null().to_numpy()
        if column.type in (*NUMERIC, "timestamp") and column.role not in ("key", "group"):
            whole = part.cast(pa.int64()) if column.type == "timestamp" else part
            kind = "timestamp" if column.type == "timestamp" else "number"
            ordered[kind][column.name] = whole.cast(pa.float64(), safe=False).to_numpy()
    orders = [pair for columns in ordered.values() if len(columns) > 1 for pair in _never_above(columns)]
    found = [_order(file, room, *pair) for pair in sorted(orders)[:MOST]]
    return found + [_gap(file, room, *pair) for pair in sorted(_missing_together(gaps))[:MOST]]


def _read(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    return file.read([name], use_threads=False).column(0)


def _never_above(columns: dict[str, np.ndarray]) -> list[tuple[float, str, str]]:
    """Pairs of which the first is nowhere above the second, with the share of chance (negative, to sort by)."""
    names, table = list(columns), np.column_stack(list(columns.values()))
    mixed = np.random.default_rng(0).permutation(table)
    found = []
    for number, name in enumerate(names):
        values = columns[name][:, None]
        both = (~np.isnan(values) & ~np.isnan(table)).sum(axis=0)
        chance = (values > mixed).sum(axis=0) / np.maximum(both, 1)
        chance[number] = 0
        never = ~(values > table).any(axis=0) & (both >= SUPPORT) & (chance >= CHANCE)
        found += [(-float(chance[other]), name, names[other]) for other in np.flatnonzero(never)]
    return found


def _order(file: pq.ParquetFile, room: Room, _: float, less: str, more: str) -> dict[str, Any]:
    above = pc.greater(_read(file, less), _read(file, more)).drop_null()
    broken = pc.sum(above).as_py()
    return expect(
        "expect_column_pair_values_a_to_be_greater_than_b",
        f"broken by {broken:,} of {len(above):,} rows: rows joined wrongly, columns mixed up",
        column_A=more,
        column_B=less,
        ignore_row_if="either_value_is_missing",
        mostly=at_least(1 - room.share(broken, len(above))[1]),
        or_equal=True,
    )


def _missing_together(gaps: dict[str, np.ndarray]) -> list[tuple[float, str, str]]:
    """Pairs of which the second is missing wherever the first is, as in `_never_above`."""
    names, table = list(gaps), np.column_stack(list(gaps.values()))
    chance = 1 - table.mean(axis=0)
    found = []
    for name, missing in gaps.items():
        if missing.sum() >= SUPPORT and not set("`\n") & set(name):  # no condition can name such a column
            always = table[missing].all(axis=0) & (chance >= CHANCE)
            found += [(-float(chance[i]), name, names[i]) for i in np.flatnonzero(always) if names[i] != name]
    return found


def _gap(file: pq.ParquetFile, room: Room, _: float, first: str, second: str) -> dict[str, Any]:
    missing = _read(file, second).filter(_read(file, first).is_null())
    broken = len(missing) - missing.null_count
    return expect(
        "expect_column_values_to_be_null",
        f"missing where {first!r} is, but for {broken:,} of {len(missing):,} rows",
        column=second,
        mostly=at_least(1 - room.share(broken, len(missing))[1]),
        row_condition={"column": {"name": first}, "is_null": True, "type": "nullity"},
    )
