"""The suite of expectations of the table that params.yaml names; docs/expectations.md says how to use it.

python -m src.expectations draft              write a first one for people to review; it never overwrites one
python -m src.expectations draft --replace    write it over the one that is there
python -m src.expectations format             write every suite that is there in its canonical form
"""

import argparse
import difflib
import sys
import tempfile
from pathlib import Path

from src import names, params
from src.expectations.draft import draft
from src.expectations.suite import about, dumps, load, place
from src.findings import Findings, write_text
from src.predictor.refusal import Refusal, guarded
from src.stages import ingest


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m src.expectations", description="The suite of the table at hand.")
    parser.add_argument("verb", choices=("draft", "format"))
    parser.add_argument("--replace", action="store_true", help="let a draft take the place of a reviewed suite")
    given = parser.parse_args(arguments)
    return _draft(given.replace) if given.verb == "draft" else _format()


def _format() -> int:
    for path in sorted(Path(names.EXPECTATIONS).glob("*.json")):
        write_text(str(path), dumps(path.stem, load(path), about(path)))
        print(f"{path.as_posix()} is canonical")
    return 0


def _draft(replace: bool) -> int:
    p = params.read(*ingest.PARAMS)
    path = place(p.source)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.parquet")
        schema = ingest.typed(p, table, Findings("draft"))
        suite = draft(str(table), schema)
    text = dumps(path.stem, suite, (p.source,))
    there = path.read_text(encoding="utf-8") if path.exists() else text
    if there != text and not replace:
        lines = there.splitlines(), text.splitlines()
        print(*difflib.unified_diff(*lines, path.as_posix(), "the draft", n=0, lineterm=""), sep="\n")
        raise Refusal(
            f"{path.as_posix()}: is there, and a draft differs as shown. Take lines of it by hand, or --replace"
        )
    write_text(str(path), text)
    print(f"\nMade: {path.as_posix()}, {len(suite)} expectations of {len(schema.columns)} columns, all drafted by rule")
    print("Next: read each line, loosen or tighten what you know better (docs/expectations.md), commit it, make repro")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
