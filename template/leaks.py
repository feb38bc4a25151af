"""How often the leakage checks are right: seeded tables without a leak, and with one of each sort: template/leaks.md.

python -m template.leaks [-n 200]    so many tables without a leak, and as many of each sort of leak

The tables are in memory, as the featurize stage has them: features and @target, and rows as src/features.py gets them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from plumbline.data.schema import TARGET, TIME
from plumbline.leakage.purity import impure
from plumbline.leakage.tripwires import later, repeated, shared
from plumbline.pipeline.featurize import SAMPLE, in_sample

PAGE = Path(__file__).with_name("leaks.md")
SHARE = 0.95  # of the leaks of each sort must be caught
TASKS = ("binary", "rare", "three", "twelve", "regression", "skewed", "wide")
AUC_98 = 2.904  # standard deviations between two classes that one number tells apart with an AUC of 0.98
Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A table: features, the target's codes or values, and what kind of task it is."""

    rows: pd.DataFrame
    target: np.ndarray
    task: str

    def sample(self) -> pa.Table:
        table = pa.Table.from_pandas(self.rows, preserve_index=False).append_column(TARGET, pa.array(self.target))
        return table.take(np.arange(0, len(table), -(-len(table) // SAMPLE)))


def honest(seed: int, task: str | None = None) -> Case:
    """A table without a leak: 100 or 3,000 rows (1 % positives: 3,000; 200 columns: 150), signals up to very strong."""
    random, task = np.random.default_rng(seed), task or TASKS[seed % len(TASKS)]
    count = 3000 if task == "rare" else 150 if task == "wide" else (100, 3000)[seed // len(TASKS) % 2]
    latent = random.normal(size=count)
    cuts = {"rare": [0.99], "three": [0.2, 0.7], "twelve": np.arange(1, 12) / 12}.get(task, [0.5])
    target: np.ndarray = np.digitize(latent, np.quantile(latent, cuts)).astype("int64")
    if task in ("regression", "skewed"):
        target = np.round(50 + 10 * latent if task == "regression" else np.maximum(0, np.exp(2 * latent) - 0.3), 2)
        strong = latent + 0.1 * random.normal(size=count)  # explains 99 %
    else:
        strong = AUC_98 * target + random.normal(size=count)
    rows = pd.DataFrame(
        {
            "strong": strong,
            "weak": latent + 2 * random.normal(size=count),
            "gaps": np.where(
                random.random(count) < 0.2 + 0.1 * (latent > 0), np.nan, random.normal(size=count).round(2)
            ),
            "visits": random.poisson(np.exp(1 + 0.3 * latent)).astype(float),
            "flag": latent + random.normal(size=count) > 0,
            "colour": np.array(["red", "green", "blue"])[np.digitize(latent + random.normal(size=count), [-1, 1])],
            "street": [f"street {n}" for n in random.integers(count, size=count)],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(700, size=count), unit="D"),
        }
    )
    rows["colour"] = rows.colour.where(random.random(count) > 0.1)
    if count >= 1000 and task not in ("regression", "skewed"):
        wrong = random.random(count) < 0.015
        rows["smell"] = np.char.add("smell ", np.where(wrong, (target + 1) % (target.max() + 1), target).astype(str))
    if task == "wide":
        rows = rows.join(pd.DataFrame(random.normal(size=(count, 192))).add_prefix("x"))
    order = np.argsort(target, kind="stable") if seed % 3 == 2 else np.arange(count)  # tables are often sorted
    rows, target = rows.iloc[order].reset_index(drop=True), target[order]
    return Case(rows, target, "regression" if task in ("regression", "skewed") else "classes")


def _with(case: Case, values: Any) -> Case:
    return replace(case, rows=case.rows.assign(planted=values))


def _copy(case: Case, random: Random) -> Any:
    return case.target.astype(float)


def _recoded(case: Case, random: Random) -> Any:
    if case.task == "regression":
        return case.target * random.choice([0.3937, -1.8, 1e-6]) + 32
    return np.array([f"code {i}" for i in random.permutation(case.target.max() + 1)])[case.target]


def _monotone(case: Case, random: Random) -> Any:
    values = (
        np.log1p(case.target) if case.task == "regression" else case.target + random.uniform(0, 0.9, len(case.target))
    )
    return values**3 * random.choice([-1, 1])


def _words(case: Case, random: Random) -> Any:
    if case.task == "regression":
        return [f"{value:.2f} EUR" for value in case.target]
    return [f"was {value}" for value in np.array(["no", "yes", "perhaps", *"abcdefghi"])[case.target]]


def _gap(case: Case, random: Random) -> Any:
    """Missing exactly where the target is positive; of another target, a copy that is missing in its first class."""
    if case.task != "regression" and case.target.max() == 1:
        return np.where(case.target == 1, np.nan, random.normal(size=len(case.target)))
    return np.where(case.target == case.target.min(), np.nan, case.target)


def _noise(case: Case, random: Random) -> Any:
    """A copy with 2 rows in 1,000 wrong."""
    wrong = random.random(len(case.target)) < 0.002
    return np.where(wrong, random.permutation(case.target), case.target).astype(float)


TELLING = {"copy": _copy, "recoded": _recoded, "monotone": _monotone, "words": _words, "gap": _gap, "noise": _noise}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda a, b, c, d: a + b,
    "difference": lambda a, b, c, d: a - b,
    "product": lambda a, b, c, d: a * b,
    "ratio": lambda a, b, c, d: a / b,
    "sum of four": lambda a, b, c, d: a + b - c + d,
}


def _rounded(values: np.ndarray, how: str) -> np.ndarray:
    if how == "six digits":
        return np.array([float(f"{value:.6g}") for value in values])
    return values.round(2) if how == "two decimals" else values


def makes(operation: str, seed: int) -> Case:
    """A table whose target is made of columns, which or it are then rounded; one in ten has 500 columns."""
    random, case = np.random.default_rng(seed), honest(seed, ("regression", "skewed")[seed % 2])
    if seed % 10 == 9:
        case = Case(pd.DataFrame(random.normal(size=(1100, 496))).add_prefix("x"), np.empty(0), "regression")
    count = len(case.rows)
    parts = [
        random.gamma(3, 20, count),
        random.gamma(3, 2, count) + 1,
        random.uniform(5, 50, count),
        random.normal(9, 3, count),
    ]
    target = OPERATIONS[operation](*parts)
    ways = ("", "two decimals", "six digits")
    of_parts, of_target = ways[seed // 2 % 3], ways[seed // 6 % 3]
    rows = case.rows.assign(**{name: _rounded(values, of_parts) for name, values in zip("abcd", parts, strict=True)})
    return Case(rows, _rounded(target, of_target), "regression")


def twins(seed: int) -> tuple[Case, np.ndarray]:
    """Rows, and which are the holdout, a few of them (one at least) being a training row's copy."""
    random, case = np.random.default_rng(seed), honest(seed)
    held = np.arange(len(case.rows)) % 5 == 0
    number = 1 + seed % 5
    at, of = (random.choice(np.flatnonzero(side), number, replace=False) for side in (held, ~held))
    order = np.arange(len(held))
    order[at] = of
    return replace(case, rows=case.rows.iloc[order].reset_index(drop=True), target=case.target[order]), held


CALLS = count()


def _file(rows: pd.DataFrame) -> pd.Series:
    return pd.read_csv("data/source/table.csv")["planted"].iloc[: len(rows)]


def _by_value(rows: pd.DataFrame) -> pd.Series:
    """The target, looked up in the file: it depends on nothing but the row."""
    known = pd.read_csv("data/source/table.csv").drop_duplicates("strong").set_index("strong")["planted"]
    return rows.strong.map(known)


# What a feature may not be made of, by what it looks at.
IMPURE: dict[str, Callable[[pd.DataFrame], Any]] = {
    "mean": lambda r: r.weak - r.weak.mean(),
    "scale": lambda r: (r.weak - r.weak.min()) / (r.weak.max() - r.weak.min()),
    "median for gaps": lambda r: r.gaps.fillna(r.gaps.median()),
    "mode for gaps": lambda r: r.colour.fillna(r.colour.mode().iloc[0] if r.colour.notna().any() else "none"),
    "rank": lambda r: r.weak.rank(pct=True),
    "quantile": lambda r: pd.qcut(r.weak, 4, labels=False),
    "clip": lambda r: r.weak.clip(upper=r.weak.quantile(0.95)),
    "frequency": lambda r: r.street.map(r.street.value_counts()),
    "group mean": lambda r: r.groupby("colour", dropna=False).weak.transform("mean"),
    "previous row": lambda r: r.weak.shift(),
    "running sum": lambda r: r.visits.cumsum(),
    "rolling mean": lambda r: r.weak.rolling(7, min_periods=1).mean(),
    "position": lambda r: np.arange(len(r)),
    "number of rows": lambda r: float(len(r)),
    "repeated before": lambda r: r.duplicated(),
    "codes of a category": lambda r: r.colour.astype("category").cat.codes,
    "codes in order": lambda r: pd.factorize(r.street)[0],
    "random": lambda r: np.random.default_rng().normal(size=len(r)),
    "old random": lambda r: np.random.random(len(r)),
    "seeded random": lambda r: np.random.default_rng(0).normal(size=len(r)),
    "calls": lambda r: float(next(CALLS)),
    "now": lambda r: (pd.Timestamp.now() - r.day).dt.days,
    "datetime": lambda r: (datetime.now() - r.day).dt.days,
    "today": lambda r: date.today().year - r.day.dt.year,
    "clock": lambda r: time.time() - r.weak,
    "before now": lambda r: r.day < pd.Timestamp("now"),
    "file by position": _file,
    "file by value": _by_value,
}


def looks(kind: str, seed: int) -> list[str]:
    """The rules that a feature of this kind breaks, on a table of its own in a folder of its own."""
    case = honest(seed)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("data/source").mkdir(parents=True)
        _with(case, case.target).rows.head(500).to_csv("data/source/table.csv")
        found = impure(lambda rows: rows.assign(planted=IMPURE[kind](rows)), case.rows.head(500))
    return [leak.rule for leak in found if leak.columns in (("planted",), ())]


def stopped(case: Case) -> list[tuple[str, ...]]:
    """The columns of each leak that stops, of a table without times of its own."""
    return [leak.columns for leak in in_sample(case.sample(), case.task, None) if leak.severity == "stop"]


def _late(case: Case) -> np.ndarray:
    """A holdout by time."""
    return (case.rows.day >= case.rows.day.quantile(0.8)).to_numpy()


def caught(sort: str, kind: str, seed: int) -> bool:
    if sort == "tells the target":
        case = honest(seed)
        return ("planted",) in stopped(_with(case, TELLING[kind](case, np.random.default_rng(seed))))
    if sort == "makes the target":
        wanted = set("abcd") if kind == "sum of four" else set("ab")
        return any(set(columns) == wanted for columns in stopped(makes(kind, seed)))
    random = np.random.default_rng(seed)
    if sort == "later than the time":
        case = honest(seed)
        lag = pd.to_timedelta(random.exponential(9, len(case.rows)) + (random.random(len(case.rows)) > 0.005), unit="D")
        rows = case.rows.assign(planted=case.rows.day + lag, **{TIME: case.rows.day})
        return ("planted",) in [leak.columns for leak in later(replace(case, rows=rows).sample(), "day")]
    if sort == "group on both sides":
        case = honest(seed)
        return shared(pa.chunked_array([random.integers(len(case.rows) // 5, size=len(case.rows))]), _late(case)) > 0
    if sort == "row on both sides":
        case, held = twins(seed)
        return repeated(pa.Table.from_pandas(case.rows, preserve_index=False).columns, held) >= 1 + seed % 5
    return bool(looks(kind, seed))


SORTS = {
    "tells the target": [*TELLING],
    "makes the target": [*OPERATIONS],
    "later than the time": ["a time some days later, in 1 of 200 rows not"],
    "row on both sides": ["1 to 5 rows"],
    "group on both sides": ["groups of five, a cut by time"],
    "feature function": [*IMPURE],
}


def false_stops(seed: int) -> list[tuple[str, ...]]:
    """What stops a table without a leak, with a feature function that looks at nothing but its row."""

    def features(rows: pd.DataFrame) -> pd.DataFrame:
        made = {"ratio": rows.weak / rows.visits, "month": rows.day.dt.month, "upper": rows.colour.str.upper()}
        return rows.assign(**made, log=np.log1p(rows.visits), even=np.exp(rows.weak), street=rows.street.fillna("none"))

    case = honest(seed)
    return stopped(case) + [leak.columns for leak in impure(features, case.rows.head(500))]


def page(n: int) -> str:
    """All of it, as a page."""
    began = time.process_time()
    wrong = [(seed, columns) for seed in range(n) if (columns := false_stops(seed))]
    lines = [f"| no leak | {', '.join(TASKS)} | {len(wrong)} stopped of {n} | none | {_met(not wrong)} |"]
    for sort, kinds in SORTS.items():
        counts = {kind: sum(caught(sort, kind, seed) for seed in range(n)) for kind in kinds}
        total = sum(counts.values()) / n / len(kinds)
        whole = f"| **{sort}** | all of the sort | {total:.1%} | {SHARE:.0%} | {_met(total >= SHARE)} |"
        each = [
            f"| {sort} | {kind} | {found} of {n} | {SHARE:.0%} | {_met(found >= SHARE * n)} |"
            for kind, found in counts.items()
        ]
        lines += [whole, *each]
        print("\n".join([whole, *each]), flush=True)
    seconds = time.process_time() - began
    return TEXT.format(n=n, seconds=seconds) + "\n".join(lines) + "\n"


def _met(value: bool) -> str:
    return "yes" if value else "**no**"


TEXT = """# How often are the leakage checks right?

Made by `python -m template.leaks`, {n} seeded tables of each line, {seconds:.0f} s of CPU: tables of 100, 150 and 3,000
rows, every third sorted by its target, with gaps, times, words that hardly repeat, and honest signals up to an AUC of
0.98 in one number, 98.5 % told right by one category (from 1,000 rows on) and 99 % of a target's variance explained.
A leak counts as caught when the stage stops at its column, or warns of a later time and of rows on both sides.

Not met or not seen, and known: a copy with one wrong row of a hundred is 99 % right, which honest features reach in so
few rows: it is a warning. A feature made of `np.datetime64("today")` reads the clock where no other date can be given.
A file that is read when src/features.py is imported, or by an absolute path, is not noticed as such.

| sort | kind | found | target | met |
|---|---|---|---|---|
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=200)
    PAGE.write_text(page(parser.parse_args().n), encoding="utf-8", newline="\n")
