"""Does the feature function look at anything but its row: other rows, files, the clock, random numbers?"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, nullcontext
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import time_machine
from pandas.api.types import is_numeric_dtype

from plumbline.findings import Kind
from plumbline.leakage.tripwires import Leak

MEND = "fix src/features.py"
CURE = MEND + ", or data.allow: {{{first}: reason}}"
OTHER_DATE = datetime(1987, 6, 5, 4, 3, 21, tzinfo=UTC)
ALONE = 16  # rows that are computed one by one
ROUNDING = 1e-9  # of the value or the column's largest: the last bits depend on how many rows are computed at once
ROWS = "other rows: given {} it gives other values. Learn from rows in src/model.py"

Features = Callable[[pd.DataFrame], pd.DataFrame]


def impure(features: Features, rows: pd.DataFrame) -> list[Leak]:
    """What the function is caught at, one leak for each feature; it must not have been called before.

    It runs in an empty folder, so that a file of the project is not there: a package would not find it either.
    """
    found: dict[str | None, str] = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        try:
            whole = features(rows.copy())
        except OSError as error:
            words = f"a file ({error.filename or type(error).__name__}), and a package has none. Join it before ingest"
            return [Leak(Kind.IMPURE, (), f"src/features.py looks at {words}", cure=MEND)]
        if not whole.columns.is_unique:
            return []  # refused when it is written
        for words, parts, moment in _runs(rows):
            with time_machine.travel(moment, tick=False) if moment else nullcontext():
                for name in _differing(features, rows, whole, parts):
                    found.setdefault(name, words)
    return [
        Leak(Kind.IMPURE, (), f"src/features.py raises an error: it looks at {words}", cure=MEND)
        if name is None
        else Leak(Kind.IMPURE, (name,), f"{name!r} of src/features.py looks at {words}", cure=CURE)
        for name, words in found.items()
    ]


def _runs(rows: pd.DataFrame) -> Iterator[tuple[str, list[np.ndarray], datetime | None]]:
    """What it means when values differ, how the rows are given, and when; alone first where a column has a gap."""
    number = np.arange(len(rows))
    yield "random numbers: a second run gives other values. Compute it from the row", [number], None
    yield "the clock: another date gives other values. Take the date from a column", [number], OTHER_DATE
    gaps = [int(np.argmax(missing)) for missing in (rows[name].isna().to_numpy() for name in rows) if missing.any()]
    single = [*dict.fromkeys([*gaps[: ALONE // 2], *np.linspace(0, len(rows) - 1, ALONE // 2, dtype=int).tolist()])]
    shuffled = np.random.default_rng(0).choice(number, len(number))
    yield ROWS.format("half of them"), np.array_split(number, 2), None
    yield ROWS.format("them in another order, some twice"), [shuffled], None
    yield ROWS.format("one alone"), [number[i : i + 1] for i in single], None


def _differing(
    features: Features, rows: pd.DataFrame, whole: pd.DataFrame, parts: list[np.ndarray]
) -> list[str | None]:
    """The features whose values differ from the whole's when the rows are given like this; None for an error."""
    try:
        made = [features(rows.iloc[part].reset_index(drop=True)) for part in parts]
    except Exception:  # whatever it is: all rows at once went well
        return [None]
    odd = {name for part in made for name in {*whole.columns} ^ {*part.columns}}
    together, expected = pd.concat(made, ignore_index=True), whole.iloc[np.concatenate(parts)]
    common = [name for name in whole.columns if name not in odd]
    return [*sorted(map(str, odd)), *(str(name) for name in common if not _same(together[name], expected[name]))]


def _same(one: pd.Series, other: pd.Series) -> bool:
    if is_numeric_dtype(one.dtype) and is_numeric_dtype(other.dtype):
        a, b = (values.to_numpy(dtype=float, na_value=np.nan) for values in (one, other))
        finite = np.abs(b[np.isfinite(b)])
        slack = ROUNDING * finite.max(initial=0)
        return bool(np.isclose(a, b, rtol=ROUNDING, atol=slack, equal_nan=True).all())
    return one.astype(object).equals(other.astype(object).reset_index(drop=True))
