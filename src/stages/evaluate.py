"""evaluate: model and holdout -> metrics with intervals beside two yardsticks, slices, curves, predictions."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import names, params
from src.checks import Findings, run, short, write_json
from src.learning.columns import default
from src.learning.curves import calibration, ranking
from src.learning.fairness import MEASURES, fairness
from src.learning.folds import outcome
from src.learning.metrics import Outcome, draws, interval, lower_is_better, measure, prepare, resolve
from src.learning.requirements import columns, judged
from src.learning.rows import load
from src.learning.slices import SMALL, Slice, choose, cut
from src.predictor import prediction
from src.predictor.modelfile import loads
from src.predictor.prediction import scores
from src.predictor.schema import Schema
from src.predictor.tables import replacing
from src.recipe import fit

PARAMS = ("evaluate.metrics", "evaluate.slices", "evaluate.bootstrap", "requirements.floors", "requirements.must_work")
CLASSIFICATION: dict[str, tuple[str, dict]] = {
    "linear": ("sklearn.linear_model.LogisticRegression", {"max_iter": 1000}),
    "trivial": ("sklearn.dummy.DummyClassifier", {"strategy": "prior"}),
}
REGRESSION: dict[str, tuple[str, dict]] = {
    "linear": ("sklearn.linear_model.Ridge", {}),
    "trivial": ("sklearn.dummy.DummyRegressor", {"strategy": "median"}),
}


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

    chosen = resolve(p.metrics, schema.task)
    truth = rows[names.TARGET].to_numpy()
    models = {"model": model} | yardsticks(train, schema)
    outcomes = {name: outcome(one, truth, scores(one, rows)) for name, one in models.items()}
    by = choose(p.slices, schema, source, _one_score(outcomes["model"]))
    slices = cut([*dict.fromkeys([*by, *columns(p.must_work, source.column_names)])], schema, source)
    findings.add(
        "slices", f"{', '.join(map(repr, by)) or 'none'} ({'auto' if p.slices == 'auto' else 'as params say'})"
    )
    weight = rows[names.WEIGHT].to_numpy(dtype=float) if names.WEIGHT in rows else np.ones(len(rows))
    group = rows[names.GROUP].to_numpy() if names.GROUP in rows else None
    parts = _prepared(outcomes, slices, chosen)
    protected = cut([c.name for c in schema.columns if c.role == "protected"], schema, source)
    groups = {("group", number): part for number, part in enumerate(protected)}
    parts |= {
        key: (part.rows, prepare(MEASURES[schema.task], outcomes["model"].part(part.rows)))
        for key, part in groups.items()
    }
    values = {
        key: {name: float(v[0]) for name, v in part.items()} for key, part in measure(parts, [weight[None]]).items()
    }
    drawn = measure(parts, draws(len(rows), p.bootstrap, weight, group))
    _judge(values, drawn, chosen[0], findings)
    for words, met in judged(p.floors, p.must_work, slices, values, drawn):
        findings.add("requirement", words, "note" if met else "warning", met=met)

    facts = {
        "task": schema.task,
        "estimator": type(model["pipeline"].steps[-1][1]).__name__,
        "rows_train": len(train),
        "rows_holdout": len(rows),
    }
    if schema.task == "binary":
        facts |= {"positive": str(schema.positive), "threshold": model["threshold"]}
    write_json(names.METRICS, facts | values["model"])
    write_json(names.LINEAR, values["linear"])
    write_json(names.TRIVIAL, values["trivial"])
    write_json(names.INTERVALS, {name: {part: interval(drawn[part][name]) for part in outcomes} for name in chosen})
    write_json(names.SLICES, [_slice(part, values[i], drawn[i]) for i, part in enumerate(slices)])
    write_json(names.FAIRNESS, fairness(groups, values, drawn))
    write_json(names.RANKING, ranking(outcomes["model"], weight))
    write_json(names.CALIBRATION, calibration(outcomes["model"], weight))
    _write_predictions(model, outcomes["model"], rows, source.select(by), schema)
    findings.write()


def yardsticks(train: pd.DataFrame, schema: Schema) -> dict[str, dict[str, Any]]:
    """What the model must beat, fitted on the same rows: a plain linear model, and the class shares or the median."""
    return {
        name: fit(train, schema, SimpleNamespace(estimator=estimator, arguments=given, threshold=0.5), 0, default)
        for name, (estimator, given) in (REGRESSION if schema.task == "regression" else CLASSIFICATION).items()
    }


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
    """Is the model clearly better than each yardstick, by the paired difference of the first metric?"""
    sign = 1 if lower_is_better(name) else -1
    for yardstick in ("trivial", "linear"):
        gain = sign * (values[yardstick][name] - values["model"][name])
        low, high = interval(sign * (drawn[yardstick][name] - drawn["model"][name]))
        size = f"{'better' if gain >= 0 else 'worse'} by {short(abs(gain))}"
        ends = (low, high) if gain >= 0 else (-high, -low)
        words = "clearly beats" if low > 0 else "is clearly worse than" if high < 0 else "does not clearly beat"
        findings.add(
            f"against the {yardstick} model",
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
