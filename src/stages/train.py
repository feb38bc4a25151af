"""train: the training set -> out-of-fold predictions, the threshold, the model fitted on all of it."""

from dataclasses import replace

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.findings import Findings, Kind
from plumbline.pipeline import train
from plumbline.pipeline.stage import run

PARAMS = ("model.estimator", "model.arguments", "model.seed", "model.folds", "model.threshold", "review.metric")


def main() -> None:
    p, findings, schema = params.read(*PARAMS), Findings("train"), Schema.read(paths.SCHEMA)
    from src import model  # here, so that run() reports in one line what your file raises

    rows, fit = train.read_training_set(schema), train.bind_fit(schema, p, model.build)
    train.check_types(rows, schema, p, fit, model)
    scores = train.predict_folds(rows, schema, p, fit, findings)
    fitted = fit(rows)
    if schema.task == "binary" and p.model.threshold == "auto":
        fitted = replace(fitted, threshold=train.choose_threshold(rows, scores, schema, findings))
    size = train.write_model(fitted, model)
    description, features = train.describe_estimator(p.model.estimator, fitted), len(fitted.types)
    findings.add(Kind.ESTIMATOR, description, rows=len(rows), features=features, bytes=size)
    findings.write()


if __name__ == "__main__":
    run("train", main)
