"""The review as a page of HTML with figures, made of .review/result.json alone; it looks as the project's report."""

import re
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup
from matplotlib.axes import Axes

from plumbline.report import page as report
from plumbline.report import plots
from plumbline.review.comment import WORDS, changed, first
from plumbline.review.details import FACTS, counts, level, metric_note, worst_first
from plumbline.review.markdown import clean, mapping, mappings, number, probability, short, texts
from plumbline.review.shown import AXES

LONG, MANY = 400, 30  # characters of a sentence, rows of a table
SHORT = 9  # characters of a commit
SIDES = {"base": plots.LINEAR, "head": plots.MODEL}
Points = dict[str, list[tuple[float, float]]]
Result = dict[str, Any]


def page(result: Result) -> str:
    """The page; what the result has nothing of is left out."""
    look = (Path(report.__file__).parent / report.TEMPLATE).read_text(encoding="utf-8")
    macros, _, body = look.partition("<!doctype html>")
    loader = ChoiceLoader([DictLoader({"look": macros}), FileSystemLoader(Path(__file__).parent)])
    environment = Environment(loader=loader, autoescape=select_autoescape(["j2", "look"], default=True))
    return environment.get_template(
        report.TEMPLATE
    ).render(
        result=result,
        base=clean(result.get("base_commit"))[:SHORT],
        head=clean(result.get("head_commit"))[:SHORT],
        style=Markup(body.partition("<style>")[2].partition("</style>")[0]),  # noqa: S704, a file of our own
        level=level(result),
        said=plain(first(result)) if result.get("word") in WORDS else "",
        changed=plain(changed(result)),
        note=plain(metric_note(result)),
        left_out=[clean(each, LONG) for each in texts(result.get("left_out"))[:MANY]],
        curves=_curves(mapping(result.get("curves"))),
        figures={name: drawn for name, drawn in _figures(result).items() if drawn},
        **_rows(result),
    )


def plain(markdown: str) -> str:
    """Text of ours without its marks; the template escapes it."""
    return re.sub(r"\*\*|`", "", markdown)


def _rows(result: Result) -> dict[str, list[list[str]]]:
    known = [(f"{name.replace('_', ' ').capitalize()}", result.get(name)) for name in ("base_commit", "head_commit")]
    known += [("Base is", result.get("base_is")), ("Why this word", result.get("why"))]
    known += [("Judged on different rows", result.get("unpaired"))]
    known += [(said, result.get(name)) for name, said in FACTS.items()]
    return {
        "reason_rows": [
            [clean(r.get("name")), clean(r.get("what"), LONG), clean(r.get("next"), LONG), _accepted(r)]
            for r in mappings(result.get("reasons"))[:MANY]
        ],
        "metric_rows": [
            [clean(m.get("metric")), *map(short, _values(m, "base", "head", "difference")), _ends(m)]
            for m in mappings(result.get("metrics"))[:MANY]
        ],
        "slice_rows": [
            [
                _slice(s) + (" (blocks)" if s.get("blocks") is True else ""),
                *map(short, _values(s, "rows_compared", "difference")),
                _ends(s),
                probability(s.get("worse")),
            ]
            for s in worst_first(result)[:MANY]
        ],
        "data_rows": [[name, _told(value)] for name, value in _data(mapping(result.get("data"))) if value],
        "how_rows": [[name, _told(value)] for name, value in known if value is not None]
        + [["Note", clean(note, LONG)] for note in texts(result.get("notes"))[:MANY]],
    }


def _curves(curves: Result) -> list[tuple[str, str]]:
    """Names and captions of the two curves of each side."""
    is_roc = mapping(curves.get("ranking")).get("x_label") == AXES[0]
    ranking = "ROC curve: the nearer to the upper left the better" if is_roc else "Share of rows within an error"
    return [("ranking", ranking), ("calibration", "Calibration: the nearer to the diagonal the better")]


def _slice(found: Result) -> str:
    return f"{clean(found.get('column'))} = {clean(found.get('level'))}"


def _data(data: Result) -> list[tuple[str, Any]]:
    """What happened to the table, in words and what it happened to."""
    rows, columns = mapping(data.get("rows")), mapping(data.get("columns"))
    retyped = [f"{clean(name)} ({clean(pair[0])}, now {clean(pair[1])})" for name, pair in
               mapping(columns.get("retyped")).items() if isinstance(pair, list) and len(pair) == 2]  # fmt: skip
    touched = [f"{clean(name)} in {short(count)} rows" for name, count in mapping(rows.get("by_column")).items()]
    return [
        ("Rows before", rows.get("base")),
        ("Rows now", rows.get("head")),
        ("Changes", counts(rows) if rows else None),
        ("Columns added", columns.get("added")),
        ("Columns removed", columns.get("removed")),
        ("Columns of another type", retyped),
        ("Values changed", touched),
    ]


def _told(value: Any) -> str:
    if texts(value) and texts(value) == value:
        return clean(", ".join(map(clean, value)), LONG)
    return clean(value, LONG) if number(value) is None else short(value)


def _values(found: Result, *keys: str) -> list[float | None]:
    return [number(found.get(key)) for key in keys]


def _ends(found: Result) -> str:
    return " to ".join(map(short, _values(found, "low", "high")))


def _accepted(reason: Result) -> str:
    by = mapping(reason.get("accepted"))
    return f"{clean(by.get('who'))}, {clean(by.get('commit'), 10)}: {clean(by.get('why'), LONG)}" if by else ""


def _figures(result: Result) -> dict[str, str]:
    """The figures that there is something to show in, by name."""
    made, metrics = {}, [m for m in mappings(result.get("metrics")) if number(m.get("difference")) is not None][:12]
    for place, found in enumerate(metrics):
        made[f"metric-{place}"] = plots.render_svg(f"metric-{place}", _change, found, size=(3.6, 1.2))
    for name, sides in mapping(result.get("curves")).items():
        points, labels = _points(mapping(sides)), [clean(mapping(sides).get(axis)) for axis in ("x_label", "y_label")]
        if name in ("ranking", "calibration") and any(points.values()):
            made[name] = plots.render_svg(name, _over, points, *labels, size=plots.SIZE)
    slices = [(_slice(s), _values(s, "difference", "low", "high"))
              for s in worst_first(result)[: plots.MAX_BARS]]  # fmt: skip
    moved = sorted(_numbers(mapping(result.get("data")).get("moved")).items(), key=lambda each: -each[1])
    shift: list[tuple[str, list[float | None]]] = [
        (name, [share, None, None]) for name, share in moved[: plots.MAX_BARS]
    ]
    if slices:
        made["slices"] = plots.render_svg(
            "slices", plots.draw_bars, slices, "gain (above 0: head is better)", 0.0, size=plots.bars_size(len(slices))
        )
    if shift:
        made["shift"] = plots.render_svg(
            "shift", plots.draw_bars, shift, "shift", 0.0, size=plots.bars_size(len(shift))
        )
    used = {side: _numbers(mapping(result.get("importance")).get(side)) for side in SIDES}
    names = sorted(
        {*used["base"], *used["head"]}, key=lambda name: -max(found.get(name, 0.0) for found in used.values())
    )
    if names := names[: plots.MAX_BARS]:
        made["importance"] = plots.render_svg("importance", _used, used, names, size=plots.bars_size(len(names) + 1))
    return made


def _numbers(value: Any) -> dict[str, float]:
    return {clean(name): found for name, each in mapping(value).items() if (found := number(each)) is not None}


def _points(sides: Result) -> Points:
    found: Points = {}
    for side in SIDES:
        xs, ys = (mapping(sides.get(side)).get(axis) for axis in "xy")
        both = zip(xs, ys, strict=False) if isinstance(xs, list) and isinstance(ys, list) else ()
        known = ((number(x), number(y)) for x, y in both)
        found[side] = [(x, y) for x, y in known if x is not None and y is not None]
    return found


def _change(axis: Axes, found: Result) -> None:
    """Of one metric, in its own unit, head minus base."""
    plots.draw_bars(axis, [("", _values(found, "difference", "low", "high"))], clean(found.get("metric")), 0.0)
    axis.locator_params(axis="x", nbins=4)


def _over(axis: Axes, points: Points, x: str, y: str) -> None:
    for side, found in points.items():
        axis.plot(*zip(*found, strict=True), label=side, color=SIDES[side], linestyle="--" if side == "base" else "-")
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.legend()


def _used(axis: Axes, used: dict[str, dict[str, float]], names: list[str]) -> None:
    for side, marker in (("base", "s"), ("head", "o")):
        known = [(used[side][name], place) for place, name in enumerate(reversed(names)) if name in used[side]]
        axis.plot([x for x, _ in known], [y for _, y in known], marker, color=SIDES[side], label=side, alpha=0.8)
    axis.set_yticks(range(len(names)), [plots.shorten(name) for name in reversed(names)])
    axis.set_xlabel("importance")
    axis.legend()
