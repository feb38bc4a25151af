"""The review as a page of HTML with figures, made of .review/result.json alone; it looks as the project's report."""

import re
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup
from matplotlib.axes import Axes

from src.report import page as report
from src.report import plots
from src.review.comment import WORDS, first, level, worst_first
from src.review.markdown import clean, mapping, mappings, number, short, texts

LONG, MANY = 400, 30  # characters of a sentence, rows of a table
SIDES = {"base": plots.LINEAR, "head": plots.MODEL}
Points = dict[str, list[tuple[float, float]]]
Result = dict[str, Any]


def page(result: Result) -> str:
    """The page; what the result has nothing of is left out."""
    look = (Path(report.__file__).parent / report.TEMPLATE).read_text(encoding="utf-8")
    macros, _, body = look.partition("<!doctype html>")
    loader = ChoiceLoader([DictLoader({"look": macros}), FileSystemLoader(Path(__file__).parent)])
    environment = Environment(loader=loader, autoescape=select_autoescape(["j2", "look"], default=True))
    return environment.get_template(report.TEMPLATE).render(
        result=result,
        project=clean(result.get("project") or "this project"),
        style=Markup(body.partition("<style>")[2].partition("</style>")[0]),  # noqa: S704, a file of our own
        level=level(result),
        said=re.sub(r"[*`]", "", first(result)) if result.get("word") in WORDS else "",
        figures={name: drawn for name, drawn in _figures(result).items() if drawn},
        **_rows(result),
    )


def _rows(result: Result) -> dict[str, list[list[str]]]:
    data = mapping(result.get("data"))
    facts = [(f"{of}: {name}", value) for of in ("rows", "columns") for name, value in mapping(data.get(of)).items()]
    shown = (
        "base_commit",
        "head_commit",
        "base_is",
        "why",
        "unpaired",
        "rows_compared",
        "replicas",
        "trivial",
        "margin",
    )
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
                *map(clean, (s.get("column"), s.get("level"))),
                *map(short, _values(s, "rows_compared", "difference")),
                _ends(s),
                short(s.get("worse")),
                "yes" if s.get("blocks") is True else "",
            ]
            for s in worst_first(result)[:MANY]
        ],
        "data_rows": [
            [clean(name), _told(value)] for name, value in facts if value not in ([], {}) and not name.endswith("_at")
        ],
        "how_rows": [[name.replace("_", " "), _told(result[name])] for name in shown if result.get(name) is not None]
        + [["note", clean(note, LONG)] for note in texts(result.get("notes"))[:MANY]],
    }


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


def _figures(result: Result) -> dict[str, list[str]]:
    """The figures that there is something to show in, by name."""
    made, metrics = {}, [m for m in mappings(result.get("metrics")) if number(m.get("difference")) is not None][:12]
    made["metrics"] = [plots.figure(f"metrics-{at}", _difference, m, size=(3.2, 1.4)) for at, m in enumerate(metrics)]
    for name, sides in mapping(result.get("curves")).items():
        points, labels = _points(mapping(sides)), [clean(mapping(sides).get(axis)) for axis in ("x_label", "y_label")]
        if name in ("ranking", "calibration") and any(points.values()):
            made[name] = [plots.figure(name, _over, points, *labels, size=report.SIZE)]
    slices = [(f"{clean(s.get('column'))}: {clean(s.get('level'))}", _values(s, "difference", "low", "high"))
              for s in worst_first(result)[: plots.MOST]]  # fmt: skip
    moved = sorted(_numbers(mapping(result.get("data")).get("moved")).items(), key=lambda each: -each[1])
    shift: list[tuple[str, list[float | None]]] = [(name, [share, None, None]) for name, share in moved[: plots.MOST]]
    if slices:
        label = "difference (above 0: better)"
        made["slices"] = [plots.figure("slices", plots.bars, slices, label, 0.0, size=plots.tall(len(slices)))]
    if shift:
        made["shift"] = [plots.figure("shift", plots.bars, shift, "moved", 0.0, size=plots.tall(len(shift)))]
    used = {side: _numbers(mapping(result.get("importance")).get(side)) for side in SIDES}
    names = sorted(
        {*used["base"], *used["head"]}, key=lambda name: -max(found.get(name, 0.0) for found in used.values())
    )
    if names := names[: plots.MOST]:
        made["importance"] = [plots.figure("importance", _used, used, names, size=plots.tall(len(names) + 1))]
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


def _difference(axis: Axes, metric: Result) -> None:
    """Of one metric, in its own unit, head less base."""
    plots.bars(axis, [("", _values(metric, "difference", "low", "high"))], clean(metric.get("metric")), 0.0)
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
    axis.set_yticks(range(len(names)), [plots.short(name) for name in reversed(names)])
    axis.set_xlabel("importance")
    axis.legend()
