"""Write a first expectation suite for the table of `data.source`, or show how a draft differs from the suite."""

import difflib
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import params
from plumbline.errors import ProjectError
from plumbline.expectations.draft import draft_expectations
from plumbline.expectations.suite import Suite, suite_path
from plumbline.files import write_text
from plumbline.findings import Findings
from plumbline.pipeline.ingest import type_table


def add_arguments(parser: ArgumentParser) -> None:
    """Add --replace."""
    parser.add_argument("--replace", action="store_true", help="overwrite a suite that exists")


def run(options: Namespace) -> int:
    """Draft the suite and write it where no other exists; return the exit code."""
    p = params.check()
    path = suite_path(p.data.source)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.parquet")
        schema = type_table(p, table, Findings("draft"))
        expectations = draft_expectations(str(table), schema)
    text = Suite(path.stem, tuple(expectations), (p.data.source,)).dumps()
    current = path.read_text(encoding="utf-8") if path.exists() else text
    if current != text and not options.replace:
        lines = current.splitlines(), text.splitlines()
        print(*difflib.unified_diff(*lines, path.as_posix(), "the draft", n=0, lineterm=""), sep="\n")
        raise ProjectError(
            f"{path.as_posix()}: this suite exists, and the draft differs from it as shown above",
            hint="Copy lines of the draft into it, or overwrite it: python -m plumbline draft --replace",
        )
    write_text(str(path), text)
    print(f"\nWrote: {path.as_posix()} with {len(expectations)} expectations of {len(schema.columns)} columns")
    print("Next: read each line and correct its limits (plumbline docs expectations), commit it, make repro")
    return 0
