"""evaluate: model and holdout -> metrics with intervals beside two yardsticks, slices, curves, predictions."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import design, names, params
from src.findings import RULE, Findings, is_about, left_out, rounded, run, short, write_json, write_text
from src.learning import behaviour
from src.learning.columns import default
from src.learning.curves import calibration, errors, ranking
from src.learning.folds import outcome
from src.learning.importance import used
from src.learning.metrics import (
    Outcome,
    draws,
    interval,
    losses,
    lower_is_better,
    main_metric,
    measure,
    prepare,
    resolve,
)
from src.learning.requirements import columns, judged
from src.learning.slices import MEASURES, SMALL, Slice, choose, cut, fairness
from src.learning.weak import FEWEST, weak_slices
from src.learning.yardsticks import AGAINST, parameters, yardsticks
from src.predictor import prediction
from src.predictor.modelfile import loads
from src.predictor.prediction import scores
from src.predictor.predictor import Predictor
from src.predictor.schema import Schema, frame
from src.predictor.tables import replacing
from src.recipe import fit, load
from src.report.page import page

PARAMS = ("evaluate.metrics", "evaluate.slices", "evaluate.bootstrap", "requirements.floors", "requirements.must_work",
          "requirements.costs", "data.show_values", "data.source", "review.metric")  # fmt: skip
PROJECT = ("description",)
WORST = 100  # rows in the report


def main() -> None:
    p = params.read(*PARAMS)
    findings = Findings("evaluate")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    model = loads(Path(names.MODEL).read_bytes(), names.MODEL)
    table = pq.read_table(names.FEATURES)
    held = pc.equal(table.column(names.SIDE), names.HOLDOUT)
    train, rows = load(table.filter(pc.invert(held)), schema), load(table.filter(held), schema)
    kept = [c.name for c in schema.columns if c.role not in ("target", "key")]
    source = pq.read_table(names.TABLE, columns=kept).filter(held)

    truth = rows[names.TARGET].to_numpy()
    fitted = partial(
        fit, schema=schema, seed=0, build=default
    )  # beside the model: neither seed nor build of the user's
    models = {"model": model}
    models |= {name: fitted(train, params=given) for name, given in yardsticks(p.metric, schema.task).items()}
    outcomes = {name: outcome(one, truth, scores(one, rows)) for name, one in models.items()}
    by = choose(p.slices, schema, source, _one_score(outcomes["model"]))
    findings.add(
        "slices", f"{', '.join(map(repr, by)) or 'none'} ({'auto' if p.slices == 'auto' else 'as params say'})"
    )
    said = design.answers(p.source)
    if not is_about(design.about(), p.source):
        findings.add(RULE, left_out(names.DESIGN, design.about(), p.source, design.CURE), "warning")
    _behave(Predictor(model, schema), source, p.source, findings)
    made = measured(p, outcomes, source, rows, by, schema, findings)
    facts = {
        "task": schema.task,
        "estimator": type(model["pipeline"].steps[-1][1]).__name__,
        "rows_train": len(train),
        "rows_holdout": len(rows),
    }
    if schema.task == "binary":
        facts |= {"positive": str(schema.positive), "threshold": model["threshold"]}
    made[names.METRICS] = facts | made[names.METRICS]
    made[names.IMPORTANCE] = used(model, rows, train, partial(fitted, params=parameters(metric=p.metric)))
    for path, content in made.items():
        write_json(path, content)
    _write_predictions(model, outcomes["model"], rows, source.select(by), schema)
    findings.write()
    worst = worst_rows(outcomes["model"], rows[names.KEY].to_numpy(), held.to_numpy(), p.show_values)
    (description,) = params.project(*PROJECT) if is_about(design.about(), p.source) else ("",)
    write_text(names.REPORT, page(rounded(made), schema, worst, findings.found, said, description))


def measured(
    p: SimpleNamespace,
    outcomes: dict[str, Outcome],
    source: pa.Table,
    rows: pd.DataFrame,
    by: list[str],
    schema: Schema,
    findings: Findings,
) -> dict[str, Any]:
    """The contents of files in metrics/, by their names; by: the columns of slices."""
    chosen, found = resolve(p.metrics, schema.task), outcomes["model"]
    slices = cut([*dict.fromkeys([*by, *columns(p.must_work, source.column_names)])], schema, source)
    protected = cut([c.name for c in schema.columns if c.role == "protected"], schema, source)
    groups = {("group", number): part for number, part in enumerate(protected)}
    weight = rows[names.WEIGHT].to_numpy(dtype=float) if names.WEIGHT in rows else np.ones(len(rows))
    group = rows[names.GROUP].to_numpy() if names.GROUP in rows else None
    parts = _prepared(outcomes, slices, chosen)
    for key, part in groups.items():
        parts[key] = (part.rows, prepare(MEASURES[schema.task], found.part(part.rows)))
    once = measure(parts, [weight[None]])
    values = {key: {name: float(value[0]) for name, value in part.items()} for key, part in once.items()}
    drawn = measure(parts, draws(len(rows), p.bootstrap, weight, group))
    first = chosen[0] if p.metrics != "auto" else main_metric(p.metric, schema.task)
    _judge(values, drawn, first, findings)
    for words, met in judged(p.floors, p.must_work, slices, values, drawn):
        findings.add("requirement", words, "note" if met else "warning", met=met)
    return {
        names.METRICS: values["model"],
        names.LINEAR: values["linear"],
        names.TRIVIAL: values["trivial"],
        names.INTERVALS: {name: {part: interval(drawn[part][name]) for part in outcomes} for name in chosen},
        names.SLICES: [_slice(part, values[i], drawn[i]) for i, part in enumerate(slices)],
        names.FAIRNESS: fairness(groups, values, drawn),
        names.WEAK: _weak(source, schema, found, group, findings),
        names.RANKING: ranking(found, weight),
        names.CALIBRATION: calibration(found, weight),
        names.ERRORS: errors(found, weight, p.costs),
    }


def _behave(predictor: Predictor, rows: pa.Table, source: str, findings: Findings) -> None:
    """Runs what expectations/behaviour.yaml states of this source, on the raw rows of the holdout."""
    path = Path(names.BEHAVIOUR)
    tests = behaviour.load(path, predictor.schema, source)
    if not is_about(behaviour.about(path), source):
        findings.add(RULE, left_out(names.BEHAVIOUR, behaviour.about(path), source, behaviour.CURE), "warning")
    rows = rows.select([*predictor.types])
    for test in tests:
        bad, count = behaviour.broken(test, predictor, rows)
        holds = bad <= test.allowed * count
        words = f"{test.name}: {bad} of {count} rows break it, allowed {test.allowed:g} of them"
        findings.add("behaviour", words, "note" if holds else "warning", rows=count, broken=bad)
    if not tests:
        findings.add("behaviour", f"none is stated in {names.BEHAVIOUR}")


def _weak(
    source: pa.Table, schema: Schema, found: Outcome, group: np.ndarray | None, findings: Findings
) -> list[dict[str, Any]]:
    types = {column.name: column.type for column in schema.inputs}
    weak = weak_slices(frame(source, types), types, found, group)
    for each in weak:
        words = (
            f"{each['slice']}: loss {short(each['loss'][0])}, elsewhere {short(each['rest'])} (p {short(each['p'])})"
        )
        findings.add("weak slice", words, "warning", rows=each["rows"])
    if not weak:
        reason = "none is confirmed" if found.truth.size >= FEWEST else f"fewer than {FEWEST} rows to search in"
        findings.add("weak slice", reason)
    return weak


def worst_rows(found: Outcome, key: np.ndarray, held: np.ndarray, shown: bool) -> list[list[Any]]:
    """The rows of the largest loss: number in the table, loss, and where values may be shown key, truth, decision."""
    loss = losses(found.task, found.truth, found.scores)
    at = np.argsort(-loss, kind="stable")[:WORST]
    numbers = np.flatnonzero(held)[at] + 1
    rows: list[list[Any]] = [[int(number), float(loss[i])] for number, i in zip(numbers, at, strict=True)]
    if shown:
        named = found.task != "regression"
        values = [(found.classes[found.truth[i]], found.classes[found.decided[i]]) if named else
                  (float(found.truth[i]), float(found.decided[i])) for i in at]  # fmt: skip
        rows = [[*row, str(key[i]), *map(str, pair)] for row, i, pair in zip(rows, at, values, strict=True)]
    return rows


def _one_score(found: Outcome) -> np.ndarray:
    if found.task == "regression":
        return found.scores
    return found.scores[:, found.positive] if found.task == "binary" else found.scores.max(axis=1)


def _prepared(outcomes: dict[str, Outcome], slices: list[Slice], chosen: tuple[str, ...]) -> dict[Any, Any]:
    """What `measure` takes: all metrics of each model on the holdout and (numbered) of the model on each slice."""
    parts: dict[Any, Any] = {name: (None, found) for name, found in outcomes.items()}
    parts |= {i: (part.rows, outcomes["model"].part(part.rows)) for i, part in enumerate(slices)}
    return {key: (rows, prepare(chosen, found)) for key, (rows, found) in parts.items()}


def _judge(values: dict, drawn: dict, name: str, findings: Findings) -> None:
    """Is the model clearly better than each yardstick, by the paired difference of this metric?"""
    sign = 1 if lower_is_better(name) else -1
    for yardstick in ("trivial", "linear"):
        gain = sign * (values[yardstick][name] - values["model"][name])
        low, high = interval(sign * (drawn[yardstick][name] - drawn["model"][name]))
        size = f"{'better' if gain >= 0 else 'worse'} by {short(abs(gain))}"
        ends = (low, high) if gain >= 0 else (-high, -low)
        words = "clearly beats" if low > 0 else "is clearly worse than" if high < 0 else "does not clearly beat"
        findings.add(
            AGAINST.format(yardstick),
            f"the model {words} the {yardstick} one: "
            f"{name} {size} (95 % interval {short(ends[0])} to {short(ends[1])})",
            "note" if yardstick == "linear" or low > 0 else "warning",
            gain=gain, low=low, high=high,
        )  # fmt: skip


def _slice(part: Slice, values: dict[str, float], drawn: dict[str, np.ndarray]) -> dict[str, Any]:
    """Each metric of a slice as [value, low, high]."""
    facts = {"column": part.column, "level": part.level, "rows": len(part.rows), "small": len(part.rows) < SMALL}
    return facts | {name: [value, *interval(drawn[name])] for name, value in values.items()}


def _write_predictions(
    model: dict[str, Any], found: Outcome, rows: pd.DataFrame, slices: pa.Table, schema: Schema
) -> None:
    truth = found.truth if schema.task == "regression" else [schema.classes[code] for code in found.truth]
    made = pa.table({"key": rows[names.KEY], "truth": truth} | prediction.columns(model, found.scores))
    for name in slices.column_names:
        made = made.append_column(f"slice: {name}", slices.column(name))
    with replacing(names.PREDICTIONS) as path:
        pq.write_table(made.replace_schema_metadata(), path)


if __name__ == "__main__":
    run(main)
