"""The review as a comment on a pull request: Markdown made of .review/result.json alone; standard library only.

A stranger may have written that file: what is missing or of another type is left out, and what it says is text.
"""

from collections.abc import Callable
from typing import Any

from plumbline.review.details import Result, counts, details, level
from plumbline.review.markdown import clean, code, commit, ended, mapping, mappings, number, short, table, texts

MARKER = "<!-- review of pull requests -->"  # by which post.py finds its comment again
LIMIT = 58_000  # bytes, the notice not counted; GitHub refuses 65,536 characters
NOTICE = "**Cut here**, for length: the rest is in `result.json` and `review.html`."
WORDS = {
    "better": "Better: the model got better",
    "worse": "Worse: the model got worse",
    "same": "Same: overall the model is as good as before",
    "cannot tell": "Cannot tell whether the model got better or worse",
}
KINDS = {"data": "data", "params": "parameters", "code": "code", "versions": "versions of libraries"}
FILES = 10  # that changed


def comment(result: Any) -> str:
    """The comment, below 60,000 bytes; ValueError where the result is none."""
    if not isinstance(result, dict) or result.get("version", 1) != 1 or not isinstance(result.get("word"), str):
        raise ValueError("result.json: expected the result of a review, version 1, with a word")
    if result["word"] not in WORDS:
        raise ValueError(f"result.json: the word is {clean(result['word'])}, expected one of {', '.join(WORDS)}")
    parts = [part for part in (*_seen(result), *details(result)) if part]
    size, kept = len(MARKER), []
    for part in parts:
        size += len(part.encode()) + 2
        if size > LIMIT:
            kept.append(NOTICE)
            break
        kept.append(part)
    return "\n\n".join([f"{MARKER}\n\n{kept[0]}", *kept[1:]]) + "\n"


def _seen(result: Result) -> list[str]:
    """What stands on the first screen."""
    heads = ["metric", "base (before)", "head (after)", f"change ({level(result)} interval)", "word"]
    rows = [_row(result, "")] if number(result.get("difference")) is not None else []
    release = mapping(result.get("release"))
    if number(release.get("difference")) is not None:
        rows.append(_row(release, f", before: the release {code(release.get('name'))}"))
    who = "Computed by the author of this pull request: CI has no data here and could not check the numbers."
    return [
        first(result),
        f"**{who}**" if result.get("computed_by") == "author" else "",
        table(heads, rows),
        changed(result),
        _now(result),
    ]


def first(result: Result) -> str:
    """The word, the metric, the size and the interval, for readers without statistics."""
    word, base, head = WORDS[result["word"]], number(result.get("base")), number(result.get("head"))
    moved = number(result.get("difference"))
    if moved is None or base is None or head is None:
        return f"**{word}.** {ended(result.get('why'))}".rstrip()
    size = "The error {} (lower is better) " + (
        f"is {short(head)}, as before."
        if moved == 0
        else f"went from {short(base)} to {short(head)}, {short(abs(moved))} {'lower' if moved > 0 else 'higher'}"
        + (f" ({100 * abs(moved) / base:.1f} %)." if base > 0 else ".")
    )
    return " ".join([f"**{word}.**", size.format(code(result.get("metric"))), _span(result), _meaning(result)]).strip()


def _span(result: Result) -> str:
    low, high = number(result.get("low")), number(result.get("high"))
    if low is None or high is None or low == high == 0:
        return ""
    return f"The {level(result)} interval of the change is {between(low, high)}."


def between(low: float, high: float) -> str:
    """An interval of the change, without signs."""
    if low >= 0:
        return f"{short(low)} to {short(high)} better"
    if high <= 0:
        return f"{short(-high)} to {short(-low)} worse"
    return f"{short(-low)} worse to {short(high)} better"


def _meaning(result: Result) -> str:
    margin = number(result.get("margin"))
    if margin is None or number(result.get("difference")) == 0:
        return ""
    if result["word"] == "same":
        return f"That is within the margin of {short(margin)}, the smallest change that matters."
    why = f" Why it is inconclusive: {ended(result.get('why'))}" if result["word"] == "cannot tell" else ""
    if margin > 0:
        return f"The margin, the smallest change that matters, is {short(margin)}.{why}"
    trivial = f"base is no better than the trivial model, whose error is {short(result.get('trivial'))}"
    said = f"No margin can be derived, since {trivial}: set `review.margin` in `params.yaml`."
    return said if "no margin" in why else f"{said}{why}"


def _row(result: Result, beside: str) -> list[str]:
    ends = [number(result.get(name)) for name in ("low", "high")]
    moved = number(result.get("difference")) or 0.0
    size = f"{short(abs(moved))} {'better' if moved > 0 else 'worse'}" if moved else "none"
    interval = f" ({between(ends[0], ends[1])})" if ends[0] is not None and ends[1] is not None else ""
    word = result.get("word")
    said = f"**{word}**" if isinstance(word, str) and word in WORDS else code(word)
    return [code(result.get("metric")) + beside, short(result.get("base")), short(result.get("head")),
            size + interval, said]  # fmt: skip


def changed(result: Result) -> str:
    """What the difference may come from: kinds, files, parameters, rows."""
    found = [KINDS[kind] for kind in texts(result.get("changed")) if kind in KINDS]
    lines = [f"**What changed:** {', '.join(dict.fromkeys(found)) or 'nothing that the model depends on'}."]
    if said := files(result, code):
        lines.append(f"Files: {said}.")
    moves = [
        f"{code(key)} {code(pair[0])} → {code(pair[1])}"
        for key, pair in mapping(result.get("params")).items()
        if isinstance(pair, list) and len(pair) == 2
    ]
    if moves:
        lines.append(f"Parameters: {', '.join(moves[:5])}{f' and {len(moves) - 5:,} more' if len(moves) > 5 else ''}.")
    if rows := mapping(mapping(result.get("data")).get("rows")):
        lines.append(f"Data: {counts(rows)}.")
    lines.append(ended(mapping(result.get("moved")).get("sentence")))
    if apart := ended(result.get("unpaired")):
        lines.append(f"The two sides were judged on different rows: {apart}")
    return " ".join(filter(None, lines))


def files(result: Result, name: Callable[[str], str]) -> str:
    """The first files by name, and how many more there are; name makes a name harmless."""
    found = mapping(result.get("files"))
    more, written = (number(found.get(key)) or 0.0 for key in ("more", "written"))
    said = ", ".join(map(name, texts(found.get("first"))[:FILES])) + (f" and {more:,.0f} more" if more > 0 else "")
    return "; ".join(filter(None, [said, f"{written:,.0f} written by the run" if written > 0 else ""]))


def _now(result: Result) -> str:
    reasons = mappings(result.get("reasons"))
    stay = [reason for reason in reasons if not mapping(reason.get("accepted"))]
    unnamed = [name for name in texts(result.get("red")) if name not in [reason.get("name") for reason in stay]]
    lines = [f"- {code(r.get('name'))}: {ended(r.get('what'))} **Next:** {ended(r.get('next'))}" for r in stay[:10]] + [
        f"- {code(name)}" for name in unnamed[:10]
    ]
    for reason in [r for r in reasons if mapping(r.get("accepted"))][:10]:
        by = mapping(reason.get("accepted"))
        who = f"accepted by {code(by.get('who'))} in {commit(by.get('commit'))}"
        lines.append(f"- {code(reason.get('name'))}: {who}, since {ended(by.get('why'))}")
    count = len(stay) + len(unnamed)
    if count:
        each = "Fix each" if count > 1 else "Fix it"
        opening = f"**What to do now: the check is red for {count} reason{'s' * (count > 1)}.** {each}, or accept it:"
    elif result["word"] == "cannot tell":
        opening = f"**What to do now:** the check is green and blocks nothing. {_more_rows(result)}"
    else:
        opening = "**What to do now:** nothing, the check is green."
    return "\n".join([opening, "", *lines]) if lines else opening


def _more_rows(result: Result) -> str:
    seen, needed = number(result.get("visible")), number(result.get("rows_needed"))
    said = f"A change for the worse of {short(seen)} would have been detected (power 80 %)." if seen is not None else ""
    if needed is None or mapping(mapping(result.get("data")).get("rows")).get("selected"):  # more rows would not help
        return said
    return f"{said} To detect one as large as the margin, about {needed:,.0f} rows are needed."
