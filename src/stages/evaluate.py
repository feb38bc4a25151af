"""evaluate: model and holdout -> metrics with intervals beside two baselines, slices, curves, predictions."""

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.findings import Findings
from plumbline.pipeline import evaluate
from plumbline.pipeline.stage import run
from plumbline.prediction import modelfile
from plumbline.prediction.predictor import Predictor

PARAMS = (
    "evaluate.metrics",
    "evaluate.slices",
    "evaluate.bootstrap",
    "requirements.floors",
    "requirements.must_work",
    "requirements.costs",
    "data.show_values",
    "data.source",
    "review.metric",
)


def main() -> None:
    p, findings, schema = params.read(*PARAMS), Findings("evaluate"), Schema.read(paths.SCHEMA)
    from src import features, model  # in here: run() says in one line what your files raise

    fitted, data = modelfile.read(paths.MODEL, [features, model]), evaluate.read_data(schema)
    outcomes = evaluate.predict_holdout(p, fitted, data)
    columns = evaluate.choose_slices(p, outcomes["model"], data, findings)
    answers = evaluate.read_design(p.data.source, findings)
    evaluate.check_behaviour(Predictor(fitted, schema, features.features), data, p.data.source, findings)
    measurements = evaluate.measure_holdout(p, fitted, outcomes, data, columns, findings)
    measurements.write()
    evaluate.write_predictions(fitted, outcomes["model"], data, columns)
    findings.write()
    evaluate.write_report(p, measurements, outcomes["model"], data, answers, findings)


if __name__ == "__main__":
    run("evaluate", main)
