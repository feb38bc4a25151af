"""Does the feature function look at anything but its row: other rows, files, the clock, random numbers?"""

import tempfile
from collections.abc import Callable
from contextlib import chdir
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import time_machine
from pandas.api.types import is_numeric_dtype

from src.table.leakage import Leak

RULE = "feature function"
RAISES = "an error"
CURE = "mend src/features.py"
OTHER_DATE = datetime(1987, 6, 5, 4, 3, 21, tzinfo=UTC)
ALONE = 16  # rows that are computed one by one
ROUNDING = 1e-9  # of the value or the column's largest: the last bits depend on how many rows are computed at once
ROWS = "other rows: {} gives other values. Learn from rows in src/model.py"

Features = Callable[[pd.DataFrame], pd.DataFrame]


def impure(features: Features, rows: pd.DataFrame) -> list[Leak]:
    """What the function is caught at, one leak for each feature; it must not have been called before.

    It runs in an empty folder, so that a file of the project is not there: a package would not find it either.
    """
    found: dict[Any, str] = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        try:
            whole = features(rows.copy())
        except OSError as error:
            words = f"a file ({error.filename or type(error).__name__}), and a package has none. Join it before ingest"
            return [Leak(RULE, (), f"src/features.py looks at {words}", cure=CURE)]
        if not whole.columns.is_unique:
            return []  # refused when it is written
        everything = [np.arange(len(rows))]
        again = _differing(features, rows, whole, everything)
        found |= dict.fromkeys(again, "random numbers: a second run gives other values. Compute it from the row")
        with time_machine.travel(OTHER_DATE, tick=False):
            at_another_date = _differing(features, rows, whole, everything)
        dated = "the clock: another date gives other values. Take the date from a column"
        found |= dict.fromkeys(at_another_date - found.keys(), dated)
        for words, parts in _parts(rows).items():
            beside = _differing(features, rows, whole, parts)
            found |= dict.fromkeys(beside - found.keys(), ROWS.format(words))
    return [
        Leak(RULE, (str(name),) if name != RAISES else (), f"{name!r} of src/features.py looks at {words}", cure=CURE)
        for name, words in found.items()
    ]


def _parts(rows: pd.DataFrame) -> dict[str, list[np.ndarray]]:
    """How the rows are given in parts; those alone are first a row with a gap of each column, then any."""
    number = np.arange(len(rows))
    gaps = [int(np.argmax(missing)) for missing in (rows[name].isna().to_numpy() for name in rows) if missing.any()]
    single = [*dict.fromkeys([*gaps[: ALONE // 2], *np.linspace(0, len(rows) - 1, ALONE // 2, dtype=int)])]
    return {
        "each half of the rows": np.array_split(number, 2),
        "another order with repeated rows": [np.random.default_rng(0).choice(number, len(number))],
        "a row alone": [number[i : i + 1] for i in single],
    }


def _differing(features: Features, rows: pd.DataFrame, whole: pd.DataFrame, parts: list[np.ndarray]) -> set[Any]:
    """The features whose values differ from the whole's when the rows are given like this; RAISES when it does."""
    try:
        made = [features(rows.iloc[part].reset_index(drop=True)) for part in parts]
    except Exception:  # whatever it is: all rows at once went well
        return {RAISES}
    odd = set().union(*(set(whole.columns) ^ set(part.columns) for part in made))
    together, expected = pd.concat(made, ignore_index=True), whole.iloc[np.concatenate(parts)]
    common = [name for name in whole.columns if name not in odd]
    return odd | {name for name in common if not _same(together[name], expected[name])}


def _same(one: pd.Series, other: pd.Series) -> bool:
    if is_numeric_dtype(one.dtype) and is_numeric_dtype(other.dtype):
        a, b = (values.to_numpy(dtype=float, na_value=np.nan) for values in (one, other))
        finite = np.abs(b[np.isfinite(b)])
        slack = ROUNDING * finite.max(initial=0)
        return bool(np.isclose(a, b, rtol=ROUNDING, atol=slack, equal_nan=True).all())
    missing = one.isna().to_numpy()
    alike = bool((missing == other.isna().to_numpy()).all())
    a, b = (values.astype(object).to_numpy()[~missing] for values in (one, other))
    return alike and bool((a == b).all())
