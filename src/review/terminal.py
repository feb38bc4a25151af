"""A review's result for a terminal: the word on the first line."""

from typing import Any

from src.findings import short
from src.review.comment import level

SLICES = 3


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
    return lines


def _remarks(result: dict[str, Any]) -> list[str]:
    """What a reader should know beside the numbers."""
    said = [result["comparisons"]["notice"]]
    if "moved" in result:
        said.append(result["moved"]["sentence"])
    if "relabelled" in result:
        apart = result["relabelled"]
        with_them = f"are left out; with them: {apart['word']}" if "word" in apart else "count: too few others"
        said.append(f"{apart['rows']} rows have another label and {with_them}")
    if "evaluator" in result:
        said.append(f"head's own review says: {result['evaluator']['word']}")
    if "artefact" in result:
        said.append(result["artefact"]["why"])
    return [line for line in said if line]


def _first(result: dict[str, Any], other: str = "base") -> str:
    if "difference" not in result:
        return str(result["word"])
    if result["difference"] == 0:
        return f"{result['word']}: {result['metric']} is the same"
    way = "lower" if result["difference"] > 0 else "higher"
    words = f"{result['word']}: {result['metric']} {short(abs(result['difference']))} {way} than {other}"
    if result["low"] is None:
        return words
    return f"{words} ({level(result)} interval of the gain {short(result['low'])} to {short(result['high'])})"


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
