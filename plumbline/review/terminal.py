"""A review's result for a terminal: the word on the first line."""

from typing import Any

from plumbline.formatting import short
from plumbline.review.comment import KINDS, between, files
from plumbline.review.details import counts, level, worst_first
from plumbline.review.markdown import clean, probability

SLICES = 3


def told(result: dict[str, Any]) -> list[str]:
    """The result for a terminal: the word on the first line."""
    lines = [_first(result), f"  {result['why']}"]
    if "difference" in result:
        lines += _numbers(result)
    lines.append(f"  changed: {_changed(result)}")
    if "data" in result:
        lines += _table(result["data"])
    if result["metrics"]:
        lines.append(f"  {'all metrics':24} {'base':>10} {'head':>10} {'head-base':>10} (95 % interval)")
    lines += [
        f"  {m['metric']:24} {short(m['base']):>10} {short(m['head']):>10} {short(m['difference']):>10} "
        f"({short(m['low'])} to {short(m['high'])})"
        for m in result["metrics"]
    ]
    lines += [f"  not shown: {each}" for each in result.get("left_out", [])]
    for part in worst_first(result)[:SLICES]:
        size = f"{short(abs(part['difference']))} {'better' if part['difference'] > 0 else 'worse'}"
        about = f"corrected p of worse {probability(part['worse'])}, {part['rows_compared']} rows"
        lines.append(f"  slice {part['column']} = {part['level']}: {size}, {about}")
    lines += [f"  {line}" for line in _remarks(result)]
    if "release" in result:
        lines.append(f"  against the release: {_first(result['release'], result['release']['name'])}")
    for each in result["reasons"]:
        by = each["accepted"]
        mark = f"accepted by {by['who']} in {by['commit'][:9]}: {by['why']}" if by else f"Next: {each['next']}"
        lines.append(f"{'accepted' if by else 'RED'}: {each['name']}: {each['what']}. {mark}")
    lines += [f"note: {note}" for note in result["notes"]]
    return lines


def _changed(result: dict[str, Any]) -> str:
    """Kinds and files, whose names come from whoever opened the pull request."""
    kinds = ", ".join(KINDS[kind] for kind in result["changed"]) or "nothing that the model depends on"
    said = files(result, clean)
    return f"{kinds} ({said})" if said else kinds


def _remarks(result: dict[str, Any]) -> list[str]:
    """What a reader should know beside the numbers."""
    said = [result["comparisons"]["notice"]]
    if "moved" in result:
        said.append(result["moved"]["sentence"])
    if "relabelled" in result:
        apart = result["relabelled"]
        with_them = (
            f"are left out; with them: {apart['word']}" if "word" in apart else "are not left out: too few others"
        )
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
    words = f"{result['word']}: {result['metric']} is {short(abs(result['difference']))} {way} than {other}"
    if result["low"] is None:
        return words
    return f"{words} ({level(result)} interval: {between(result['low'], result['high'])})"


def _numbers(result: dict[str, Any]) -> list[str]:
    margin = f"margin {short(result['margin'])}" if result["margin"] else "no margin: base is no better than trivial"
    lines = [
        f"  base {result['base_commit'][:9]}: {short(result['base'])}, head {result['head_commit'][:9]}: "
        f"{short(result['head'])}, trivial model: {short(result['trivial'])}; {margin}; "
        f"{result['rows_compared']} rows, {result['replicas']} replicas"
    ]
    if result["unpaired"]:
        lines.insert(0, f"  the two sides were judged on different rows: {result['unpaired']}")
    if result["visible"] is not None and result["word"] == "cannot tell":
        needed = f"; one of the margin's size takes {result['rows_needed']:,} rows" if result["rows_needed"] else ""
        lines.append(f"  a change for the worse of {short(result['visible'])} would have been detected{needed}")
    return lines


def _table(data: dict[str, Any]) -> list[str]:
    words, columns = f"  table: {counts(data['rows'])}", data["columns"]
    named = [f"{len(names)} columns {what}" for what, names in columns.items() if names]
    moved = [f"{name} {share:g}" for name, share in [*data["moved"].items()][:SLICES]]
    return [", ".join([words, *named])] + (
        [f"  largest shifts of distributions (0 to 1): {', '.join(moved)}"] if moved else []
    )
