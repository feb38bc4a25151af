"""Two commits to one result: what is fitted, what is compared, and what else is told of them."""

import subprocess
from types import SimpleNamespace

from src import names, params
from src.predictor.schema import Schema
from src.review.cells import Cells, Design, design, fill, place, read
from src.review.decide import NOTHING_ELSE, Result, alone, decide
from src.review.rows import difference
from src.review.sides import RECIPE, Failed, Side, git

SETTINGS = ("metric", "margin", "gap", "loss", "replicas", "folds", "alpha")
IDENTICAL = "data, code, parameters and versions of the recipe are identical"
KINDS = {"data": "data/source/", "params": "params.yaml", "code": "src/", "versions": "requirements.lock"}


def reviewed(base: Side, head: Side, settings: SimpleNamespace) -> Result:
    """The whole result of head against base; where base does not run, head against the trivial model."""
    about: Result = {"base_commit": base.commit, "head_commit": head.commit, "changed": _changed(base, head)}
    if base.recipe(*RECIPE) == head.recipe(*RECIPE):
        return about | NOTHING_ELSE | {"word": "same", "why": IDENTICAL}
    head.prepare()
    try:
        base.prepare()
        if base.recipe("ingest") != head.recipe("ingest"):
            about["data"] = difference(base.folder, head.folder)
        return about | _compared(base, head, settings)
    except Failed as error:
        if error.side != base.name:
            raise
        return about | _alone(head, settings, str(error))


def _compared(base: Side, head: Side, settings: SimpleNamespace) -> Result:
    schemas = [_schema(side) for side in (base, head)]
    if schemas[0].task != schemas[1].task:
        raise Failed(base, f"had the task {schemas[0].task}, and it is {schemas[1].task} now")
    unpaired = "the classes are others" if schemas[0].classes != schemas[1].classes else None
    cells, unpaired = _cells(base, head, design(head, settings.replicas, settings.folds), unpaired)
    return decide(cells[base], cells[head], schemas[1], settings, str(head.folder / names.TABLE), unpaired)


def _cells(base: Side, head: Side, plan: Design, unpaired: str | None) -> tuple[dict[Side, Cells], str | None]:
    """Both sides' cells on head's rows, or each side's on its own and the reason why."""
    out = {side: place(side, head, plan) for side in (base, head)}
    if not unpaired:
        try:
            fill(out, head, plan)
            cells = {side: read(path, plan) for side, path in out.items()}
            if (cells[base].units.shape == cells[head].units.shape) and (cells[base].units == cells[head].units).all():
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
    return Schema.loads((side.folder / names.SCHEMA).read_text(encoding="utf-8"))


def settings_of(base: Side) -> SimpleNamespace:
    """What decides: `review`, and of `requirements` floors and slices that must work, as base has them."""
    given = {name: base.params.get(f"review.{name}", params.KEYS[f"review.{name}"].default) for name in SETTINGS}
    asked = {name: base.params.get(f"requirements.{name}") for name in ("floors", "must_work")}
    return SimpleNamespace(**given, floors=asked["floors"] or {}, must_work=asked["must_work"] or [])


def release(base: Side) -> Side | None:
    """The newest release NAME@v* that base has in its history, NAME as in dvc.yaml's artifacts."""
    for name in base.pipeline.get("artifacts", {}):
        asked = ["git", "describe", "--tags", "--abbrev=0", "--match", f"{name}@v*", base.commit]
        ran = subprocess.run(asked, capture_output=True, encoding="utf-8", check=False)
        if ran.returncode == 0:
            return Side(ran.stdout.strip(), git("rev-parse", f"{ran.stdout.strip()}^{{commit}}").strip())
    return None


def _changed(base: Side, head: Side) -> list[str]:
    changed = git("diff", "--name-only", base.commit, head.commit).splitlines()
    return [kind for kind, start in KINDS.items() if any(path.startswith(start) for path in changed)]
