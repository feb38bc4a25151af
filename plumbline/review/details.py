"""What is folded in the comment of a review: all metrics, slices, data, how it was computed; standard library only."""

from typing import Any

from plumbline.review.markdown import (
    code,
    commit,
    ended,
    folded,
    listed,
    mapping,
    mappings,
    number,
    probability,
    sentence,
    short,
    table,
    texts,
)

PARTS = {"data": "data", "code": "code and parameters"}
FACTS = {
    "rows_compared": "Rows compared",
    "replicas": "Replicas (seeds and splits of each side)",
    "trivial": "Error of the trivial model (class shares, median or mean)",
    "margin": "Margin (the smallest change that matters)",
}
SLICES = (
    "The gain is base's error minus head's. The p values are those of the minimum-effect test, corrected for the "
    "number of slices (Holm). A slice blocks where `requirements.must_work` of base names it and it is worse."
)
CORRECTED = "corrected p of worse"  # as a family (Holm)
Result = dict[str, Any]


def details(result: Result) -> list[str]:
    """The folded parts, each empty where the result has nothing of it."""
    data = mapping(result.get("data"))
    return [
        folded("All metrics", *_metrics(result)),
        folded("Slices", *_slices(result)),
        folded("Data", *_data(data)) if data else "",
        folded("Data or recipe", table(
            ["effect of", "gain (above 0: head is better)", f"{level(result)} interval", "word"],
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
        folded("Run again", table(
            ["file", "key", "committed", "run again"],
            [[code(m.get(key)) for key in ("file", "key", "committed", "executed")]
             for m in mappings(mapping(result.get("executed")).get("metrics_differ"))])),
        folded("How it was computed", *_how(result)),
    ]  # fmt: skip


def _metrics(result: Result) -> list[str]:
    rows = [[code(m.get("metric")), *(short(m.get(k)) for k in ("base", "head", "difference")), _ends(m)]
            for m in mappings(result.get("metrics"))]  # fmt: skip
    left_out = [f"- Not shown: {ended(each)}" for each in texts(result.get("left_out"))[:20]]
    said = [metric_note(result)] * bool(rows)
    return [*said, table(["metric", "base", "head", "head minus base", "95 % interval"], rows), "\n".join(left_out)]


def metric_note(result: Result) -> str:
    """How they are taken, and why log_loss is another number where it decides."""
    classes = (
        " The predicted class is the most probable one, whatever `model.threshold` is; `log_loss` is clipped where it "
        "decides, and not here."
    )
    said = "Means over the replicas. These are shown only: the metric of the first line decides."
    return f"{said}{classes * (result.get('metric') == 'log_loss')}"


def _slices(result: Result) -> list[str]:
    rows = [
        [
            f"{code(s.get('column'))} = {code(s.get('level'))}",
            *(short(s.get(key)) for key in ("rows_compared", "difference")),
            _ends(s),
            probability(s.get("worse")),
            "yes" if s.get("blocks") is True else "",
        ]
        for s in worst_first(result)
    ]
    heads = ["slice", "rows", "gain (above 0: head is better)", f"{level(result)} interval", CORRECTED, "blocks"]
    return [SLICES, table(heads, rows)] if rows else []


def worst_first(result: Result) -> list[Result]:
    def place(part: Result) -> tuple[bool, float, float]:
        p = number(part.get("worse"))
        return part.get("blocks") is not True, 1.0 if p is None else p, number(part.get("difference")) or 0.0

    return sorted(mappings(result.get("slices")), key=place)


def _ends(found: Result) -> str:
    return f"{short(found.get('low'))} to {short(found.get('high'))}"


def _data(data: Result) -> list[str]:
    rows, columns = mapping(data.get("rows")), mapping(data.get("columns"))
    said = [f"Rows: {short(rows.get('base'))} before, {short(rows.get('head'))} now; {counts(rows)}."] if rows else []
    said += [f"Columns {way}: {listed(texts(columns[way]))}." for way in ("added", "removed") if columns.get(way)]
    retyped = [[code(name), code(pair[0]), code(pair[1])] for name, pair in mapping(columns.get("retyped")).items()
               if isinstance(pair, list) and len(pair) == 2]  # fmt: skip
    touched = [[code(name), short(count)] for name, count in mapping(rows.get("by_column")).items()]
    moved = [[code(name), short(share)] for name, share in mapping(data.get("moved")).items()]
    return [*said, table(["column", "type before", "type now"], retyped), table(["column", "values changed"], touched),
            table(["column", "shift of its distribution (0 none, 1 complete)"], moved)]  # fmt: skip


def _expectations(result: Result) -> str:
    found = mapping(result.get("expectations"))
    return f"Expectations: {short(found.get('base'))} before, {short(found.get('head'))} now." if found else ""


def _how(result: Result) -> list[str]:
    lines = [f"Base: {commit(result.get('base_commit'))}", f"Head: {commit(result.get('head_commit'))}"]
    if said := sentence(result.get("base_is")):
        lines[0] += f", {said}"
    lines += [f"{said}: {short(result[key])}" for key, said in FACTS.items() if key in result]
    again = mapping(result.get("executed"))
    if again:
        why = f", since {said}" if (said := sentence(again.get("why"))) else ""
        lines.append(f"Stages run again: {listed(texts(again.get('stages'))) or 'none'}{why}")
    if others := texts(again.get("differ")):
        lines.append(f"Run again, other bytes: {listed(others)}")
    if apart := mapping(result.get("relabelled")):
        with_them = (
            f"left out; with them: {code(apart['word'])}" if apart.get("word") else "not left out: too few others"
        )
        lines.append(f"Rows with another label: {short(apart.get('rows'))}, {with_them}")
    if beside := mapping(result.get("evaluator")):
        lines.append(f"Head's own review says: {code(beside.get('word'))}")
    said_of = [("Why this word", result.get("why")), ("Judged on different rows", result.get("unpaired"))]
    said_of += [("Comparisons", mapping(result.get("comparisons")).get("notice"))]
    said_of += [("Package", mapping(result.get("artefact")).get("why"))]
    said_of += [("Head's own review, why", mapping(result.get("evaluator")).get("why"))]
    said_of += [("Note", note) for note in texts(result.get("notes"))[:20]]
    lines += [f"{name}: {said}" for name, value in said_of if (said := sentence(value))]
    return ["\n".join(f"- {line}" for line in lines)]


def level(result: Result) -> str:
    """Of the interval whose ends are the one-sided tests'."""
    return f"{short(100 - 200 * (number(result.get('alpha')) or 0.05))} %"


def counts(rows: Result) -> str:
    words = f"{short(rows.get('added'))} rows added, {short(rows.get('removed'))} removed"
    if number(rows.get("changed")) is not None:
        relabelled = f" ({short(rows.get('labels'))} of them have another label)" if rows["changed"] else ""
        words += f", {short(rows['changed'])} changed{relabelled}"
    elif number(rows.get("labels")):
        words += f", {short(rows['labels'])} with another label"
    return words
