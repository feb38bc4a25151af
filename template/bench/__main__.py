"""Measure what the pipeline costs, compared with the same job as a plain script, and write template/benchmarks.md.

    python -m template.bench [NAME ...] [-n 5]    run these measures (default: all); the results of the others stay

Seconds are CPU time, user and system, of a command and of all processes that it starts. Each number is the median of n
runs, in which the two commands take turns (A B A B). Projects are fresh clones of the last commit in a temporary
folder; tables are generated with a fixed seed.
"""

import argparse
import os
import platform
import re
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from template.bench.measures import MEASURES
from template.bench.workspace import ROOT, Workspace
from template.records import current_commit, format_row, read_records, write_records

RECORDS, PAGE = ROOT / "template/benchmarks.json", ROOT / "template/benchmarks.md"
PACKAGES = ("dvc", "scikit-learn", "great-expectations", "pandas", "pyarrow", "numpy", "skops")
# Why a target is missed: a person writes it here, under the measure's name.
REASONS: dict[str, str] = {
    "sample": "most of the difference is imports, of five processes against one, and DVC itself, about 2.9 s. Of the "
    "imports, garbage collection costs 1.5 s; to pause it needs code before the first import of each stage file",
    "size": "the code that creates a project builds the wheel and the source archive as well, and checks nine answers",
}


def describe_circumstances(n: int) -> dict[str, str]:
    """Return when and where a measure was run, as the page shows it."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    machine = f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {platform.system()}"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d}, {current_commit()}, n = {n}",
        "where": f"{machine}; Python {platform.python_version()}, {versions}",
    }


def render_page(records: dict[str, dict[str, Any]]) -> str:
    """Return benchmarks.md for the records of benchmarks.json."""
    records = {name: records[name] for name in MEASURES if name in records}
    lines = [
        "# Benchmarks\n",
        "Written by `python -m template.bench`. The script is `bench/script.py`.\n",
        "| name | measure | target | value | | | day, commit, runs |",
        "|" + "---|" * 7,
    ]
    for name, record in records.items():
        for row in record["rows"]:
            verdict = "met" if row["is_met"] else "**missed**"
            cells = [name, row["title"], row["target"], row["value"], verdict, row["detail"], record["when"]]
            lines.append(format_row(cells))
    missed = [name for name, record in records.items() if not all(row["is_met"] for row in record["rows"])]
    lines += ["\n## Why targets are missed\n"] if missed else []
    lines += [f"- {name}: {REASONS.get(name, 'no reason is written yet')}" for name in missed]
    lines.append("\n## Machine and versions\n")
    for where in dict.fromkeys(record["where"] for record in records.values()):
        lines.append(f"- {', '.join(name for name in records if records[name]['where'] == where)}: {where}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the measures of the command line and write both files after each."""
    parser = argparse.ArgumentParser(description="Measure the pipeline and write template/benchmarks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", default="all", choices=["all", *MEASURES])
    parser.add_argument("-n", type=int, default=5, help="runs of each command")
    arguments = parser.parse_args()
    records = read_records(RECORDS)
    for name in MEASURES if "all" in arguments.names else arguments.names:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            results = MEASURES[name](Workspace(Path(folder), arguments.n))
        rows = [asdict(result) for result in results]
        records[name] = {"rows": rows, **describe_circumstances(arguments.n)}
        for result in results:
            print(f"{name}: {result.title}: {result.value}, {result.target} ({result.detail})", flush=True)
        write_records(RECORDS, records)
        PAGE.write_text(render_page(records), encoding="utf-8")


if __name__ == "__main__":
    main()
