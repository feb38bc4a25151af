"""How good are drafted expectation suites? Result: template/drafts.md.

python -m template.drafts    100 redraws of each table and every corruption

A suite is drafted on one half of a generated table. How often does the other half pass, and which corruptions of it are
caught?
"""

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import params
from plumbline.data.roles import resolve_roles, summarize_columns
from plumbline.data.schema import ARROW, type_of
from plumbline.expectations.draft import draft_expectations
from plumbline.expectations.expectation import Expectation
from plumbline.expectations.results import describe_failure
from plumbline.expectations.validation import validate
from plumbline.files import write_text
from plumbline.findings import Findings
from plumbline.testing.params import make_params
from template.corruptions import CORRUPTIONS
from template.records import format_row

Suite = list[Expectation]
PAGE = "template/drafts.md"
REDRAWS = 100
HEADING = """# How good are drafted expectation suites?

Written by `python -m template.drafts`. A suite is drafted on a random half of a table and checks the other.

## Does the other half pass?

Target: every expectation holds in at least 95 of 100 redraws. Generated tables are generated again for each redraw.

| table | redraws | passed | first failure |
|---|---|---|---|
"""
WORDS = np.array("late broken thanks again please call before noon parcel wet lost found never left".split())  # noqa: SIM905


def orders(random: np.random.Generator, rows: int = 3000) -> pd.DataFrame:
    """Return a table with a key, two ordered times and amounts, counts, levels, flags, codes, text and common gaps."""
    opened = np.datetime64("2022-03-01T00:00:00", "us") + random.integers(0, 6 * 10**13, rows).astype("m8[us]")
    closed = pd.Series(opened + (random.exponential(3e11, rows) + 6e10).astype("m8[us]"))
    is_open = random.random(rows) < 0.25
    net = random.lognormal(4, 0.8, rows).round(2)
    frame = pd.DataFrame({"order_id": [f"A{number:06d}" for number in random.permutation(10**6)[:rows]]})
    frame["opened at"], frame["closed at"] = opened, closed.mask(is_open)
    frame["closed by"] = pd.Series(random.choice(["Ana", "Björn", "Chloé"], rows, p=[0.5, 0.3, 0.2])).mask(is_open)
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
    """Return a table without a key: numbers of every distribution, some of them missing, and a number to predict."""
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
    """Return a small table: a suite is drafted on 50 rows."""
    frame = orders(random, rows)
    return frame.drop(columns=["order_id"]).assign(code=random.choice(list("abcdefgh"), rows))


def sample(random: np.random.Generator) -> pd.DataFrame:
    """Return the repository's own table."""
    p = params.read("data.source", "data.target")
    return pd.read_csv(p.data.source).rename(columns={p.data.target: "target"})


TABLES = {"orders": orders, "readings": readings, "small": small, "sample": sample}


def write_table(frame: pd.DataFrame, path: Path) -> dict[str, str]:
    """Write a frame as ingest would, and return the types."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    types = {field.name: type_of(field.type) for field in table.schema}
    pq.write_table(table.cast(pa.schema([(name, ARROW[type_]) for name, type_ in types.items()])), path)
    return types


def draft_suite(frame: pd.DataFrame, folder: Path) -> Suite:
    """Draft a suite on a table whose target is the column `target`."""
    path = folder / "drafted.parquet"
    types = write_table(frame, path)
    columns = summarize_columns(str(path), types)
    with contextlib.redirect_stdout(io.StringIO()):
        schema = resolve_roles(columns, len(frame), make_params(), str(path), Findings("draft"))
    return draft_expectations(str(path), schema)


def _select_affected(suite: Suite, before: pd.DataFrame, after: pd.DataFrame) -> Suite:
    """The expectations whose result may differ between the two frames."""
    if len(before) != len(after) or set(before) != set(after):
        return suite
    names = [name for name in before if not before[name].equals(after[name])]
    return [entry for entry in suite if any(repr(name) in str(entry.kwargs) for name in names)]


def find_failures(suite: Suite, frame: pd.DataFrame, folder: Path) -> list[str]:
    """Return what fails of a suite on a table, in words."""
    path = folder / "other.parquet"
    write_table(frame, path)
    results = validate(suite, str(path))
    return [describe_failure(result, show_values=False) for result in results if not result.success]


def split_table(name: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two random halves of a table, which is generated with the seed unless it is the sample."""
    frame = TABLES[name](np.random.default_rng(seed))
    order = np.random.default_rng([1, seed]).permutation(len(frame))
    middle = len(frame) // 2
    first, second = (frame.iloc[np.sort(rows)].reset_index(drop=True) for rows in (order[:middle], order[middle:]))
    return first, second


def redraw(name: str, seeds: range, folder: Path) -> Iterator[list[str]]:
    """Yield, for each seed, what fails on one half of a suite that was drafted on the other."""
    for seed in seeds:
        first, second = split_table(name, seed)
        yield find_failures(draft_suite(first, folder), second, folder)


def corrupt_tables(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each corruption of one half, with what fails of the suite; the first is "none"."""
    first, second = split_table("orders", 0)
    suite = draft_suite(first, folder)
    yield "none", find_failures(suite, second, folder)
    for name, corrupt in CORRUPTIONS.items():
        frame = corrupt(second.copy(), np.random.default_rng(1))
        yield name, find_failures(_select_affected(suite, second, frame), frame, folder)


def render_page(redraws: dict[str, list[list[str]]], corruptions: list[tuple[str, list[str]]]) -> str:
    """Return drafts.md.

    Parameters
    ----------
    redraws : dict of list
        For each table the failures of each redraw.
    corruptions : list of tuple
        Name and failures of each corruption.
    """
    lines = HEADING.splitlines()
    for name, rows in redraws.items():
        firsts = "; ".join(failures[0].split(" [")[0] for failures in rows if failures) or "-"
        lines.append(format_row([name, str(len(rows)), str(sum(not failures for failures in rows)), firsts]))
    caught = sum(bool(failures) for _, failures in corruptions)
    lines += ["", "## Corruptions", "", f"Target: at least 30. Caught: {caught} of {len(corruptions)}.", ""]
    lines += ["| corruption | failing expectations | the first one |", "|---|---|---|"]
    for name, failures in corruptions:
        first = failures[0].split(" (")[0].split(": ")[0].removeprefix("expect_") if failures else "**not caught**"
        lines.append(format_row([name, str(len(failures)), first]))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        redraws = {name: list(redraw(name, range(REDRAWS), Path(folder))) for name in TABLES}
        corruptions = list(corrupt_tables(Path(folder)))[1:]
    write_text(PAGE, render_page(redraws, corruptions))
    print(f"Wrote: {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
