"""Drills of faults on a small project, and what each one destroys: template/faults.md.

    python -m template.faults [NAME ...] [--seed N]    the drills whose names start with these (default: all)

Each drill breaks a copy of the project and runs the same command again. The exit code is 1 when a drill failed. The
results of the other drills stay in the page. The drills need Linux, for its limits on files and memory.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from template.faults import hostile, kills, machine
from template.records import current_commit, format_row, read_records, write_records

FOLDER = Path(__file__).parents[1]
RECORDS, PAGE = FOLDER / "faults.json", FOLDER / "faults.md"
CASES = {**machine.CASES, **hostile.CASES}
NAMES = [*(f"kill {name}" for name in kills.COMMANDS), *CASES]


def run_kills(command: str, folder: Path, seed: int) -> tuple[bool, str]:
    """Kill a command at its moments, one after the other; return whether all was well, and the result in words."""
    moments = kills.choose_moments(command, folder, seed)
    failures = 0
    for number, (moment, kind) in enumerate(moments, 1):
        try:
            outcome = kills.kill(command, folder, moment, kind)
        except Exception as error:
            outcome, failures = f"FAILED {error}", failures + 1
        print(f"kill {command} {number}/{len(moments)}: {outcome}", flush=True)
    return failures == 0, f"{len(moments) - failures} of {len(moments)} finish with the same bytes"


def run_drill(name: str, folder: Path, seed: int) -> tuple[bool, str]:
    """Run a drill; return whether all was well, and the result in words."""
    if name.startswith("kill "):
        return run_kills(name.removeprefix("kill "), folder, seed)
    try:
        return True, CASES[name][1](folder)
    except Exception as error:  # whatever it is, the other drills go on
        return False, f"FAILED {type(error).__name__} {' '.join(str(error).split())}"


def render_page(records: dict[str, dict[str, Any]]) -> str:
    """Return faults.md for the records of faults.json."""
    lines = [
        "# Fault injection: what was broken, and what happened\n",
        "Written by `python -m template.faults`. The last column names the test or the drill.\n",
        "| fault | result | checked by |",
        "|---|---|---|",
    ]
    for name in (name for name in NAMES if name in records):
        fault = CASES[name][0] if name in CASES else f"SIGKILL during {name.removeprefix('kill ')}"
        lines.append(format_row([fault, records[name]["result"], f"`python -m template.faults {name.split()[0]}`"]))
    for fault, result, file, test in hostile.TESTS:
        lines.append(format_row([fault, result, f"[{test}]({file})"]))
    commits = sorted({record["commit"] for record in records.values()})
    return "\n".join([*lines, f"\nThe drills were run at {', '.join(commits)}."]) + "\n"


def main() -> int:
    """Run the drills of the command line and write both files after each; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="Drills of faults")
    parser.add_argument("names", nargs="*", help="the first letters of names")
    parser.add_argument("--seed", type=int, default=9, help="chooses the moments of the kills")
    arguments = parser.parse_args()
    names = [name for name in NAMES if name.startswith(tuple(arguments.names) or "")]
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names, 1):
            is_good, result = run_drill(name, Path(folder), arguments.seed)
            failures += not is_good
            print(f"{number}/{len(names)} {name}: {result[:2000]}", flush=True)
            records = read_records(RECORDS)
            records[name] = {"result": result if is_good else "**failed**", "commit": current_commit()}
            write_records(RECORDS, records)
            PAGE.write_text(render_page(records), encoding="utf-8")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
