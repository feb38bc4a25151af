"""Leakage: what a check found, whether it is allowed, and what the data shows of features one by one and of rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import BESIDE, TARGET, TIME, type_of
from plumbline.errors import PlumblineError
from plumbline.findings import Findings, Kind, Severity
from plumbline.formatting import short
from plumbline.params import suggest

# The mean over classes of the share of rows told right. An honest feature may reach 0.985 (the smell of a mushroom);
# a copy with 2 rows in 1,000 wrong has 0.998.
TELLS, NEARLY = 0.995, 0.98
HARDLY, FEW = 0.9, 1000  # what tells less than this of so many rows of each class is looked at no further
LEAST = 8  # rows of a class or side; fewer are told apart by chance too often when many columns are tried
CLASSES = 50  # at most: the commonest
CUTS = (0.1, 0.3, 0.5, 0.7, 0.9)  # a number is told when it is told on which side of each of these it lies
LEVELS = 20  # words with more distinct values are read as numbers where they hold some
PER_LEVEL = 4  # rows on average, else levels say nothing
AGREE = 0.99  # share of the rows in which something has to hold that holds in nearly all
SHOWN, NAMED = 3, 10  # leaks and columns in a message
WIDTH = 3  # columns that are compared before the first look


@dataclass(frozen=True)
class Leak:
    """One thing found; severity is stop or warning. Any of its columns can be allowed with a reason."""

    kind: Kind
    columns: tuple[str, ...]
    evidence: str
    severity: str = "stop"
    cure: str = (  # of all that have it, once
        "data.ignore: [{all}] (what src/features.py makes: take it out there), or "
        "data.allow: {{{first}: reason}} when it is known before the target"
    )


def settle(leaks: list[Leak], allow: dict[str, str], known: Iterable[str], findings: Findings) -> None:
    """Findings of what is allowed or a warning; raises one PlumblineError for all that must stop."""
    for name in allow:
        if name not in known:
            raise PlumblineError(
                f"params.yaml: data.allow names {name!r}, expected a column or feature",
                hint=suggest(name, known) or "data/schema.json lists the columns",
            )
    stops = []
    for leak in leaks:
        reason = next((allow[name] for name in leak.columns if name in allow), None)
        if reason is None and leak.severity == "stop":
            stops.append(leak)
        else:
            severity = Severity.WARNING if reason is None else Severity.NOTE
            findings.add(leak.kind, leak.evidence, severity, allowed=reason)
    if stops:
        raise PlumblineError(_in_words(stops))
    for name in allow:
        if not any(name in leak.columns for leak in leaks):
            message = f"data.allow names {name!r} and nothing was found there: take it out"
            findings.add(Kind.ALLOWED, message, Severity.WARNING)


def _in_words(stops: list[Leak]) -> str:
    more = f"; and {len(stops) - SHOWN} more" if len(stops) > SHOWN else ""
    cures: dict[str, list[str]] = {}
    for leak in stops:
        cures.setdefault(leak.cure, []).extend(repr(name) for name in leak.columns)
    cure = "; ".join(
        cure.format(all=", ".join([*dict.fromkeys(names)][:NAMED]), first="".join(names[:1]))
        for cure, names in cures.items()
    )
    return f"leakage: {'; '.join(leak.evidence for leak in stops[:SHOWN])}{more}. Cure: {cure}"


def made(table: pa.Table | pa.Schema) -> list[str]:
    """The features among the columns."""
    listed = table.names if isinstance(table, pa.Schema) else table.column_names
    return [name for name in listed if name not in BESIDE]


def alone(sample: pa.Table, task: str) -> list[Leak]:
    """Features that tell the target by themselves; sample: features and @target as the stage writes them."""
    rows, truths = _questions(sample.column(TARGET).to_numpy(), task)
    found: list[Leak] = []
    if not truths:
        return found
    middle = truths[len(truths) // 2]
    few = np.sort(np.concatenate([np.flatnonzero(middle == side)[:FEW] for side in range(middle.max() + 1)]))
    for name in made(sample):
        if _told(sample.column(name).take(rows[few]), [middle[few]]) < HARDLY:
            continue
        share = _told(sample.column(name).take(rows), truths)
        if share >= NEARLY:
            words = "alone tells the target" if share >= TELLS else "alone tells the target nearly"
            words = f"{name!r} {words}: balanced accuracy {short(share)} on {len(rows)} rows"
            found.append(Leak(Kind.TARGET_LEAK, (name,), words, "stop" if share >= TELLS else "warning"))
    return found


def _questions(target: np.ndarray, task: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows that are looked at, and what is to be told of each: its class, or on which sides of some cuts it lies.

    Shuffled: of rows with equal numbers the order decides who is whose neighbour, and a table may be sorted.
    """
    shuffled = np.random.default_rng(0).permutation(len(target))
    target = target[shuffled]
    if task == "regression":
        cuts = np.unique(np.quantile(np.unique(target), CUTS, method="lower"))
        sides = [(target > cut).astype(int) for cut in cuts]
        return shuffled, [s for s in sides if LEAST <= s.sum() <= len(s) - LEAST]
    count = np.bincount(target)
    asked = np.flatnonzero(count >= LEAST)
    asked = asked[np.argsort(-count[asked], kind="stable")][:CLASSES]
    kept = np.isin(target, asked)
    return shuffled[kept], [np.unique(target[kept], return_inverse=True)[1]] if len(asked) > 1 else []


def _told(values: pa.ChunkedArray, truths: list[np.ndarray]) -> float:
    """The share of rows told right in the best way, the mean of all questions; 0 where one of them is hardly told."""
    codes, numbers = _read(values)
    shares = []
    for truth in truths:
        ways = []
        if PER_LEVEL * (codes.max() + 1) <= len(codes):
            ways.append(_by_level(codes, truth, np.bincount(truth)))
        if numbers is not None:
            order = np.argsort(numbers, kind="stable")[: np.count_nonzero(~np.isnan(numbers))]
            ways.append(_by_neighbour(numbers, order, truth))
            sides = (_by_threshold(numbers, order, (truth > cut).astype(int)) for cut in range(truth.max()))
            ways.append(np.sum([*sides], axis=0))
        shares.append(max((_right(guess, truth) for guess in ways), default=0.0))
        if shares[-1] < HARDLY:
            return 0.0
    return float(np.mean(shares))


def _read(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray | None]:
    """A feature as codes of its levels, missing being one, and as numbers where it has an order."""
    kind = type_of(values.type)
    numbers = None
    if kind in ("category", "boolean"):
        encoded = values.combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy()
        if kind == "category" and len(encoded.dictionary) > LEVELS:
            words = pd.Series(encoded.dictionary.to_numpy(zero_copy_only=False))
            parts = words.str.extract(r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")[0]
            numbers = np.append(pd.to_numeric(parts).to_numpy(dtype=float, na_value=np.nan), np.nan)[codes]
        return codes, numbers
    if kind == "timestamp":
        values = values.cast(pa.int64())
    numbers = values.to_numpy().astype(float)
    return pd.factorize(numbers, use_na_sentinel=False)[0], numbers


def _by_level(codes: np.ndarray, truth: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Each row's class by the other rows of its level; -1 where it has no other."""
    count = np.bincount(codes * len(size) + truth, minlength=(codes.max() + 1) * len(size)).reshape(-1, len(size))
    others = count[codes]
    others[np.arange(len(codes)), truth] -= 1
    return np.where(others.any(axis=1), np.argmax(others / size, axis=1), -1)


def _by_neighbour(numbers: np.ndarray, order: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Each row's class by the row with the nearest number; rows without one by each other."""
    guess = np.full(len(truth), -1)
    missing = np.isnan(numbers)
    if missing.any():
        guess[missing] = _by_level(np.zeros(missing.sum(), int), truth[missing], np.bincount(truth))
    if len(order) > 1:
        ordered = truth[order]
        with np.errstate(all="ignore"):  # infinite ones
            step = np.diff(numbers[order])
        nearer_before = np.append(step, np.inf) >= np.append(np.inf, step)
        guess[order] = np.where(nearer_before, np.roll(ordered, 1), np.roll(ordered, -1))
    return guess


def _by_threshold(numbers: np.ndarray, order: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Each row's side of two by the best threshold on all rows, the missing ones at their best side."""
    size = np.bincount(truth)
    pull = np.where(truth == 1, 1 / size[1], -1 / size[0])
    guess = np.full(len(truth), int(pull[np.isnan(numbers)].sum() > 0))
    if len(order):
        below, total = np.cumsum(pull[order]), pull[order].sum()
        at = int(np.argmax(np.abs(2 * below - total)))
        guess[order] = int(2 * below[at] < total)
        guess[order[: at + 1]] = int(2 * below[at] > total)
    return guess


def _right(guess: np.ndarray, truth: np.ndarray) -> float:
    """The mean over classes of the share told right; 0 when too many errors stand against the rarer classes' rows."""
    size, errors = np.bincount(truth), np.bincount(truth[guess != truth], minlength=truth.max() + 1)
    rarer = len(truth) - size.max()
    return float(1 - (errors / size).mean()) if errors.sum() <= rarer / 4 else 0.0


def later(sample: pa.Table, time: str | None) -> list[Leak]:
    """Times that are later than data.time in nearly all rows."""
    found = []
    for name in made(sample) if TIME in sample.column_names and pa.types.is_timestamp(sample[TIME].type) else ():
        if pa.types.is_timestamp(sample[name].type):
            given = len(sample) - sample[name].null_count
            after = pc.sum(pc.greater(sample[name], sample[TIME].cast(sample[name].type))).as_py() or 0
            if given and after >= AGREE * given:
                words = f"{name!r} is later than {time!r} in {after} of {given} rows: was it known by then?"
                found.append(Leak(Kind.FUTURE_LEAK, (name,), words, "warning"))
    return found


def shared(values: pa.ChunkedArray, held: np.ndarray) -> int:
    """How many groups have rows on both sides."""
    sides = (values.filter(pa.array(side)) for side in (held, ~held))
    return int(pc.sum(pc.is_in(next(sides).unique(), next(sides))).as_py())


def repeated(columns: Iterable[pa.ChunkedArray], held: np.ndarray) -> int:
    """Rows of the holdout (True in `held`) that have in all columns the values of one training row."""
    hashes, rows = np.zeros(len(held), "uint64"), np.arange(len(held))
    due = WIDTH
    for number, values in enumerate(columns, 1):
        hashes ^= _bits(values)[rows] if len(rows) < len(values) else _bits(values)
        hashes ^= hashes >> np.uint64(32)
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        if number == due:  # what has no partner by now needs no look at the other columns
            due *= 2
            keep = _shared(hashes, held)
            rows, hashes, held = rows[keep], hashes[keep], held[keep]
            if not len(held):
                return 0
    return int((_shared(hashes, held) & held).sum())


def _bits(values: pa.ChunkedArray) -> np.ndarray:
    """64 bits for each value, equal for equal ones."""
    if type_of(values.type) == "category":
        encoded = values.combine_chunks().dictionary_encode()
        levels = pd.util.hash_array(encoded.dictionary.to_numpy(zero_copy_only=False), categorize=False)
        return np.append(levels, np.uint64(0))[pc.fill_null(encoded.indices, len(levels)).to_numpy()]
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return values.to_numpy().astype(float, copy=False).view("uint64")


def _shared(hashes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Which rows have a hash that stands on both sides."""
    one, other = np.sort(hashes[held]), np.sort(hashes[~held])  # a sorted search stays in the processor's cache
    both = one[other[np.minimum(np.searchsorted(other, one), len(other) - 1)] == one]
    if not len(both):
        return np.zeros(len(hashes), bool)
    return both[np.minimum(np.searchsorted(both, hashes), len(both) - 1)] == hashes
