"""Generated tables for the benchmarks, of any size and with a fixed seed, and expectation suites for them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

CHUNK = 100_000  # rows generated at once


def column_kinds(columns: int) -> dict[str, str]:
    """Return what each column holds: a key, an answer, and of the rest a fifth words and a tenth counts."""
    words, counts = columns // 5, columns // 10
    numbers = columns - 2 - words - counts
    names = [("word", words), ("count", counts), ("number", numbers)]
    return {"row_id": "key", "answer": "answer"} | {f"{kind}_{i}": kind for kind, n in names for i in range(n)}


def write_table(path: Path, rows: int, columns: int) -> None:
    """Write a table as CSV, in bounded memory: the process that measures must stay smaller than what it measures."""
    with pa_csv.CSVWriter(path, _chunk(0, 1, columns).schema) as writer:
        for start in range(0, rows, CHUNK):
            writer.write_table(_chunk(start, min(CHUNK, rows - start), columns))


def _chunk(start: int, rows: int, columns: int) -> pa.Table:
    """Rows of a table: numbers of four decimals, some missing; the answer follows words and numbers, with noise."""
    random = np.random.default_rng([start, columns])
    table: dict[str, Any] = {"row_id": np.arange(start, start + rows) + 10**6, "answer": None}
    score = random.normal(size=rows)
    for i, (name, kind) in enumerate(list(column_kinds(columns).items())[2:]):
        if kind == "word":
            codes = random.integers(5 + 10 * i, size=rows).astype("int32")
            score += (codes % 3 == i % 3) - 0.33
            levels = pa.array([f"level {code}" for code in range(5 + 10 * i)])
            table[name] = pa.DictionaryArray.from_arrays(codes, levels).cast(pa.string())
        elif kind == "count":
            table[name] = random.poisson(20, size=rows)
        else:
            values = random.normal(size=rows).round(4)
            score += values * np.abs(values) / (1 + i)
            table[name] = pa.array(values, mask=random.random(rows) < 0.02)
    table["answer"] = np.where(score > 1, "yes", "no")
    return pa.table(table)


def suite(columns: int, expectations: int) -> dict[str, Any]:
    """Return an expectation suite for a table, with so many expectations (2 or 3) on each column."""
    entries: list[dict[str, Any]] = []
    for name, kind in column_kinds(columns).items():
        column = {"column": name}
        text = kind in ("word", "answer")
        ranges: dict[str, Any] = {"regex": "^(level|yes|no)"} if text else {"min_value": -1e9, "max_value": 1e9}
        values = "expect_column_values_to_match_regex" if text else "expect_column_values_to_be_between"
        entries.append({"type": "expect_column_values_to_not_be_null", "kwargs": column | {"mostly": 0.9}})
        entries.append({"type": values, "kwargs": column | ranges})
        if expectations > 2 and kind == "key":
            entries.append({"type": "expect_column_values_to_be_unique", "kwargs": column})
        elif expectations > 2:
            of_type = "str" if text else "int64" if kind == "count" else "float64"
            entries.append({"type": "expect_column_values_to_be_of_type", "kwargs": column | {"type_": of_type}})
    return {"name": "made", "expectations": entries}
