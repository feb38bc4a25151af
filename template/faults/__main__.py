"""What is lost when something goes wrong: drills on a small project, and template/faults.md.

    python -m template.faults [NAME ...] [--seed N]    the drills whose names begin so (default: all)

Each drill breaks a copy of the project and runs the same command again. Exit code 1 when a drill failed. What other
drills found is kept. Linux alone: it needs limits on files and memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from template.faults import hostile, kills, machine

PLACE = Path(__file__).parents[1]
KEPT, PAGE = PLACE / "faults.json", PLACE / "faults.md"
KILL = "kill {}"
NAMES = [*map(KILL.format, kills.COMMANDS), *machine.CASES, *hostile.CASES]
WORDS = {**machine.CASES, **hostile.CASES}


def killed(command: str, folder: Path, seed: int) -> tuple[bool, str]:
    points = kills.points(command, folder, seed)
    bad = 0
    for number, (at, kind) in enumerate(points, 1):
        try:
            said = kills.kill(command, folder, at, kind)
        except Exception as error:
            said, bad = f"FAILED {error}", bad + 1
        print(f"kill {command} {number}/{len(points)}: {said}", flush=True)
    return bad == 0, f"{len(points) - bad} of {len(points)} finish with the same bytes"


def drilled(name: str, folder: Path, seed: int) -> tuple[bool, str]:
    if name.startswith("kill "):
        return killed(name.removeprefix("kill "), folder, seed)
    try:
        return True, WORDS[name][1](folder)
    except Exception as error:  # whatever it is, the other drills go on
        return False, f"FAILED {type(error).__name__} {' '.join(str(error).split())}"


def page(kept: dict[str, Any]) -> str:
    lines = ["# What was broken, and what came of it\n",
             "Made by `python -m template.faults`, which says how. The last column is a test, or the drill itself.\n",
             "| fault | what came of it | kept so by |", "|---|---|---|"]  # fmt: skip
    for name in (name for name in NAMES if name in kept):
        what = WORDS[name][0] if name in WORDS else f"SIGKILL during {name.removeprefix('kill ')}"
        lines.append(f"| {what} | {kept[name]['found']} | `python -m template.faults {name.split()[0]}` |")
    for what, found, where, test in hostile.TESTED:
        lines.append(f"| {what} | {found} | [{test}]({where}) |")
    made = sorted({found["commit"] for found in kept.values()})
    return "\n".join([*lines, f"\nThe drills were run at {', '.join(made)}."]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Drills of faults")
    parser.add_argument("names", nargs="*", help="beginnings of names")
    parser.add_argument("--seed", type=int, default=9, help="which moments are killed at")
    given = parser.parse_args()
    asked = [name for name in NAMES if name.startswith(tuple(given.names) or "")]
    commit = subprocess.run(["git", "describe", "--always"], capture_output=True, encoding="utf-8", check=True).stdout
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        for number, name in enumerate(asked, 1):
            good, found = drilled(name, Path(temporary), given.seed)
            failed += not good
            print(f"{number}/{len(asked)} {name}: {found[:2000]}", flush=True)
            kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
            kept[name] = {"found": found if good else "**failed**", "commit": commit.strip()}
            KEPT.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            PAGE.write_text(page(kept), encoding="utf-8")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
