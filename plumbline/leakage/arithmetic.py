"""Columns whose sum, difference, product or ratio is the target, whatever was rounded."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from plumbline.data.schema import NUMERIC, TARGET, feature_names, type_of
from plumbline.findings import Kind
from plumbline.leakage.leaks import Leak

_FIRST_ROWS = 16  # rows that rule most pairs out; in fewer a pair may fit by chance
_MAX_CANDIDATES = 5000  # pairs that are compared on the whole sample
_SIX_DIGITS, _TWO_DECIMALS = 5.01e-6, 5.01e-3  # how far rounding moves a number: relative, and absolute
_MAX_ROUNDING = 0.05  # of the target's spread: a target that is rounded more is met by chance
_MAX_ERROR = 0.01  # of the target or its spread: the most that the rounding of the columns may explain
_NEARLY_ALL = 0.99  # of the rows, in which the operation has to give the target

_Operations = dict[tuple[int, ...], str]  # by positions of columns


class _Candidate(NamedTuple):
    """An operation on columns, its values, and how far rounding may have moved them."""

    operation: str
    value: np.ndarray
    error: np.ndarray


class _Numbers:
    """Columns (x, one a row) and target (y), and how far rounding may have moved each number."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
        self.x_error = np.array([_rounding_error(values) for values in x])
        self.y_error = _rounding_error(y)
        self.max_error = _MAX_ERROR * np.maximum(np.std(y), np.abs(y))

    def fits(self, candidate: _Candidate, rows: np.ndarray) -> np.ndarray:
        """Return in which of these rows the value is the target."""
        limit = self.y_error[rows] + np.minimum(candidate.error, self.max_error[rows])
        return np.asarray(np.abs(candidate.value - self.y[rows]) <= limit)


def find_derived_targets(sample: pa.Table) -> list[Leak]:
    """Find pairs of columns, or else sums of more columns, from which the target is computed.

    Parameters
    ----------
    sample : pyarrow.Table
        Features and @target, which is numeric.
    """
    sample = sample.take(np.random.default_rng(0).permutation(len(sample)))  # so that the first rows represent all
    types = {name: type_of(sample.schema.field(name).type) for name in feature_names(sample)}
    columns = [name for name, kind in types.items() if kind in NUMERIC]
    y = sample.column(TARGET).to_numpy().astype(float)
    if len(columns) < 2 or np.median(_rounding_error(y)) > _MAX_ROUNDING * np.std(y):
        return []
    numbers = _Numbers(np.array([sample.column(name).to_numpy().astype(float) for name in columns]), y)
    with np.errstate(all="ignore"):  # 0 / 0 fits nothing
        operations = _find_pairs(numbers) or _find_sum(numbers)
    leaks = []
    for indices, operation in operations.items():
        names = tuple(columns[i] for i in indices)
        evidence = f"the {operation} of {' and '.join(map(repr, names))} is the target"
        leaks.append(Leak(Kind.DERIVED_TARGET, names, evidence))
    return leaks


def _rounding_error(values: np.ndarray) -> np.ndarray:
    """Return how far rounding to six digits, or two decimals where all numbers have them, may have moved each."""
    finite = values[np.isfinite(values)]
    has_cents = (np.abs(finite * 100 - np.rint(finite * 100)) < 1e-6).all() and (finite % 1 != 0).any()
    return np.asarray(np.maximum(_TWO_DECIMALS if has_cents else 0.0, _SIX_DIGITS * np.abs(values)))


def _candidates(a: np.ndarray, b: np.ndarray, a_error: np.ndarray, b_error: np.ndarray) -> Iterator[_Candidate]:
    """Yield each operation on a and b."""
    yield _Candidate("sum", a + b, a_error + b_error)
    yield _Candidate("difference", a - b, a_error + b_error)
    yield _Candidate("product", a * b, a_error * np.abs(b) + b_error * np.abs(a))
    yield _Candidate("ratio", a / b, (a_error + np.abs(a / b) * b_error) / np.abs(b))


def _find_pairs(numbers: _Numbers) -> _Operations:
    rows = np.argsort(np.isnan(numbers.x).sum(axis=0), kind="stable")[:_FIRST_ROWS]
    x, x_error = numbers.x[:, rows], numbers.x_error[:, rows]
    operations: _Operations = {}
    count = 0
    for i in range(len(x)):
        has_values = np.isfinite(x) & np.isfinite(x[i])
        for candidate in _candidates(x[i], x, x_error[i], x_error):
            operation = candidate.operation
            possible = ~(has_values & ~numbers.fits(candidate, rows)).any(axis=1)
            possible[: i + 1 if operation in ("sum", "product") else 0] = False  # a + b is b + a
            for j in np.flatnonzero(possible)[: _MAX_CANDIDATES - count]:
                count += 1
                if _holds(numbers, i, j, operation):
                    operations[i, int(j)] = operation
    return operations


def _holds(numbers: _Numbers, i: int, j: int, operation: str) -> bool:
    rows = np.flatnonzero(np.isfinite(numbers.x[i]) & np.isfinite(numbers.x[j]))
    if len(rows) < max(_FIRST_ROWS, len(numbers.y) / 2):
        return False
    arrays = (values[rows] for values in (numbers.x[i], numbers.x[j], numbers.x_error[i], numbers.x_error[j]))
    candidate = next(candidate for candidate in _candidates(*arrays) if candidate.operation == operation)
    return bool(numbers.fits(candidate, rows).mean() >= _NEARLY_ALL)


def _find_sum(numbers: _Numbers) -> _Operations:
    """Find more than two columns, each added or subtracted, by a linear fit; a missing value counts as 0."""
    x = np.nan_to_num(numbers.x, posinf=0, neginf=0)
    _, distinct = np.unique(x[:, :_FIRST_ROWS], axis=0, return_index=True)  # one of equal columns
    if x.shape[1] < 2 * len(distinct) + _FIRST_ROWS:
        return {}
    part = x[distinct, : 4 * len(distinct) + 200]
    scale = np.maximum(np.abs(part).max(axis=1), 1e-300)
    weights = np.linalg.lstsq((part.T / scale), numbers.y[: part.shape[1]], rcond=None)[0] / scale
    signs = np.clip(np.rint(weights), -1, 1)
    columns = tuple(sorted(map(int, distinct[signs != 0])))
    error = np.abs(signs) @ np.nan_to_num(numbers.x_error[distinct], posinf=0)
    candidate = _Candidate("sum or difference", signs @ x[distinct], error)
    is_target = numbers.fits(candidate, np.arange(len(error))).mean() >= _NEARLY_ALL
    return {columns: candidate.operation} if len(columns) > 2 and is_target else {}
