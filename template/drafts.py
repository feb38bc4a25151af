"""Drafted suites, measured on made tables: how often another half passes, and which corruptions are caught.

python -m template.drafts    100 redraws of each table and every corruption; writes template/drafts.md
"""

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import keys, params
from plumbline.data.roles import settle, summarise
from plumbline.data.schema import ARROW, type_of
from plumbline.expectations.draft import draft
from plumbline.expectations.faults import failure
from plumbline.expectations.suite import validate
from plumbline.files import write_text
from plumbline.findings import Findings
from template.corruptions import CORRUPTIONS

RESULT = "template/drafts.md"
REDRAWS = 100
HEADING = """# Drafted suites, measured

Written by `python -m template.drafts`. A suite is drafted on a random half of a table; the other half is held to it.

## Another half passes

Asked for: at least 95 of 100 redraws in which every expectation holds. The made tables are made anew for each redraw.

| table | redraws | passed wholly | what failed first |
|---|---|---|---|
"""
WORDS = np.array("late broken thanks again please call before noon parcel wet lost found never left".split())  # noqa: SIM905


def orders(random: np.random.Generator, rows: int = 3000) -> pd.DataFrame:
    """A key, times in order, amounts in order, counts, levels, flags, codes, text, gaps that come together."""
    opened = np.datetime64("2022-03-01T00:00:00", "us") + random.integers(0, 6 * 10**13, rows).astype("m8[us]")
    closed = pd.Series(opened + (random.exponential(3e11, rows) + 6e10).astype("m8[us]"))
    still_open = random.random(rows) < 0.25
    net = random.lognormal(4, 0.8, rows).round(2)
    frame = pd.DataFrame({"order_id": [f"A{number:06d}" for number in random.permutation(10**6)[:rows]]})
    frame["opened at"], frame["closed at"] = opened, closed.mask(still_open)
    frame["closed by"] = pd.Series(random.choice(["Ana", "Björn", "Chloé"], rows, p=[0.5, 0.3, 0.2])).mask(still_open)
    frame["net"], frame["gross"] = net, (net * random.choice([1.07, 1.19], rows)).round(2)
    frame["weight.kg"] = random.normal(70, 9, rows).round(1)
    frame["balance"] = (random.standard_t(5, rows) * 30).round(2)
    frame["discount"] = np.where(random.random(rows) < 0.7, 0, random.exponential(5, rows).round(2))
    frame["items"] = pd.Series(random.poisson(18, rows), dtype="Int64").mask(random.random(rows) < 0.03)
    frame["rating"] = random.choice(5, rows, p=[0.1, 0.1, 0.2, 0.25, 0.35]) + 1
    frame["region"] = random.choice(["north", "south", "east", "west", "île"], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    frame["express"] = pd.Series(random.random(rows) < 0.3, dtype="boolean").mask(random.random(rows) < 0.05)
    frame["postcode"] = [f"{code:05d}" for code in random.integers(500, 99999, rows)]
    frame["remark"] = [" ".join(random.choice(WORDS, 3 + random.poisson(5))).capitalize() for _ in range(rows)]
    frame["target"] = np.where(net + random.normal(0, 30, rows) > 80, "kept", "returned")
    return frame


def readings(random: np.random.Generator, rows: int = 1200) -> pd.DataFrame:
    """No key: numbers of every shape, heavy tails, negative ones, shares, some missing; a number to predict."""
    size = random.normal(size=rows)
    frame = pd.DataFrame({f"normal {i}": size * i / 9 + random.normal(size=rows) for i in range(10)})
    frame["uniform"], frame["share"] = random.random(rows), random.beta(0.5, 3, rows)
    frame["lognormal"], frame["pareto"] = random.lognormal(0, 1.5, rows), random.pareto(1.5, rows)
    frame["cauchy"], frame["debt"] = random.standard_cauchy(rows), -random.exponential(10, rows).round()
    frame["rare"] = np.where(random.random(rows) < 0.01, random.lognormal(2, 1, rows), 0)
    frame["year"] = random.integers(1990, 2024, rows)
    frame["town"] = random.zipf(1.6, rows) % 500
    frame["town name"] = "town " + frame["town"].astype(str)
    for number in range(5):
        frame[f"normal {number}"] = frame[f"normal {number}"].mask(random.random(rows) < 0.001 * 4**number)
    frame["target"] = size + random.normal(size=rows)
    return frame


def small(random: np.random.Generator, rows: int = 100) -> pd.DataFrame:
    """50 rows to draft from."""
    frame = orders(random, rows)
    return frame.drop(columns=["order_id"]).assign(code=random.choice(list("abcdefgh"), rows))


def sample(random: np.random.Generator) -> pd.DataFrame:
    """The table of this repository."""
    p = params.read("data.source", "data.target")
    return pd.read_csv(p.source).rename(columns={p.target: "target"})


TABLES = {"orders": orders, "readings": readings, "small": small, "sample": sample}


def typed(frame: pd.DataFrame, path: Path) -> dict[str, str]:
    """Writes a frame as ingest would have; returns the types."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    kinds = {field.name: type_of(field.type) for field in table.schema}
    pq.write_table(table.cast(pa.schema([(name, ARROW[kind]) for name, kind in kinds.items()])), path)
    return kinds


def drafted(frame: pd.DataFrame, folder: Path) -> list[dict[str, Any]]:
    path = folder / "drafted.parquet"
    kinds = typed(frame, path)
    data = {key.split(".")[1]: rule.default for key, rule in keys.KEYS.items() if key.startswith("data.")}
    p = SimpleNamespace(**data | {"target": "target", "protected": []})
    with contextlib.redirect_stdout(io.StringIO()):
        schema = settle(summarise(str(path), kinds), len(frame), p, str(path), Findings("draft"))
    return draft(str(path), schema)


def touched(suite: list[dict[str, Any]], before: pd.DataFrame, after: pd.DataFrame) -> list[dict[str, Any]]:
    """The expectations whose result may differ between the two frames."""
    if len(before) != len(after) or set(before) != set(after):
        return suite
    changed = [name for name in before if not before[name].equals(after[name])]
    return [each for each in suite if any(repr(name) in str(each["kwargs"]) for name in changed)]


def failures(suite: list[dict[str, Any]], frame: pd.DataFrame, folder: Path) -> list[str]:
    typed(frame, folder / "other.parquet")
    results = validate(suite, str(folder / "other.parquet"))
    return [failure(result, False) for result in results if not result["success"]]


def halves(name: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table, another one for each seed where it is made, in two random halves."""
    frame = TABLES[name](np.random.default_rng(seed))
    order = np.random.default_rng([1, seed]).permutation(len(frame))
    middle = len(frame) // 2
    first, second = (frame.iloc[np.sort(part)].reset_index(drop=True) for part in (order[:middle], order[middle:]))
    return first, second


def redraws(name: str, seeds: range, folder: Path) -> Iterator[list[str]]:
    """What fails of a suite drafted on one half when the other half is held to it, once for each seed."""
    for seed in seeds:
        first, second = halves(name, seed)
        yield failures(drafted(first, folder), second, folder)


def caught(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each corruption of the other half, with what fails of the suite."""
    first, second = halves("orders", 0)
    suite = drafted(first, folder)
    yield "none", failures(suite, second, folder)
    for name, corrupt in CORRUPTIONS.items():
        corrupted = corrupt(second.copy(), np.random.default_rng(1))
        yield name, failures(touched(suite, second, corrupted), corrupted, folder)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = {name: list(redraws(name, range(REDRAWS), Path(folder))) for name in TABLES}
        results = list(caught(Path(folder)))[1:]
    lines = HEADING.splitlines()
    for name, each in found.items():
        failed = "; ".join(words[0].split(" [")[0] for words in each if words) or "-"
        lines.append(f"| {name} | {len(each)} | {sum(not words for words in each)} | {failed} |")
    many = sum(bool(words) for _, words in results)
    lines += ["", "## Corruptions", "", f"Asked for: at least 30. Caught: {many} of {len(results)}.", ""]
    lines += ["| corruption | expectations that fail | the first of them |", "|---|---|---|"]
    for name, words in results:
        first = words[0].split(" (")[0].split(": ")[0].removeprefix("expect_") if words else "**not caught**"
        lines.append(f"| {name} | {len(words)} | {first} |")
    write_text(RESULT, "\n".join(lines) + "\n")
    print(f"Made: {RESULT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
