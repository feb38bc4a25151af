"""Write a first suite of expectations for the table that data.source names."""

import difflib
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import params
from plumbline.errors import PlumblineError
from plumbline.expectations.draft import draft
from plumbline.expectations.suite import dumps, place
from plumbline.files import write_text
from plumbline.findings import Findings
from plumbline.pipeline.ingest import type_table


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--replace", action="store_true", help="let a draft take the place of a reviewed suite")


def run(options: Namespace) -> int:
    p = params.check()
    path = place(p.data.source)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.parquet")
        schema = type_table(p, table, Findings("draft"))
        suite = draft(str(table), schema)
    text = dumps(path.stem, suite, (p.data.source,))
    there = path.read_text(encoding="utf-8") if path.exists() else text
    if there != text and not options.replace:
        lines = there.splitlines(), text.splitlines()
        print(*difflib.unified_diff(*lines, path.as_posix(), "the draft", n=0, lineterm=""), sep="\n")
        raise PlumblineError(
            f"{path.as_posix()}: is there, and a draft differs as shown. Take lines of it by hand, or --replace"
        )
    write_text(str(path), text)
    print(f"\nMade: {path.as_posix()}, {len(suite)} expectations of {len(schema.columns)} columns, all drafted by rule")
    print("Next: read each line, loosen or tighten what you know better (docs/expectations.md), commit it, make repro")
    return 0
