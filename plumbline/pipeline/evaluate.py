"""What the stage evaluate does: measures the model on the holdout, beside two baselines, and writes the report."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import design, params, paths
from plumbline.columns import default
from plumbline.data.schema import GROUP, HOLDOUT, KEY, SIDE, TARGET, WEIGHT, Schema, to_frame
from plumbline.evaluation import behaviour
from plumbline.evaluation.advice import BASELINES
from plumbline.evaluation.baselines import baselines, parameters
from plumbline.evaluation.curves import calibration, errors, ranking
from plumbline.evaluation.importance import used
from plumbline.evaluation.requirements import columns, judged
from plumbline.evaluation.slices import MEASURES, SMALL, Slice, choose, cut, fairness
from plumbline.evaluation.weak import FEWEST, weak_slices
from plumbline.files import replacing, round_floats, write_text
from plumbline.findings import Findings, Kind, Severity
from plumbline.formatting import short
from plumbline.keys import Model, Params
from plumbline.metrics import Outcome, draws, interval, losses, lower_is_better, main_metric, measure, prepare, resolve
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictions import predict_scores, prediction_columns
from plumbline.prediction.predictor import Predictor
from plumbline.report.page import page
from plumbline.scope import explain_omission, includes
from plumbline.training.folds import make_outcome
from plumbline.training.recipe import fit, read_rows

PROJECT = ("description",)
WORST = 100  # rows in the report


@dataclass(frozen=True)
class Data:
    """Features of both parts as `fit` takes them, the source's columns of the holdout, and which rows that is."""

    train: pd.DataFrame
    rows: pd.DataFrame
    source: pa.Table
    held: np.ndarray


def read_data(schema: Schema) -> Data:
    """Training part and holdout, from data/features.parquet and data/table.parquet."""
    table = pq.read_table(paths.FEATURES)
    held = pc.equal(table.column(SIDE), HOLDOUT)
    train, rows = read_rows(table.filter(pc.invert(held)), schema), read_rows(table.filter(held), schema)
    kept = [c.name for c in schema.columns if c.role not in ("target", "key")]
    return Data(train, rows, pq.read_table(paths.TABLE, columns=kept).filter(held), held.to_numpy())


def predict_holdout(p: Params, model: FittedModel, data: Data, schema: Schema) -> dict[str, Outcome]:
    """What model and baselines say of the holdout."""
    models = {"model": model}
    for name, given in baselines(p.review.metric, schema.task).items():
        models[name] = _fit_beside(data.train, schema, given, p.review.metric)
    truth = data.rows[TARGET].to_numpy()
    return {name: make_outcome(one, truth, predict_scores(one, data.rows)) for name, one in models.items()}


def _fit_beside(train: pd.DataFrame, schema: Schema, given: Model, metric: str) -> FittedModel:
    """A model beside the project's own: neither seed nor build is the user's."""
    return fit(train, schema, given, default, metric=metric, seed=0)


def choose_slices(p: Params, outcomes: dict[str, Outcome], data: Data, schema: Schema, findings: Findings) -> list[str]:
    """The columns whose levels are measured one by one."""
    by = choose(p.evaluate.slices, schema, data.source, _one_score(outcomes["model"]))
    how = "auto" if p.evaluate.slices == "auto" else "as params say"
    findings.add(Kind.SLICES, f"{', '.join(map(repr, by)) or 'none'} ({how})")
    return by


def read_design(source: str, findings: Findings) -> design.Answers:
    """The answers of docs/project.yaml for this table, and a finding where it is about another one."""
    answers = design.read_answers(source)
    if not includes(design.read_tables(), source):
        findings.add(
            Kind.SCOPE,
            explain_omission(paths.DESIGN, design.read_tables(), source, design.TABLE_HINT),
            Severity.WARNING,
        )
    return answers


def measure_holdout(
    p: Params,
    model: FittedModel,
    outcomes: dict[str, Outcome],
    data: Data,
    by: list[str],
    schema: Schema,
    findings: Findings,
) -> dict[str, Any]:
    """The contents of files in metrics/, by their names; by: the columns of slices."""
    made = measured(p, outcomes, data.source, data.rows, by, schema, findings)
    facts = {
        "task": schema.task,
        "estimator": type(model.estimator).__name__,
        "rows_train": len(data.train),
        "rows_holdout": len(data.rows),
    }
    if schema.task == "binary":
        facts |= {"positive": str(schema.positive), "threshold": model.threshold}
    made[paths.METRICS] = facts | made[paths.METRICS]
    probe = partial(_fit_beside, schema=schema, given=parameters(), metric=p.review.metric)
    made[paths.IMPORTANCE] = used(model, data.rows, data.train, probe)
    return made


def write_report(
    made: dict[str, Any],
    outcomes: dict[str, Outcome],
    data: Data,
    answers: design.Answers,
    p: Params,
    schema: Schema,
    findings: Findings,
) -> None:
    """Writes data/report.html, of all that the stages found so far; answers: of `read_design`."""
    worst = worst_rows(outcomes["model"], data.rows[KEY].to_numpy(), data.held, p.data.show_values)
    (description,) = params.read_project(*PROJECT) if includes(design.read_tables(), p.data.source) else ("",)
    write_text(paths.REPORT, page(round_floats(made), schema, worst, findings.entries, answers, description))


def measured(
    p: Params,
    outcomes: dict[str, Outcome],
    source: pa.Table,
    rows: pd.DataFrame,
    by: list[str],
    schema: Schema,
    findings: Findings,
) -> dict[str, Any]:
    """The contents of files in metrics/, by their names; by: the columns of slices."""
    chosen, found = resolve(p.evaluate.metrics, schema.task), outcomes["model"]
    slices = cut([*dict.fromkeys([*by, *columns(p.requirements.must_work, source.column_names)])], schema, source)
    protected = cut([c.name for c in schema.columns if c.role == "protected"], schema, source)
    groups = {("group", number): part for number, part in enumerate(protected)}
    weight = rows[WEIGHT].to_numpy(dtype=float) if WEIGHT in rows else np.ones(len(rows))
    group = rows[GROUP].to_numpy() if GROUP in rows else None
    parts = _prepared(outcomes, slices, chosen)
    for key, part in groups.items():
        parts[key] = (part.rows, prepare(MEASURES[schema.task], found.part(part.rows)))
    once = measure(parts, [weight[None]])
    values = {key: {name: float(value[0]) for name, value in part.items()} for key, part in once.items()}
    drawn = measure(parts, draws(len(rows), p.evaluate.bootstrap, weight, group))
    first = chosen[0] if p.evaluate.metrics != "auto" else main_metric(p.review.metric, schema.task)
    _judge(values, drawn, first, findings)
    for words, met in judged(p.requirements.floors, p.requirements.must_work, slices, values, drawn):
        findings.add(Kind.REQUIREMENT, words, Severity.NOTE if met else Severity.WARNING, met=met)
    return {
        paths.METRICS: values["model"],
        paths.LINEAR: values["linear"],
        paths.TRIVIAL: values["trivial"],
        paths.INTERVALS: {name: {part: interval(drawn[part][name]) for part in outcomes} for name in chosen},
        paths.SLICES: [_slice(part, values[i], drawn[i]) for i, part in enumerate(slices)],
        paths.FAIRNESS: fairness(groups, values, drawn),
        paths.WEAK: _weak(source, schema, found, group, findings),
        paths.RANKING: ranking(found, weight),
        paths.CALIBRATION: calibration(found, weight),
        paths.ERRORS: errors(found, weight, p.requirements.costs),
    }


def check_behaviour(predictor: Predictor, rows: pa.Table, source: str, findings: Findings) -> None:
    """Runs what expectations/behaviour.yaml states of this source, on the raw rows of the holdout."""
    path = Path(paths.BEHAVIOUR)
    tests = behaviour.load(path, predictor.schema, source)
    if not includes(behaviour.about(path), source):
        findings.add(
            Kind.SCOPE,
            explain_omission(paths.BEHAVIOUR, behaviour.about(path), source, behaviour.CURE),
            Severity.WARNING,
        )
    rows = rows.select([*predictor.types])
    for test in tests:
        bad, count = behaviour.broken(test, predictor, rows)
        holds = bad <= test.allowed * count
        words = f"{test.name}: {bad} of {count} rows break it, allowed {test.allowed:g} of them"
        findings.add(Kind.BEHAVIOUR, words, Severity.NOTE if holds else Severity.WARNING, rows=count, broken=bad)
    if not tests:
        findings.add(Kind.BEHAVIOUR, f"none is stated in {paths.BEHAVIOUR}")


def _weak(
    source: pa.Table, schema: Schema, found: Outcome, group: np.ndarray | None, findings: Findings
) -> list[dict[str, Any]]:
    types = {column.name: column.type for column in schema.inputs}
    weak = weak_slices(to_frame(source, types), types, found, group)
    for each in weak:
        words = (
            f"{each['slice']}: loss {short(each['loss'][0])}, elsewhere {short(each['rest'])} (p {short(each['p'])})"
        )
        findings.add(Kind.WEAK_SLICE, words, Severity.WARNING, rows=each["rows"])
    if not weak:
        reason = "none is confirmed" if found.truth.size >= FEWEST else f"fewer than {FEWEST} rows to search in"
        findings.add(Kind.WEAK_SLICE, reason)
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
    """Is the model clearly better than each baseline, by the paired difference of this metric?"""
    sign = 1 if lower_is_better(name) else -1
    for baseline in ("trivial", "linear"):
        gain = sign * (values[baseline][name] - values["model"][name])
        low, high = interval(sign * (drawn[baseline][name] - drawn["model"][name]))
        size = f"{'better' if gain >= 0 else 'worse'} by {short(abs(gain))}"
        ends = (low, high) if gain >= 0 else (-high, -low)
        words = "clearly beats" if low > 0 else "is clearly worse than" if high < 0 else "does not clearly beat"
        findings.add(
            BASELINES[baseline],
            f"the model {words} the {baseline} one: "
            f"{name} {size} (95 % interval {short(ends[0])} to {short(ends[1])})",
            Severity.NOTE if baseline == "linear" or low > 0 else Severity.WARNING,
            gain=gain, low=low, high=high,
        )  # fmt: skip


def _slice(part: Slice, values: dict[str, float], drawn: dict[str, np.ndarray]) -> dict[str, Any]:
    """Each metric of a slice as [value, low, high]."""
    facts = {"column": part.column, "level": part.level, "rows": len(part.rows), "small": len(part.rows) < SMALL}
    return facts | {name: [value, *interval(drawn[name])] for name, value in values.items()}


def write_predictions(model: FittedModel, found: Outcome, rows: pd.DataFrame, slices: pa.Table, schema: Schema) -> None:
    """Writes data/predictions.parquet, a line for each row of the holdout; slices: the columns to cut by."""
    truth = found.truth if schema.task == "regression" else [schema.classes[code] for code in found.truth]
    made = pa.table({"key": rows[KEY], "truth": truth} | prediction_columns(model, found.scores))
    for name in slices.column_names:
        made = made.append_column(f"slice: {name}", slices.column(name))
    with replacing(paths.PREDICTIONS) as path:
        pq.write_table(made.replace_schema_metadata(), path)
