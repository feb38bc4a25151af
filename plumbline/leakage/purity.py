"""Whether features depend on anything but their row: other rows, files, the clock, random numbers."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import time_machine
from pandas.api.types import is_numeric_dtype

from plumbline.findings import Kind
from plumbline.leakage.leaks import Leak

_ALLOW = ", or set data.allow: {{{first}: reason}}"
# The past, and each of the next years on another day: a rule may turn with a year, a month or a day of the week.
_DATES = (
    datetime(1987, 6, 5, 4, 3, 21, tzinfo=UTC),
    *(datetime(year, 1 + year % 12, 1 + 11 * year % 28, year % 24, tzinfo=UTC) for year in range(2026, 2038)),
    datetime(2096, 2, 29, 23, 59, 59, tzinfo=UTC),
)
_SINGLE_ROWS = 16  # rows that are computed one by one
_TOLERANCE = 1e-9  # of a value or the largest of its column: the last bits depend on how many rows are computed at once
_USES_ROWS = ("other rows", "Move what is learned from rows to src/model.py")
_USES_RANDOM_NUMBERS = ("random numbers", "Compute it from the row only")
_USES_DATE = ("the current date", "Use a date column")
_USES_FILES = ("files of the project", "Join their columns to the table before ingest: a package has no such file")

FeatureFunction = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class _Run:
    """One way to call the function: on these parts of the rows, at this time.

    `cause` is what a feature depends on whose values differ in this run, and what to do; `case` names the run.
    """

    cause: tuple[str, str]
    case: str
    parts: list[np.ndarray]
    time: datetime | None = None


def find_impure_features(features: FeatureFunction, rows: pd.DataFrame) -> list[Leak]:
    """Find features that depend on more than their row.

    Each run but one is in an empty folder, because files of the project are not there when a package predicts.

    Parameters
    ----------
    features : callable
        The function of src/features.py. It must not have been called before, since it could keep what it has read.
    rows : DataFrame, shape (rows, inputs)

    Returns
    -------
    list of Leak
        At most one for each feature.
    """
    runs: dict[str | None, _Run] = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        try:
            whole = features(rows.copy())
        except OSError as error:
            file = error.filename or type(error).__name__
            evidence = f"src/features.py reads a file ({file}), and a package does not contain it"
            return [Leak(Kind.IMPURE, (), evidence, hint="Join its columns to the table before ingest")]
        if not whole.columns.is_unique:
            return []  # refused when it is written
        for run in _plan_runs(rows):
            with time_machine.travel(run.time, tick=False) if run.time else nullcontext():
                for name in _find_differences(features, rows, whole, run.parts):
                    runs.setdefault(name, run)
    run = _Run(_USES_FILES, "in the project's folder", [np.arange(len(rows))])
    for name in _find_differences(features, rows, whole, run.parts):
        runs.setdefault(name, run)
    return [_describe(name, run) for name, run in runs.items()]


def _describe(name: str | None, run: _Run) -> Leak:
    cause, hint = run.cause
    if name is None:
        return Leak(Kind.IMPURE, (), f"src/features.py raises an error {run.case}: it depends on {cause}", hint=hint)
    verb = "change" if run.cause is _USES_ROWS else "differ"
    evidence = f"{name!r} of src/features.py depends on {cause}: its values {verb} {run.case}"
    return Leak(Kind.IMPURE, (name,), evidence, hint=hint + _ALLOW)


def _plan_runs(rows: pd.DataFrame) -> Iterator[_Run]:
    """Yield the runs; among the single rows are those where a column has its first missing value."""
    positions = np.arange(len(rows))
    yield _Run(_USES_RANDOM_NUMBERS, "in a second run", [positions])
    for date in _DATES:
        yield _Run(_USES_DATE, f"on another date, such as {date:%Y-%m-%d}", [positions], date)
    gaps = [int(np.argmax(missing)) for missing in (rows[name].isna().to_numpy() for name in rows) if missing.any()]
    spread = np.linspace(0, len(rows) - 1, _SINGLE_ROWS // 2, dtype=int).tolist()
    single = [*dict.fromkeys([*gaps[: _SINGLE_ROWS // 2], *spread])]
    sample = np.random.default_rng(0).choice(positions, len(positions))
    yield _Run(_USES_ROWS, "when the function gets half of the rows", np.array_split(positions, 2))
    yield _Run(_USES_ROWS, "when the function gets the rows in another order, some twice", [sample])
    yield _Run(_USES_ROWS, "when the function gets only one row", [positions[i : i + 1] for i in single])


def _find_differences(
    features: FeatureFunction, rows: pd.DataFrame, whole: pd.DataFrame, parts: list[np.ndarray]
) -> list[str | None]:
    """Return the features whose values differ from those of all rows at once; [None] where the function fails."""
    try:
        frames = [features(rows.iloc[part].reset_index(drop=True)) for part in parts]
    except Exception:  # any: the run on all rows did not fail
        return [None]
    odd = {name for frame in frames for name in {*whole.columns} ^ {*frame.columns}}
    actual, expected = pd.concat(frames, ignore_index=True), whole.iloc[np.concatenate(parts)]
    common = [name for name in whole.columns if name not in odd]
    return [*sorted(map(str, odd)), *(str(name) for name in common if not _equal(actual[name], expected[name]))]


def _equal(actual: pd.Series, expected: pd.Series) -> bool:
    if is_numeric_dtype(actual.dtype) and is_numeric_dtype(expected.dtype):
        a, b = (values.to_numpy(dtype=float, na_value=np.nan) for values in (actual, expected))
        finite = np.abs(b[np.isfinite(b)])
        tolerance = _TOLERANCE * finite.max(initial=0)
        return bool(np.isclose(a, b, rtol=_TOLERANCE, atol=tolerance, equal_nan=True).all())
    return actual.astype(object).equals(expected.astype(object).reset_index(drop=True))
