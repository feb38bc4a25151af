"""Is what git, dvc.lock and dvc.yaml state true?

    python -m src.reproducibility verify [--no-remote] [--json FILE]
    python -m src.reproducibility hermetic [STAGE ...] [--json FILE]

verify: 0 fresh (or no run yet), 1 stale or not pushed, 2 cannot tell; hermetic: 0 it is, 1 findings, 2 could not run;
docs/reproducibility.md.
"""

import argparse
import sys
from pathlib import Path

from src.checks import write_json
from src.predictor.refusal import Refusal, guarded
from src.reproducibility.hermetic import hermetic
from src.reproducibility.pipeline import PIPELINE
from src.reproducibility.verify import verify


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m src.reproducibility", description="Is dvc.lock true?")
    verbs = parser.add_subparsers(dest="verb", required=True)
    asked = verbs.add_parser("verify", help="does dvc.lock belong to these files, is it complete, was it pushed")
    asked.add_argument("--no-remote", action="store_true", help="do not ask the remote")
    alone = verbs.add_parser("hermetic", help="does dvc.yaml name all that each stage reads and writes, and no more")
    alone.add_argument("stages", nargs="*", metavar="STAGE", help="all of them, without one")
    for one in (asked, alone):
        one.add_argument("--json", metavar="FILE", help="write the report there, too")
    options = parser.parse_args()
    if not Path(PIPELINE).exists():
        raise Refusal(f"{PIPELINE} is not in {Path.cwd()}: run this in the project's root")
    report = verify(not options.no_remote) if options.verb == "verify" else hermetic(options.stages)
    if options.json:
        write_json(options.json, report.as_dict())
    print("\n".join(report.lines()))
    return report.code


if __name__ == "__main__":
    sys.exit(guarded(main, failed=2 if "hermetic" in sys.argv[1:2] else 1))
