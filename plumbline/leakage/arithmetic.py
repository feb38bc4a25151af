"""Columns whose sum, difference, product or ratio is the target, as far as rounding lets one see."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from plumbline.data.schema import NUMERIC, TARGET, type_of
from plumbline.findings import Kind
from plumbline.leakage.tripwires import AGREE, Leak, made

FIRST = 16  # rows that rule most pairs out; in fewer a pair may fit by chance
CANDIDATES = 5000  # pairs that are looked at on the whole sample
SIX_DIGITS, TWO_DECIMALS = 5.01e-6, 5.01e-3  # how far rounding moves a number: of its size, or at all
COARSE = 0.05  # of the target's spread: a target rounded more than that is met by chance
SLACK = 0.01  # of the target or its spread: what the columns' own rounding may explain at most

Pairs = dict[tuple[int, ...], str]


class _Numbers:
    """Columns and target as rows of numbers, and how far each may be off by rounding."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
        self.of_x = np.array([_rounding(values) for values in x])
        self.of_y = _rounding(y)
        self.slack = SLACK * np.maximum(np.std(y), np.abs(y))

    def fits(self, value: np.ndarray, error: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.abs(value - self.y[rows]) <= self.of_y[rows] + np.minimum(error, self.slack[rows])


def making(sample: pa.Table) -> list[Leak]:
    """Pairs of columns, or else more of them, that make the target; sample: numeric @target and features."""
    sample = sample.take(np.random.default_rng(0).permutation(len(sample)))  # the first rows stand for all
    kinds = {name: type_of(sample.schema.field(name).type) for name in made(sample)}
    columns = [name for name, kind in kinds.items() if kind in NUMERIC]
    y = sample.column(TARGET).to_numpy().astype(float)
    if len(columns) < 2 or np.median(_rounding(y)) > COARSE * np.std(y):
        return []
    numbers = _Numbers(np.array([sample.column(name).to_numpy().astype(float) for name in columns]), y)
    with np.errstate(all="ignore"):  # nothing divided by nothing fits nothing
        found = _pairs(numbers) or _many(numbers)
    leaks = []
    for indices, operation in found.items():
        named = tuple(columns[i] for i in indices)
        words = f"the {operation} of {' and '.join(map(repr, named))} is the target"
        leaks.append(Leak(Kind.DERIVED_TARGET, named, words))
    return leaks


def _rounding(values: np.ndarray) -> np.ndarray:
    """How far each may be from what it was before it was rounded to two decimals or six digits."""
    filled = values[np.isfinite(values)]
    cents = (np.abs(filled * 100 - np.rint(filled * 100)) < 1e-6).all() and (filled % 1 != 0).any()
    return np.maximum(TWO_DECIMALS if cents else 0.0, SIX_DIGITS * np.abs(values))


def _operations(a: np.ndarray, b: np.ndarray, of_a: np.ndarray, of_b: np.ndarray) -> Iterator[tuple]:
    """Each operation's name, value and error, given the errors of both."""
    yield "sum", a + b, of_a + of_b
    yield "difference", a - b, of_a + of_b
    yield "product", a * b, of_a * np.abs(b) + of_b * np.abs(a)
    yield "ratio", a / b, (of_a + np.abs(a / b) * of_b) / np.abs(b)


def _pairs(numbers: _Numbers) -> Pairs:
    first = np.argsort(np.isnan(numbers.x).sum(axis=0), kind="stable")[:FIRST]
    x, of_x = numbers.x[:, first], numbers.of_x[:, first]
    found: Pairs = {}
    tried = 0
    for i in range(len(x)):
        given = np.isfinite(x) & np.isfinite(x[i])
        for operation, value, error in _operations(x[i], x, of_x[i], of_x):
            possible = ~(given & ~numbers.fits(value, error, first)).any(axis=1)
            possible[: i + 1 if operation in ("sum", "product") else 0] = False  # the same both ways
            for j in np.flatnonzero(possible)[: CANDIDATES - tried]:
                tried += 1
                if _holds(numbers, i, j, operation):
                    found[i, int(j)] = operation
    return found


def _holds(numbers: _Numbers, i: int, j: int, operation: str) -> bool:
    rows = np.flatnonzero(np.isfinite(numbers.x[i]) & np.isfinite(numbers.x[j]))
    if len(rows) < max(FIRST, len(numbers.y) / 2):
        return False
    parts = (values[rows] for values in (numbers.x[i], numbers.x[j], numbers.of_x[i], numbers.of_x[j]))
    _, value, error = next(made for made in _operations(*parts) if made[0] == operation)
    return bool(numbers.fits(value, error, rows).mean() >= AGREE)


def _many(numbers: _Numbers) -> Pairs:
    """More than two columns, each added or taken away, by a linear fit; a gap counts as nothing."""
    x = np.nan_to_num(numbers.x, posinf=0, neginf=0)
    _, kept = np.unique(x[:, :FIRST], axis=0, return_index=True)  # of equal columns one
    if x.shape[1] < 2 * len(kept) + FIRST:
        return {}
    part = x[kept, : 4 * len(kept) + 200]
    scale = np.maximum(np.abs(part).max(axis=1), 1e-300)
    weights = np.linalg.lstsq((part.T / scale), numbers.y[: part.shape[1]], rcond=None)[0] / scale
    signs = np.clip(np.rint(weights), -1, 1)
    used = tuple(sorted(map(int, kept[signs != 0])))
    value, error = signs @ x[kept], np.abs(signs) @ np.nan_to_num(numbers.of_x[kept], posinf=0)
    holds = numbers.fits(value, error, np.arange(len(value))).mean() >= AGREE
    return {used: "sum or difference"} if len(used) > 2 and holds else {}
