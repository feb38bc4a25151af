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
from src.checks import Findings, run, write_json
from src.learning.columns import default
from src.learning.curves import calibration, ranking
from src.learning.folds import outcome
from src.learning.metrics import Outcome, draws, interval, lower_is_better, measure, prepare, resolve
from src.learning.rows import load
from src.learning.slices import SMALL, Slice, choose, cut
from src.predictor.modelfile import loads
from src.predictor.prediction import columns, scores
from src.predictor.schema import Schema
from src.predictor.tables import replacing
from src.recipe import fit

PARAMS = ("metrics", "slices", "bootstrap")
LINEAR = {"regression": "sklearn.linear_model.Ridge"}
TRIVIAL = {"regression": ("sklearn.dummy.DummyRegressor", {"strategy": "median"})}


def main() -> None:
    p = params.read(*(f"evaluate.{name}" for name in PARAMS))
    findings = Findings("evaluate")
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    model = loads(Path(names.MODEL).read_bytes(), names.MODEL)
    table = pq.read_table(names.FEATURES)
    held = pc.equal(table.column(names.SIDE), names.HOLDOUT)
    train, rows = load(table.filter(pc.invert(held)), schema), load(table.filter(held), schema)
    source = pq.read_table(
        names.TABLE, columns=[c.name for c in schema.columns if c.role not in ("target", "key")]
    ).filter(held)

    outcomes = {"model": _outcome(model, rows)}
    for yardstick, fitted in yardsticks(train, schema).items():
        print(f"evaluate: the {yardstick} yardstick is fitted", flush=True)
        outcomes[yardstick] = _outcome(fitted, rows)
    chosen = resolve(p.metrics, schema.task)
    by = choose(p.slices, schema, source, _one_score(outcomes["model"]))
    slices = cut(by, schema, source)
    findings.add(
        "slices", f"{', '.join(map(repr, by)) or 'none'} ({'auto' if p.slices == 'auto' else 'as params say'})"
    )
    values, drawn = _measure(outcomes, slices, chosen, rows, p.bootstrap)

    _judge(values, drawn, chosen[0], findings)
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
    write_json(names.SLICES, [_slice(s, values[i], drawn[i]) for i, s in enumerate(slices)])
    write_json(names.RANKING, ranking(outcomes["model"]))
    write_json(names.CALIBRATION, calibration(outcomes["model"]))
    _write_predictions(model, outcomes["model"], rows, source.select(by), schema)
    findings.write()


def yardsticks(train: pd.DataFrame, schema: Schema) -> dict[str, dict[str, Any]]:
    """What the model must beat, fitted on the same rows: a plain linear model, and the class shares or the median."""
    linear = LINEAR.get(schema.task, "sklearn.linear_model.LogisticRegression")
    dummy, arguments = TRIVIAL.get(schema.task, ("sklearn.dummy.DummyClassifier", {"strategy": "prior"}))
    settings = {
        "linear": (linear, {} if schema.task == "regression" else {"max_iter": 1000}),
        "trivial": (dummy, arguments),
    }
    return {
        name: fit(train, schema, SimpleNamespace(estimator=estimator, arguments=given, threshold=0.5), 0, default)
        for name, (estimator, given) in settings.items()
    }


def _outcome(model: dict[str, Any], rows: pd.DataFrame) -> Outcome:
    return outcome(model, rows[names.TARGET].to_numpy(), scores(model, rows))


def _one_score(found: Outcome) -> np.ndarray:
    if found.task == "regression":
        return found.scores
    return found.scores[:, found.positive] if found.task == "binary" else found.scores.max(axis=1)


def _measure(
    outcomes: dict[str, Outcome], slices: list[Slice], chosen: tuple[str, ...], rows: pd.DataFrame, count: int
) -> tuple[dict, dict]:
    """Values on the holdout and over the draws, of the models and (numbered) of the model on each slice."""
    parts: dict[Any, tuple] = {
        part: (None, {name: prepare(name, found) for name in chosen}) for part, found in outcomes.items()
    }
    for i, part in enumerate(slices):
        found = outcomes["model"].part(part.rows)
        parts[i] = (part.rows, {name: prepare(name, found) for name in chosen} if len(part.rows) else {})
    weight, group = (rows[name].to_numpy() if name in rows else None for name in (names.WEIGHT, names.GROUP))
    whole = np.ones((1, len(rows))) if weight is None else weight[None, :].astype(float)
    values = {
        part: {name: float(v[0]) for name, v in found.items()} for part, found in measure(parts, iter([whole])).items()
    }
    return values, measure(parts, draws(len(rows), count, weight, group))


def _judge(values: dict, drawn: dict, name: str, findings: Findings) -> None:
    """Is the model clearly better than each yardstick, by the paired difference of the first metric?"""
    sign = 1 if lower_is_better(name) else -1
    for yardstick in ("trivial", "linear"):
        gain = sign * (values[yardstick][name] - values["model"][name])
        low, high = interval(sign * (drawn[yardstick][name] - drawn["model"][name]))
        clear = low > 0
        words = "clearly beats" if clear else "is clearly worse than" if high < 0 else "does not clearly beat"
        findings.add(
            f"against the {yardstick} model",
            f"the model {words} the {yardstick} one: "
            f"{name} better by {gain:.4g} (95 % interval {low:.4g} to {high:.4g})",
            "warning" if yardstick == "trivial" and not clear else "note",
            gain=gain, low=low, high=high,
        )  # fmt: skip


def _slice(part: Slice, values: dict[str, float], drawn: dict[str, np.ndarray]) -> dict[str, Any]:
    """Each metric of a slice as [value, low, high]."""
    metrics = {name: [value, *interval(drawn[name])] for name, value in values.items()}
    return {
        "column": part.column,
        "level": part.level,
        "rows": len(part.rows),
        "small": len(part.rows) < SMALL,
    } | metrics


def _write_predictions(
    model: dict[str, Any], found: Outcome, rows: pd.DataFrame, slices: pa.Table, schema: Schema
) -> None:
    truth = found.truth if schema.task == "regression" else [schema.classes[code] for code in found.truth]
    made = pa.table({"key": rows[names.KEY], "truth": truth} | columns(model, found.scores))
    for name in slices.column_names:
        made = made.append_column(f"slice: {name}", slices.column(name))
    with replacing(names.PREDICTIONS) as path:
        pq.write_table(made.replace_schema_metadata(), path)


if __name__ == "__main__":
    run(main)
