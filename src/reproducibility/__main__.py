"""Is what git, dvc.lock and dvc.yaml state true, and does it come again?

    python -m src.reproducibility verify [--no-remote] [--json FILE]
    python -m src.reproducibility replay [--quick | --each] [--json FILE]
    python -m src.reproducibility hermetic [STAGE ...] [--json FILE]

verify: 0 fresh (or no run yet), 1 stale or not pushed, 2 cannot tell; replay: 0 the same, 1 not, 2 could not be run;
hermetic: 0 it is, 1 findings, 2 could not be run. docs/reproducibility.md.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from src.findings import write_json
from src.predictor.refusal import Refusal, guarded
from src.reproducibility.hermetic import hermetic
from src.reproducibility.pipeline import PIPELINE
from src.reproducibility.replay import replay
from src.reproducibility.verify import verify


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m src.reproducibility", description="Is what is committed true, and does it come again?"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    lock = verbs.add_parser("verify", help="does dvc.lock belong to these files, is it complete, was it pushed")
    lock.add_argument("--no-remote", action="store_true", help="do not ask the remote")
    again = verbs.add_parser("replay", help="does the committed pipeline give the same bytes under other circumstances")
    how = again.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="do not look for the cause of what differs")
    how.add_argument("--each", action="store_true", help="each circumstance alone, too, where nothing differs")
    alone = verbs.add_parser("hermetic", help="does dvc.yaml name all that each stage reads and writes, and no more")
    alone.add_argument("stages", nargs="*", metavar="STAGE", help="all of them, without one")
    for one in (lock, again, alone):
        one.add_argument("--json", metavar="FILE", help="write the report there, too")
    options = parser.parse_args()
    if not Path(PIPELINE).exists():
        raise Refusal(f"{PIPELINE} is not in {Path.cwd()}: run this in the project's root")
    report: Any
    if options.verb == "verify":
        report = verify(not options.no_remote)
    else:
        report = hermetic(options.stages) if options.verb == "hermetic" else replay(options.quick, options.each)
    if options.json:
        write_json(options.json, report.as_dict())
    print("\n".join(report.lines()))
    return report.code


if __name__ == "__main__":
    sys.exit(guarded(main, failed=2))
