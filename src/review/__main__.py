"""make review: is the model of this commit better, worse or the same as that of another, or can nobody tell?

    python -m src.review [BASE]    BASE: a commit, default origin/main; its merge base with HEAD is compared

What stands in git is compared; metrics/ and data/ stay as they are, all is written to .review/. Exit code 0 for better,
same and cannot tell, 1 for worse or a blocking slice, 2 when the comparison itself could not be made.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from src import names, params
from src.checks import rounded, short
from src.predictor.refusal import Refusal
from src.predictor.schema import Schema
from src.review.cells import design, fill, place, read
from src.review.decide import decide
from src.review.sides import FOLDER, RECIPE, Side, git

SETTINGS = ("metric", "margin", "gap", "loss", "replicas", "folds", "alpha")
BY = "REVIEW_BY_BASE"  # set where base's own code decides
CODE = "src/review/__main__.py"


def main() -> int:
    asked = sys.argv[1] if len(sys.argv) > 1 else "origin/main"
    head = Side("head", git("rev-parse", "HEAD").strip())
    base = Side("base", git("merge-base", "HEAD", asked).strip())
    if BY not in os.environ and _has_review(base) and base.recipe(*RECIPE) != head.recipe(*RECIPE):
        return _by_base(base)
    result = reviewed(base, head)
    if BY not in os.environ and not _has_review(base):
        result |= {
            "word": "cannot tell",
            "why": "base has no review, so head's judged itself",
            "itself": result["word"],
        }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "result.json").write_text(json.dumps(rounded(result), indent=1) + "\n", encoding="utf-8")
    print("\n".join(told(result)))
    return 1 if result["word"] == "worse" or any(part["blocks"] for part in result["slices"]) else 0


def _has_review(base: Side) -> bool:
    return (
        subprocess.run(["git", "cat-file", "-e", f"{base.commit}:{CODE}"], capture_output=True, check=False).returncode
        == 0
    )


def _by_base(base: Side) -> int:
    """Base's review decides, from its worktree: -P keeps this folder's code from being imported."""
    base.prepare()
    command = [sys.executable, "-P", "-m", "src.review", *sys.argv[1:]]
    return subprocess.run(command, env=base.environment() | {BY: "1"}, check=False).returncode


def reviewed(base: Side, head: Side) -> dict[str, Any]:
    same = base.recipe(*RECIPE) == head.recipe(*RECIPE)
    about = {"base_commit": base.commit, "head_commit": head.commit, "changed": _changed(base, head)}
    if same:
        return about | {"word": "same", "why": "data, code, parameters and versions of the recipe are identical",
                        "slices": [], "metrics": []}  # fmt: skip
    settings = _settings(base)
    for side in (base, head):
        side.prepare()
    plan = design(head, settings.replicas, settings.folds)
    schema = Schema.loads((head.folder / names.SCHEMA).read_text(encoding="utf-8"))
    out = {side: place(side, head, plan) for side in (base, head)}
    unpaired = None
    try:
        fill(out, head, plan)
        cells = {side: read(path, plan) for side, path in out.items()}
        if not (cells[base].units.shape == cells[head].units.shape and (cells[base].units == cells[head].units).all()):
            unpaired = "rows are split by another key"
    except Refusal as error:
        if not str(error).startswith(base.name):
            raise
        unpaired = str(error)
    if unpaired:
        out[base] = place(base, base, plan)
        fill({base: out[base]}, base, plan)
        fill({head: out[head]}, head, plan)
        cells = {side: read(path, plan) for side, path in out.items()}
    must_work = list(base.params.get("requirements.must_work") or [])
    return about | decide(
        cells[base], cells[head], schema, settings, must_work, str(head.folder / names.TABLE), unpaired
    )


def _settings(base: Side) -> SimpleNamespace:
    given = {name: base.params.get(f"review.{name}", params.KEYS[f"review.{name}"].default) for name in SETTINGS}
    return SimpleNamespace(**given)


def _changed(base: Side, head: Side) -> list[str]:
    changed = git("diff", "--name-only", base.commit, head.commit).splitlines()
    kinds = {
        "data": ("data/source/",),
        "params": ("params.yaml",),
        "code": ("src/",),
        "versions": ("requirements.lock",),
    }
    return [kind for kind, starts in kinds.items() if any(path.startswith(starts) for path in changed)]


def told(result: dict[str, Any]) -> list[str]:
    """The result for a terminal: the word on the first line."""
    if "difference" not in result:
        return [f"{result['word']}: {result['why']}"]
    name, size = result["metric"], abs(result["difference"])
    way = "lower" if result["difference"] > 0 else "higher"
    first = f"{result['word']}: {name} {short(size)} {way} than base"
    if result["low"] is not None:
        first += f" (90 % interval of the gain {short(result['low'])} to {short(result['high'])})"
    lines = [first, f"  {result['why']}; what matters: {short(result['margin'])}"]
    if result["unpaired"]:
        lines.append(f"  each side on rows of its own: {result['unpaired']}")
    lines.append(f"  base {result['base_commit'][:9]} {short(result['base'])}, head {result['head_commit'][:9]} "
                 f"{short(result['head'])}, {result['rows_compared']} rows, {result['replicas']} replicas")  # fmt: skip
    if result["visible"] is not None and result["word"] == "cannot tell":
        needed = f"; {result['rows_needed']:,} rows would be needed" if result["rows_needed"] else ""
        lines.append(f"  a difference of {short(result['visible'])} could have been seen{needed}")
    lines.append(f"  changed: {', '.join(result['changed']) or 'nothing that the model is made of'}")
    lines += [f"  {m['metric']:24} {short(m['base']):>10} {short(m['head']):>10}   {short(m['difference'])} "
              f"({short(m['low'])} to {short(m['high'])})" for m in result["metrics"]]  # fmt: skip
    for part in sorted(result["slices"], key=lambda part: part["worse"])[:3]:
        mark = " BLOCKS" if part["blocks"] else ""
        lines.append(f"  slice {part['column']} = {part['level']}: {short(part['difference'])} "
                     f"(p {short(part['worse'])}, {part['rows_compared']} rows){mark}")  # fmt: skip
    return [*lines, f"Made: {Path(FOLDER, 'result.json').as_posix()}"]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as error:
        print(f"ERROR: {error}", file=sys.stderr)
        sys.exit(2)
