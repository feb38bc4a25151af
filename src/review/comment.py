"""The review as a comment on a pull request: Markdown made of .review/result.json alone; standard library only.

A stranger may have written that file: what is missing or of another type is left out, and what it says is text.
"""

from typing import Any

from src.review.markdown import (
    clean,
    code,
    commit,
    folded,
    listed,
    mapping,
    mappings,
    number,
    sentence,
    short,
    table,
    texts,
)

MARKER = "<!-- review of pull requests -->"  # by which post.py finds its comment again
LIMIT = 58_000  # bytes, the notice not counted; GitHub refuses 65,536 characters
NOTICE = "**Cut here**, for length: the rest is in `result.json` and `review.html`."
WORDS = {
    "better": "Better: the model got better",
    "worse": "Worse: the model got worse",
    "same": "Same: overall the model is as good as before",
    "cannot tell": "Cannot tell whether the model got better or worse",
}
PARTS = {"data": "data", "code": "code and parameters"}
Result = dict[str, Any]


def comment(result: Any) -> str:
    """The comment, below 60,000 bytes; ValueError where the result is none."""
    if not isinstance(result, dict) or result.get("version", 1) != 1 or not isinstance(result.get("word"), str):
        raise ValueError("result.json: expected the result of a review, version 1, with a word")
    if result["word"] not in WORDS:
        raise ValueError(f"result.json: the word is {clean(result['word'])}, expected one of {', '.join(WORDS)}")
    parts = [part for part in (*_seen(result), *_details(result)) if part]
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
    heads = ["metric", "base (before)", "head (after)", "difference", "word"]
    rows = [_row(result, "")] if number(result.get("difference")) is not None else []
    release = mapping(result.get("release"))
    if number(release.get("difference")) is not None:
        rows.append(_row(release, f", before: the release {code(release.get('name'))}"))
    who = "Computed by the author of this pull request: CI has no data here and could not check the numbers."
    return [
        first(result),
        f"**{who}**" if result.get("computed_by") == "author" else "",
        table(heads, rows),
        _changed(result),
        _now(result),
    ]


def first(result: Result) -> str:
    """The word, the metric, the size and the interval, for readers without statistics."""
    word, base, head = WORDS[result["word"]], number(result.get("base")), number(result.get("head"))
    moved = number(result.get("difference"))
    if moved is None or base is None or head is None:
        return f"**{word}.** {_ended(result.get('why'))}".rstrip()
    size = "The error {} (lower is better) " + (
        f"is {short(head)}, as before."
        if moved == 0
        else f"went from {short(base)} to {short(head)}, {short(abs(moved))} {'lower' if moved > 0 else 'higher'}"
        + (f" ({abs(moved) / base:.1%})." if base > 0 else ".")
    )
    return " ".join([f"**{word}.**", size.format(code(result.get("metric"))), _span(result), _meaning(result)]).strip()


def _span(result: Result) -> str:
    low, high = number(result.get("low")), number(result.get("high"))
    if low is None or high is None or low == high == 0:
        return ""
    return f"With chance allowed for, the change is {_between(low, high)} ({level(result)} interval)."


def level(result: Result) -> str:
    """Of the interval whose ends are the one-sided tests'."""
    return f"{short(100 - 200 * (number(result.get('alpha')) or 0.05))} %"


def _between(low: float, high: float) -> str:
    if low >= 0:
        return f"between {short(low)} and {short(high)} for the better"
    if high <= 0:
        return f"between {short(-high)} and {short(-low)} for the worse"
    return f"anything from {short(-low)} for the worse to {short(high)} for the better"


def _meaning(result: Result) -> str:
    margin = short(result.get("margin"))
    if margin == "-" or number(result.get("difference")) == 0:
        return ""
    if result["word"] == "same":
        return f"That is less than the {margin} that would matter."
    if result["word"] == "cannot tell":
        return f"A change of {margin} would matter. Why nobody can tell: {_ended(result.get('why'))}"
    return f"A change of {margin} matters."


def _row(result: Result, beside: str) -> list[str]:
    ends = [number(result.get(name)) for name in ("low", "high")]
    moved = number(result.get("difference")) or 0.0
    size = f"{short(abs(moved))} {'better' if moved > 0 else 'worse'}" if moved else "none"
    between = f"; {_between(ends[0], ends[1])}" if ends[0] is not None and ends[1] is not None else ""
    word = result.get("word")
    said = f"**{word}**" if isinstance(word, str) and word in WORDS else code(word)
    return [code(result.get("metric")) + beside, short(result.get("base")), short(result.get("head")),
            size + between, said]  # fmt: skip


def _changed(result: Result) -> str:
    kinds = {"data": "data", "params": "params", "code": "code", "versions": "versions of libraries"}
    found = [kinds[kind] for kind in texts(result.get("changed")) if kind in kinds]
    lines = [f"**What changed:** {', '.join(dict.fromkeys(found)) or 'nothing that a model is made of'}."]
    moves = [
        f"{code(key)} {code(pair[0])} → {code(pair[1])}"
        for key, pair in mapping(result.get("params")).items()
        if isinstance(pair, list) and len(pair) == 2
    ]
    if moves:
        lines.append(f"Params: {', '.join(moves[:5])}{f' and {len(moves) - 5:,} more' if len(moves) > 5 else ''}.")
    if rows := mapping(mapping(result.get("data")).get("rows")):
        lines.append(f"Data: {_counts(rows)}.")
    lines.append(_ended(mapping(result.get("moved")).get("sentence")))
    if apart := _ended(result.get("unpaired")):
        lines.append(f"Each side was judged on rows of its own: {apart}")
    return " ".join(filter(None, lines))


def _counts(rows: Result) -> str:
    words = f"{short(rows.get('added'))} rows added, {short(rows.get('removed'))} removed"
    if number(rows.get("changed")) is not None:
        words += f", {short(rows['changed'])} changed ({short(rows.get('labels'))} of them in what is to be predicted)"
    return words


def _now(result: Result) -> str:
    reasons = mappings(result.get("reasons"))
    stay = [reason for reason in reasons if not mapping(reason.get("accepted"))]
    unnamed = [name for name in texts(result.get("red")) if name not in [reason.get("name") for reason in stay]]
    lines = [
        f"- {code(r.get('name'))}: {_ended(r.get('what'))} **Next:** {_ended(r.get('next'))}" for r in stay[:10]
    ] + [f"- {code(name)}" for name in unnamed[:10]]
    for reason in [r for r in reasons if mapping(r.get("accepted"))][:10]:
        by = mapping(reason.get("accepted"))
        who = f"accepted by {code(by.get('who'))} in {commit(by.get('commit'))}"
        lines.append(f"- {code(reason.get('name'))}: {who}, since {_ended(by.get('why'))}")
    count = len(stay) + len(unnamed)
    if count:
        opening = f"**What to do now: the check is red for {count} reason{'s' * (count > 1)}.** Mend each or accept it:"
    elif result["word"] == "cannot tell":
        opening = f"**What to do now:** the check is green and blocks nothing. {_more_rows(result)}"
    else:
        opening = "**What to do now:** nothing, the check is green."
    return "\n".join([opening, "", *lines]) if lines else opening


def _more_rows(result: Result) -> str:
    seen, needed = number(result.get("visible")), number(result.get("rows_needed"))
    said = f"A difference of {short(seen)} would have been seen." if seen is not None else ""
    if needed is None or mapping(mapping(result.get("data")).get("rows")).get("selected"):  # more rows would not help
        return said
    return f"{said} To see one that matters, about {needed:,.0f} rows are needed."


def _ended(value: Any) -> str:
    said = sentence(value)
    return said if not said or said[-1] in ".:!?" else f"{said}."


def _details(result: Result) -> list[str]:
    data = mapping(result.get("data"))
    return [
        folded("All metrics", table(
            ["metric", "base", "head", "difference", "95 % interval"],
            [[code(m.get("metric")), *(short(m.get(k)) for k in ("base", "head", "difference")), _ends(m)]
             for m in mappings(result.get("metrics"))])),
        folded("Slices", table(
            ["slice", "rows", "difference (above 0: better)", f"{level(result)} interval", "p of worse", "blocks"],
            [[f"{code(s.get('column'))} = {code(s.get('level'))}", short(s.get("rows_compared")),
              short(s.get("difference")), _ends(s), short(s.get("worse")), "yes" if s.get("blocks") is True else ""]
             for s in worst_first(result)])),
        folded("Data", *_data(data)) if data else "",
        folded("What moved it", table(
            ["part", "difference (above 0: better)", f"{level(result)} interval", "word"],
            [[said, short(m.get("difference")), _ends(m), code(m.get("word"))] for name, said in PARTS.items()
             if (m := mapping(mapping(result.get("moved")).get(name)))])),
        folded("Expectations and floors", _expectations(result), table(
            ["metric", "floor", "head", "broken"],
            [[code(f.get("metric")), short(f.get("floor")), short(f.get("head")),
              "yes" if f.get("broken") is True else "no"] for f in mappings(result.get("floors"))])),
        folded("What was accepted", table(
            ["reason", "what was found", "who", "commit", "why"],
            [[code(r.get("name")), sentence(r.get("what")), code(by.get("who")), commit(by.get("commit")),
              sentence(by.get("why"))]
             for r in mappings(result.get("reasons")) if (by := mapping(r.get("accepted")))])),
        folded("Executed again", table(
            ["file", "key", "committed", "executed"],
            [[code(m.get(key)) for key in ("file", "key", "committed", "executed")]
             for m in mappings(mapping(result.get("executed")).get("metrics_differ"))])),
        folded("How it was computed", *_how(result)),
    ]  # fmt: skip


def worst_first(result: Result) -> list[Result]:
    def place(part: Result) -> tuple[bool, float]:
        p = number(part.get("worse"))
        return part.get("blocks") is not True, 1.0 if p is None else p

    return sorted(mappings(result.get("slices")), key=place)


def _ends(found: Result) -> str:
    return f"{short(found.get('low'))} to {short(found.get('high'))}"


def _data(data: Result) -> list[str]:
    rows, columns = mapping(data.get("rows")), mapping(data.get("columns"))
    said = [f"Rows: {short(rows.get('base'))} before, {short(rows.get('head'))} now; {_counts(rows)}."] if rows else []
    said += [f"Columns {way}: {listed(texts(columns[way]))}." for way in ("added", "removed") if columns.get(way)]
    retyped = [[code(name), code(pair[0]), code(pair[1])] for name, pair in mapping(columns.get("retyped")).items()
               if isinstance(pair, list) and len(pair) == 2]  # fmt: skip
    touched = [[code(name), short(count)] for name, count in mapping(rows.get("by_column")).items()]
    moved = [[code(name), short(share)] for name, share in mapping(data.get("moved")).items()]
    return [*said, table(["column", "type before", "type now"], retyped), table(["column", "values changed"], touched),
            table(["column", "how far its values moved (0 to 1)"], moved)]  # fmt: skip


def _expectations(result: Result) -> str:
    found = mapping(result.get("expectations"))
    return f"Expectations: {short(found.get('base'))} before, {short(found.get('head'))} now." if found else ""


def _how(result: Result) -> list[str]:
    lines = [f"Base: {commit(result.get('base_commit'))}", f"Head: {commit(result.get('head_commit'))}"]
    if said := sentence(result.get("base_is")):
        lines[0] += f", {said}"
    facts = {
        "rows_compared": "rows compared",
        "replicas": "times each side was fitted and compared",
        "trivial": "error of a model that looks at no column",
        "margin": "smallest difference that matters",
    }
    lines += [f"{said[0].upper()}{said[1:]}: {short(result[key])}" for key, said in facts.items() if key in result]
    again = mapping(result.get("executed"))
    lines += [f"Executed again: {listed(texts(again.get('stages'))) or 'nothing'}"] if again else []
    if others := texts(again.get("differ")):
        lines.append(f"Executed again, other bytes: {listed(others)}")
    if apart := mapping(result.get("relabelled")):
        with_them = f"left out; with them: {code(apart['word'])}" if apart.get("word") else "they count: too few others"
        lines.append(f"Rows with another label: {short(apart.get('rows'))}, {with_them}")
    if beside := mapping(result.get("evaluator")):
        lines.append(f"Head's own review says: {code(beside.get('word'))}")
    said_of = [("Why this word", result.get("why")), ("Each side on rows of its own", result.get("unpaired"))]
    said_of += [("Executed again", again.get("why")), ("Comparisons", mapping(result.get("comparisons")).get("notice"))]
    said_of += [(name.title(), mapping(result.get(name)).get("why")) for name in ("artefact", "evaluator")]
    said_of += [("Note", note) for note in texts(result.get("notes"))[:20]]
    lines += [f"{name}: {said}" for name, value in said_of if (said := sentence(value))]
    return ["\n".join(f"- {line}" for line in lines)]
