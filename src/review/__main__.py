"""make review: is the model of this commit better, worse or the same as that of another, or can nobody tell?

    python -m src.review [BASE]    BASE: a commit, default origin/main; its merge base with HEAD is compared

What stands in git is compared; metrics/ and data/ stay as they are, all is written to .review/. Exit code 0 for better,
same and cannot tell, 1 for worse, a blocking slice or a broken floor, 2 when the comparison itself could not be made.
"""

import json
import os
import subprocess
import sys
from typing import Any

from src.checks import short, write_json, write_text
from src.predictor.refusal import Refusal, guarded
from src.review.artefact import artefact
from src.review.gate import judged
from src.review.reviewed import release, reviewed, same_recipe, settings_of
from src.review.sides import FOLDER, Side, git

BY = "REVIEW_BY_BASE"  # base: base's own code decides; head: head's is asked for what stands beside
CODE = "src/review/__main__.py"
JUDGES = ("src/review", "src/learning", "src/stages/evaluate.py")
SLICES = 3  # in the terminal
RESULT, PAGE, BESIDE = FOLDER / "result.json", FOLDER / "review.md", FOLDER / "of-head.json"


def main() -> int:
    asked = sys.argv[1] if len(sys.argv) > 1 else "origin/main"
    head = Side("head", git("rev-parse", "HEAD").strip())
    base = Side("base", _merge_base(asked))
    by, base_can = os.environ.get(BY), _has_review(base)
    if base_can and not by and not same_recipe(base, head):
        return _by(base, "base")
    result = {"version": 1, "base_is": f"the merge base of HEAD and {asked}"}
    result |= reviewed(base, head, settings_of(base))
    if by == "head":
        write_json(str(BESIDE), {"word": result["word"], "why": result["why"]})
        return 0
    if by == "base" and (beside := _of_head(base, head)):
        result["evaluator"] = beside
    pinned = release(base)
    if pinned and pinned.commit != base.commit:
        result["release"] = {"name": pinned.name} | reviewed(pinned, head, settings_of(base))
    if not base_can:
        why = f"base has no review, so head's own judged, which says: {result['word']}"
        result |= {"word": "cannot tell", "why": why}
    result |= judged(result, base, head)
    if head.ready:
        result["artefact"] = artefact(head)
    lines = told(result)
    write_json(str(RESULT), result)
    write_text(str(PAGE), page(lines))
    print("\n".join(lines))
    return 1 if result["red"] else 0


def _merge_base(asked: str) -> str:
    found = subprocess.run(["git", "merge-base", "HEAD", asked], capture_output=True, encoding="utf-8", check=False)
    if found.returncode:
        raise Refusal(
            f"{asked}: no commit of this name has a common ancestor with HEAD here. Name another, make review "
            "BASE=HEAD~1, or fetch more history: git fetch --unshallow"
        )
    return found.stdout.strip()


def _has_review(base: Side) -> bool:
    asked = ["git", "cat-file", "-e", f"{base.commit}:{CODE}"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _by(side: Side, name: str) -> int:
    """A side's own review, from its worktree: -P keeps this folder's code from being imported."""
    side.bring()
    command = [sys.executable, "-P", "-m", "src.review", *sys.argv[1:]]
    return subprocess.run(command, env=side.environment() | {BY: name}, check=False).returncode


def _of_head(base: Side, head: Side) -> dict[str, str] | None:
    """What head's own review says, where it, or what it measures with, is another than base's."""
    if not git("diff", "--name-only", base.commit, head.commit, "--", *JUDGES).strip():
        return None
    BESIDE.unlink(missing_ok=True)
    print("head: its own review is another, and is asked, too", flush=True)
    _by(head, "head")
    if not BESIDE.exists():
        return {"word": "cannot tell", "why": "head's own review does not run"}
    return json.loads(BESIDE.read_text(encoding="utf-8"))


def told(result: dict[str, Any]) -> list[str]:
    """The result for a terminal: the word on the first line."""
    lines = [_first(result), f"  {result['why']}"]
    if "difference" in result:
        lines += _numbers(result)
    lines.append(f"  changed: {', '.join(result['changed']) or 'nothing that a model is made of'}")
    if "data" in result:
        lines += _table(result["data"])
    lines += [
        f"  {m['metric']:24} {short(m['base']):>10} {short(m['head']):>10}   {short(m['difference'])} "
        f"({short(m['low'])} to {short(m['high'])})"
        for m in result["metrics"]
    ]
    for part in sorted(result["slices"], key=lambda part: (not part["blocks"], part["worse"]))[:SLICES]:
        words = f"{part['column']} = {part['level']}: {short(part['difference'])} (p {short(part['worse'])})"
        lines.append(f"  slice {words}, {part['rows_compared']} rows")
    lines += [f"  {line}" for line in _remarks(result)]
    if "release" in result:
        lines.append(f"  against the release: {_first(result['release'], result['release']['name'])}")
    for each in result["reasons"]:
        by = each["accepted"]
        mark = f"accepted by {by['who']} in {by['commit'][:9]}: {by['why']}" if by else each["next"]
        lines.append(f"{'accepted' if by else 'RED'}: {each['name']}: {each['what']}. {mark}")
    lines += [f"note: {note}" for note in result["notes"]]
    return [*lines, f"Made: {RESULT.as_posix()}, {PAGE.as_posix()}"]


def _remarks(result: dict[str, Any]) -> list[str]:
    """What a reader should know beside the numbers."""
    said = [result["comparisons"]["notice"]]
    if "moved" in result:
        said.append(result["moved"]["sentence"])
    if "relabelled" in result:
        apart = result["relabelled"]
        said.append(f"{apart['rows']} rows have another label; without them: {apart.get('word', 'too few rows')}")
    if "evaluator" in result:
        said.append(f"head's own review says: {result['evaluator']['word']}")
    if "artefact" in result:
        said.append(result["artefact"]["why"])
    return [line for line in said if line]


def page(lines: list[str]) -> str:
    """The same as Markdown; what comes from data or commits stands in a block, where it means nothing but itself."""
    word = lines[0].partition(":")[0]
    return "\n".join([f"**{word}**", "", "```text", *(line.replace("`", "'") for line in lines), "```", ""])


def _first(result: dict[str, Any], other: str = "base") -> str:
    if "difference" not in result:
        return str(result["word"])
    if result["difference"] == 0:
        return f"{result['word']}: {result['metric']} is the same"
    way = "lower" if result["difference"] > 0 else "higher"
    words = f"{result['word']}: {result['metric']} {short(abs(result['difference']))} {way} than {other}"
    if result["low"] is None:
        return words
    return f"{words} (90 % interval of the gain {short(result['low'])} to {short(result['high'])})"


def _numbers(result: dict[str, Any]) -> list[str]:
    lines = [
        f"  base {result['base_commit'][:9]} {short(result['base'])}, head {result['head_commit'][:9]} "
        f"{short(result['head'])}, trivial {short(result['trivial'])}; what matters: {short(result['margin'])}; "
        f"{result['rows_compared']} rows, {result['replicas']} replicas"
    ]
    if result["unpaired"]:
        lines.insert(0, f"  each side on rows of its own: {result['unpaired']}")
    if result["visible"] is not None and result["word"] == "cannot tell":
        needed = f"; {result['rows_needed']:,} rows would be needed" if result["rows_needed"] else ""
        lines.append(f"  a difference of {short(result['visible'])} could have been seen{needed}")
    return lines


def _table(data: dict[str, Any]) -> list[str]:
    rows, columns = data["rows"], data["columns"]
    words = f"  table: {rows['added']} rows added, {rows['removed']} removed"
    if "changed" in rows:
        words += f", {rows['changed']} changed ({rows['labels']} labels of rows that both have)"
    named = [f"{len(names)} columns {what}" for what, names in columns.items() if names]
    moved = [f"{name} {share:g}" for name, share in [*data["moved"].items()][:SLICES]]
    return [", ".join([words, *named])] + ([f"  moved most (0 to 1): {', '.join(moved)}"] if moved else [])


if __name__ == "__main__":
    sys.exit(guarded(main, failed=2))
