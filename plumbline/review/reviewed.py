"""Two commits to one result: what is fitted, what is compared, and what else is told of them."""

import json
from itertools import chain
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError
from plumbline.formatting import short
from plumbline.lock import LOCK
from plumbline.process import git, replaced
from plumbline.review import shown
from plumbline.review.cells import Cells, Design, design, fill, place, read
from plumbline.review.decide import Result, alone, decide, present, question, relabelled, slices, undisputed
from plumbline.review.loosened import suites
from plumbline.review.moved import moved
from plumbline.review.rows import difference
from plumbline.review.sides import RECIPE, Failed, OtherContract, Side

SETTINGS = ("metric", "margin", "gap", "loss", "replicas", "folds", "alpha")
IDENTICAL = "data, code, parameters and versions of the recipe are identical"
KINDS = {"data": ("data/source/",), "params": (paths.PARAMS,), "code": ("src/", "plumbline/"), "versions": (LOCK.name,)}
NOTHING: Result = {"slices": [], "metrics": [], "floors": []}
SELECTED = 0.05  # from here on the labels of the rows that are left are others than before
WRITTEN = ("dvc.lock", "metrics/", paths.SCHEMA, paths.VERSIONS)  # by a run
SHOWN = 10  # files that changed
MANY = 25  # recipes tried on one table, from which on a better one may be luck
FITS = (
    "params.yaml",
    "src/features.py",
    "src/model.py",
    "plumbline/training",
    "plumbline/evaluation",
    "plumbline/metrics.py",
    "plumbline/columns.py",
    LOCK.name,
)


def reviewed(base: Side, head: Side, settings: SimpleNamespace) -> Result:
    """The whole result of head against base; where base does not run, head against the trivial model."""
    same, told = same_recipe(base, head), NOTHING | about(base, head)
    if same:
        return told | {"word": "same", "why": IDENTICAL}
    head.prepare()
    try:
        return told | _measured(base, head, settings)
    except OtherContract as error:  # of head: a commit that raises it can land all the same
        return told | {"word": "cannot tell", "why": str(error)}


def _measured(base: Side, head: Side, settings: SimpleNamespace) -> Result:
    try:
        if base.broken:
            return _alone(head, settings, base.broken)
        base.prepare(head)
        return _compared(base, head, settings)
    except Failed as error:
        if error.side != base.name:
            raise
        return _alone(head, settings, str(error))


def about(base: Side, head: Side) -> Result:
    """What git alone tells of the two."""
    made: Result = {"base_commit": base.commit, "head_commit": head.commit, "changed": _changed(base, head)}
    made |= {
        "files": _files(base, head),
        "project": next(iter(_artifacts(head)), None),
        "expectations": {side.name: len(suites(side)) for side in (base, head)},
    }
    return made | {"params": _params(base, head), "comparisons": comparisons(head)}


def same_recipe(base: Side, head: Side) -> bool:
    recipe = head.recipe(*RECIPE)
    return not base.broken and base.recipe(*RECIPE) == recipe


def _compared(base: Side, head: Side, settings: SimpleNamespace) -> Result:
    told: Result = {}
    changed = np.array([], dtype=int)
    if base.recipe("ingest") != head.recipe("ingest"):
        told["data"], changed = difference(base.folder, head.folder)
    schemas = [_schema(side) for side in (base, head)]
    if schemas[0].task != schemas[1].task:
        raise Failed(base, f"had the task {schemas[0].task}, and it is {schemas[1].task} now")
    unpaired = "the classes are others" if schemas[0].classes != schemas[1].classes else None
    plan = design(head, settings.replicas, settings.folds)
    cells, unpaired = _cells(base, head, plan, unpaired)
    theirs, ours, schema = cells[base], cells[head], schemas[1]
    others = theirs.rows(theirs.predicted) if unpaired else None
    asked = question(theirs, ours, schema, settings, others)
    judged = asked if unpaired else undisputed(asked, theirs, schema, changed)
    result = told | decide(judged, theirs, ours, schema, others) | {"unpaired": unpaired}
    if not unpaired:
        result |= relabelled(result, asked, theirs, ours, schema, changed)
    result |= _of_a_selection(result)
    result |= _beside((theirs, others or asked.rows), (ours, asked.rows), schema, settings, head)
    if not unpaired:
        result["slices"] = slices(asked, theirs, ours, schema, str(head.folder / paths.TABLE))
        of_the_word = judged if result["rows_compared"] == len(judged.rows.at) else asked
        if what := moved(of_the_word, cells, base, head, plan):
            result["moved"] = what
    return result | _importances(base, head)


def _of_a_selection(result: Result) -> Result:
    """Better on the rows that head kept of base's may be what it kept, not how it learns."""
    moved = result.get("data", {}).get("rows", {}).get("selected", 0.0)
    if result["word"] != "better" or moved <= SELECTED:
        return {}
    why = "better, but rows of base are gone or have another label, and the distribution of labels shifted with them"
    return {"word": "cannot tell", "why": f"{why} (by {short(moved)}, from 0 to 1)"}


def _beside(
    theirs: shown.Side, ours: shown.Side, schema: Schema, settings: SimpleNamespace, head: Side
) -> Result:  # fmt: skip
    found, failed = shown.metrics(theirs, ours, schema, settings.floors, settings.metrics)
    return {
        "metrics": found,
        "left_out": _left_out(failed, schema, settings, head),
        "floors": shown.floors(found, settings.floors),
        "curves": shown.curves(theirs, ours, schema),
    }


def _left_out(failed: dict[str, str], schema: Schema, settings: SimpleNamespace, head: Side) -> list[str]:
    """Which metrics of one's own and columns of evaluate.slices are not shown, and why."""
    said = [f"metric {name}: {why}" for name, why in failed.items()]
    new = [name for name in _list(head, "evaluate.metrics") if "." in name and name not in settings.metrics]
    said += [f"metric {name}: evaluate.metrics of base does not name it, and base decides what is measured"
             for name in new if name not in settings.floors]  # fmt: skip
    absent = (
        [] if settings.slices == "auto" else [n for n in settings.slices if n not in present(settings.slices, schema)]
    )
    return said + [f"slices of {name}: it is not a column of head beside target and key" for name in absent]


def _list(side: Side, key: str) -> list[str]:
    """The words that a side lists under a key; auto and what is no list are none."""
    found = side.stated.get(key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _cells(base: Side, head: Side, plan: Design, unpaired: str | None) -> tuple[dict[Side, Cells], str | None]:
    """Both sides' cells on head's rows, or each side's on its own and the reason why."""
    out = {side: place(side, head, plan) for side in (base, head)}
    if not unpaired:
        try:
            fill(out, head, plan)
            cells = {side: read(path, plan) for side, path in out.items()}
            if np.array_equal(cells[base].units, cells[head].units):
                return cells, None
            unpaired = "rows are split by another key"
        except Failed as error:
            if error.side != base.name:
                raise
            unpaired = str(error)
    out[base] = place(base, base, plan)
    fill({base: out[base]}, base, plan)
    fill({head: out[head]}, head, plan)
    return {side: read(path, plan) for side, path in out.items()}, unpaired


def _alone(head: Side, settings: SimpleNamespace, why: str) -> Result:
    plan, schema = design(head, settings.replicas, settings.folds), _schema(head)
    out = place(head, head, plan)
    fill({head: out}, head, plan)
    return alone(read(out, plan), schema, settings, why)


def _schema(side: Side) -> Schema:
    return Schema.loads((side.folder / paths.SCHEMA).read_text(encoding="utf-8"))


def settings_of(base: Side) -> SimpleNamespace:
    """What decides and what is shown: `review`, floors, slices that must work, metrics and slices, as base has them."""
    given = {name: base.stated.get(f"review.{name}", params.KEYS[f"review.{name}"].default) for name in SETTINGS}
    asked = {name: base.stated.get(f"requirements.{name}") for name in ("floors", "must_work")}
    by = _list(base, "evaluate.slices") if isinstance(base.stated.get("evaluate.slices"), list) else "auto"
    return SimpleNamespace(**given, floors=asked["floors"] or {}, must_work=asked["must_work"] or [],
                           metrics=_list(base, "evaluate.metrics"), slices=by)  # fmt: skip


def release(base: Side) -> Side | None:
    """The newest release NAME@v* that base has in its history, NAME as in dvc.yaml's artifacts."""
    for name in [] if base.broken else _artifacts(base):
        asked = ("describe", "--tags", "--abbrev=0", "--match", f"{name}@v*", base.commit)
        if tag := git(*asked, strict=False).strip():
            return Side(replaced(tag), git("rev-parse", f"{tag}^{{commit}}").strip())
    return None


def _artifacts(side: Side) -> list[str]:
    found = side.pipeline.get("artifacts")
    return list(found) if isinstance(found, dict) else []


def _changed(base: Side, head: Side) -> list[str]:
    files = [path for path in _paths(base, head) if not path.startswith(WRITTEN)]
    return [kind for kind, start in KINDS.items() if any(path.startswith(start) for path in files)]


def _paths(base: Side, head: Side) -> list[str]:
    return replaced(git("diff", "--name-only", "--no-renames", "-z", base.commit, head.commit)).split("\0")[:-1]


def _files(base: Side, head: Side) -> Result:
    """The first files that changed, those of the recipe before others, how many more, and how many a run wrote."""
    files = sorted(_paths(base, head), key=lambda path: not path.startswith(tuple(chain(*KINDS.values()))))
    written = [path for path in files if path.startswith(WRITTEN)]
    edited = [path for path in files if path not in {*written}]
    return {"first": edited[:SHOWN], "more": len(edited[SHOWN:]), "written": len(written)}


def _params(base: Side, head: Side) -> dict[str, list[Any]]:
    old, new = base.stated, head.stated
    return {key: [old.get(key), new.get(key)] for key in {**old, **new} if base.stated and old.get(key) != new.get(key)}


def comparisons(head: Side) -> Result:
    """How many recipes this table has seen: commits since the table's last change that touch one, and their notice."""
    places = [str(PurePosixPath(head.source)), f"{head.source}.dvc"]
    last = git("log", "-1", "--format=%H", head.commit, "--", *places).strip()
    since = f"{last}..{head.commit}" if last else head.commit
    number = int(git("rev-list", "--count", "--no-merges", since, "--", *FITS)) or 1
    notice = f"{number} recipes have been tried on this table: a small gain may be luck, check it on new rows"
    return {"number": number, "notice": notice if number >= MANY else None}


def _importances(base: Side, head: Side) -> Result:
    """Of each commit's own last run, as far as git has it: what a feature's shuffling costs."""
    found = {}
    for side in (base, head):
        try:
            kept = json.loads(replaced(git("show", f"{side.commit}:{paths.IMPORTANCE}")))
            found[side.name] = {
                ", ".join(each["features"]): (each.get("loss_increase") or each["loss"])[0] for each in kept["features"]
            }
        except (PlumblineError, ValueError, KeyError, TypeError):
            return {}
    return {"importance": found}
