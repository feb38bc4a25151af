"""The steps of the stage evaluate: predict the holdout, measure, check, and write metrics, predictions and report."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import design, params, paths
from plumbline.columns import default
from plumbline.data.schema import GROUP, HOLDOUT, KEY, SIDE, TARGET, WEIGHT, Schema, to_frame
from plumbline.evaluation import behaviour
from plumbline.evaluation.baselines import baseline_settings, compare_with_baselines, model_settings
from plumbline.evaluation.curves import calibration_curve, ranking_curve
from plumbline.evaluation.error_analysis import analyse_errors
from plumbline.evaluation.fairness import measure_fairness
from plumbline.evaluation.holdout import HoldoutMetrics, measure_outcomes
from plumbline.evaluation.importance import explain_model
from plumbline.evaluation.measurements import Measurements
from plumbline.evaluation.performance import Facts, Performance
from plumbline.evaluation.requirements import judge_requirements, required_columns
from plumbline.evaluation.slices import SliceMetrics, choose_columns, cut_slices
from plumbline.evaluation.weak_slices import MIN_ROWS, WeakSlice, find_weak_slices
from plumbline.files import replacing, write_text
from plumbline.findings import Findings, Kind, Severity
from plumbline.formatting import short
from plumbline.keys import Model, Params
from plumbline.metrics import main_metric, resolve_metrics
from plumbline.outcome import Outcome
from plumbline.prediction.fitted_model import FittedModel
from plumbline.prediction.predictions import predict_scores, prediction_columns
from plumbline.prediction.predictor import Predictor
from plumbline.report.page import render_page
from plumbline.report.worst_rows import list_worst_rows
from plumbline.scope import explain_omission, includes
from plumbline.training.folds import make_outcome
from plumbline.training.recipe import fit, read_rows

PROJECT = ("description",)


@dataclass(frozen=True)
class Data:
    """The rows of the training set and of the holdout.

    Attributes
    ----------
    schema : Schema
    train, holdout : DataFrame
        As `fit` takes them: the features, and the columns of `data.schema.RESERVED_COLUMNS` that the table has.
    source : Table
        The source's columns of the holdout, without target and key.
    is_holdout : array of bool, shape (rows,)
        For each row of the table whether it is in the holdout.
    """

    schema: Schema
    train: pd.DataFrame
    holdout: pd.DataFrame
    source: pa.Table
    is_holdout: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """The weights of the holdout's rows, shape (rows,)."""
        rows = self.holdout
        return rows[WEIGHT].to_numpy(dtype=float) if WEIGHT in rows else np.ones(len(rows))

    @property
    def group(self) -> np.ndarray | None:
        """The groups of the holdout's rows, shape (rows,); None where the table has no groups."""
        return self.holdout[GROUP].to_numpy() if GROUP in self.holdout else None


def read_data(schema: Schema) -> Data:
    """Read the training set and the holdout from data/features.parquet and data/table.parquet."""
    table = pq.read_table(paths.FEATURES)
    is_holdout = pc.equal(table.column(SIDE), HOLDOUT)
    columns = [c.name for c in schema.columns if c.role not in ("target", "key")]
    return Data(
        schema,
        read_rows(table.filter(pc.invert(is_holdout)), schema),
        read_rows(table.filter(is_holdout), schema),
        pq.read_table(paths.TABLE, columns=columns).filter(is_holdout),
        is_holdout.to_numpy(),
    )


def predict_holdout(p: Params, model: FittedModel, data: Data) -> dict[str, Outcome]:
    """Fit the baselines and return the outcomes of "model", "linear" and "trivial" on the holdout."""
    models = {"model": model}
    for name, settings in baseline_settings(p.review.metric, data.schema.task).items():
        models[name] = _fit_settings(data.train, data.schema, settings, p.review.metric)
    truth = data.holdout[TARGET].to_numpy()
    return {name: make_outcome(entry, truth, predict_scores(entry, data.holdout)) for name, entry in models.items()}


def _fit_settings(train: pd.DataFrame, schema: Schema, settings: Model, metric: str) -> FittedModel:
    """Fit a model that is not the project's own: neither the seed nor build() is the user's."""
    return fit(train, schema, settings, default, metric=metric, seed=0)


def choose_slices(p: Params, model: Outcome, data: Data, findings: Findings) -> list[str]:
    """Choose the columns by whose levels the holdout is sliced."""
    columns = choose_columns(p.evaluate.slices, data.schema, data.source, _single_score(model))
    reason = "auto" if p.evaluate.slices == "auto" else "as params say"
    findings.add(Kind.SLICES, f"{', '.join(map(repr, columns)) or 'none'} ({reason})")
    return columns


def _single_score(model: Outcome) -> np.ndarray:
    if model.task == "regression":
        return model.scores
    scores: np.ndarray = model.scores[:, model.positive] if model.task == "binary" else model.scores.max(axis=1)
    return scores


def read_design(source: str, findings: Findings) -> design.Answers:
    """Read the answers of docs/project.yaml for this table; a finding where the file is about another table."""
    answers, tables = design.read_answers(source), design.read_tables()
    if not includes(tables, source):
        findings.add(Kind.SCOPE, explain_omission(paths.DESIGN, tables, source, design.TABLE_HINT), Severity.WARNING)
    return answers


def check_behaviour(predictor: Predictor, data: Data, source: str, findings: Findings) -> None:
    """Check the behaviours in expectations/behaviour.yaml on the raw rows of the holdout."""
    path = Path(paths.BEHAVIOUR)
    behaviours = behaviour.read_behaviours(path, predictor.schema, source)
    tables = behaviour.read_tables(path)
    if not includes(tables, source):
        message = explain_omission(paths.BEHAVIOUR, tables, source, behaviour.TABLE_HINT)
        findings.add(Kind.SCOPE, message, Severity.WARNING)
    rows = data.source.select([*predictor.types])
    for entry in behaviours:
        violations, count = behaviour.count_violations(entry, predictor, rows)
        severity = Severity.NOTE if violations <= entry.allowed * count else Severity.WARNING
        evidence = f"{entry.name}: {violations} of {count} rows violate it, allowed {entry.allowed:g} of them"
        findings.add(Kind.BEHAVIOUR, evidence, severity, rows=count, violations=violations)
    if not behaviours:
        findings.add(Kind.BEHAVIOUR, f"{paths.BEHAVIOUR} has none")


def measure_holdout(
    p: Params, model: FittedModel, outcomes: Mapping[str, Outcome], data: Data, columns: list[str], findings: Findings
) -> Measurements:
    """Measure the model and the baselines, and judge the model.

    Parameters
    ----------
    p : Params
    model : FittedModel
    outcomes : mapping of str to Outcome
        As `predict_holdout` returns them.
    data : Data
    columns : list of str
        By which the holdout is sliced.
    findings : Findings
        Gets the comparisons with the baselines, the requirements and the weak slices.
    """
    metrics = _measure(p, outcomes, data, columns)
    _judge(p, metrics, data.schema.task, findings)
    result, weight = outcomes["model"], data.weight
    fit_rows = partial(_fit_settings, schema=data.schema, settings=model_settings(), metric=p.review.metric)
    return Measurements(
        performance=Performance(
            _facts(model, data), {name: values.estimates() for name, values in metrics.models.items()}
        ),
        slices=[SliceMetrics.of(slice_, values) for slice_, values in metrics.slices],
        weak_slices=_search_weak_slices(result, data, findings),
        fairness=measure_fairness(metrics.groups),
        ranking=ranking_curve(result, weight),
        calibration=calibration_curve(result, weight),
        errors=analyse_errors(result, weight, p.requirements.costs),
        explanations=explain_model(model, data.holdout, data.train, fit_rows),
    )


def _judge(p: Params, metrics: HoldoutMetrics, task: str, findings: Findings) -> None:
    """Compare the model with the baselines and with the requirements."""
    model = metrics.models["model"]
    # Metrics of the user's choice: the first compares with the baselines.
    main = main_metric(p.review.metric, task) if p.evaluate.metrics == "auto" else next(iter(model.values))
    compare_with_baselines(metrics.models, main, findings)
    for judgement in judge_requirements(p.requirements.floors, p.requirements.must_work, model, metrics.slices):
        severity = Severity.NOTE if judgement.is_met else Severity.WARNING
        findings.add(Kind.REQUIREMENT, judgement.evidence, severity, met=judgement.is_met)


def _measure(p: Params, outcomes: Mapping[str, Outcome], data: Data, columns: list[str]) -> HoldoutMetrics:
    schema, source = data.schema, data.source
    must_work = required_columns(p.requirements.must_work, source.column_names)
    return measure_outcomes(
        outcomes,
        resolve_metrics(p.evaluate.metrics, schema.task),
        cut_slices([*dict.fromkeys([*columns, *must_work])], schema, source),
        cut_slices([c.name for c in schema.columns if c.role == "protected"], schema, source),
        weight=data.weight,
        group=data.group,
        draws=p.evaluate.bootstrap,
    )


def _facts(model: FittedModel, data: Data) -> Facts:
    is_binary = data.schema.task == "binary"
    return Facts(
        data.schema.task,
        type(model.estimator).__name__,
        len(data.train),
        len(data.holdout),
        positive=str(data.schema.positive) if is_binary else None,
        threshold=model.threshold if is_binary else None,
    )


def _search_weak_slices(model: Outcome, data: Data, findings: Findings) -> list[WeakSlice]:
    types = {column.name: column.type for column in data.schema.inputs}
    slices = find_weak_slices(to_frame(data.source, types), types, model, data.group)
    for slice_ in slices:
        numbers = f"loss {short(slice_.loss.value)}, elsewhere {short(slice_.loss_elsewhere)}"
        evidence = f"{slice_.conditions}: {numbers} (p {short(slice_.p_value)})"
        findings.add(Kind.WEAK_SLICE, evidence, Severity.WARNING, rows=slice_.rows)
    if not slices:
        reason = "none is confirmed" if len(model.truth) >= MIN_ROWS else f"fewer than {MIN_ROWS} rows to search in"
        findings.add(Kind.WEAK_SLICE, reason)
    return slices


def write_predictions(model: FittedModel, result: Outcome, data: Data, columns: list[str]) -> None:
    """Write data/predictions.parquet: a row for each row of the holdout, with the columns of the slices."""
    classes = data.schema.classes
    truth = result.truth if data.schema.task == "regression" else [classes[code] for code in result.truth]
    table = pa.table({"key": data.holdout[KEY], "truth": truth} | prediction_columns(model, result.scores))
    for name in columns:
        table = table.append_column(f"slice: {name}", data.source.column(name))
    with replacing(paths.PREDICTIONS) as path:
        pq.write_table(table.replace_schema_metadata(), path)


def write_report(
    p: Params, measurements: Measurements, result: Outcome, data: Data, answers: design.Answers, findings: Findings
) -> None:
    """Write data/report.html from the measurements and the findings of this and the earlier stages."""
    worst_rows = list_worst_rows(result, data.holdout[KEY].to_numpy(), data.is_holdout)
    (description,) = params.read_project(*PROJECT) if includes(design.read_tables(), p.data.source) else ("",)
    page = render_page(
        measurements.round(),
        data.schema,
        findings.entries,
        answers,
        worst_rows=worst_rows,
        show_values=p.data.show_values,
        description=description,
    )
    write_text(paths.REPORT, page)
