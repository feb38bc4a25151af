"""train: the training part -> scores of the folds, the threshold, the model fitted on all of it."""

from dataclasses import replace

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.findings import Findings, Kind
from plumbline.pipeline import train
from plumbline.pipeline.stage import run

PARAMS = ("model.estimator", "model.arguments", "model.seed", "model.folds", "model.threshold", "review.metric")


def main() -> None:
    p, findings, schema = params.read(*PARAMS), Findings("train"), Schema.read(paths.SCHEMA)
    from src import model  # in here: run() says in one line what your file raises

    rows, fit = train.read_training_rows(schema), train.fitter(schema, p, model.build)
    train.check_types(rows, schema, p, fit, model)
    unseen = train.cross_validate_recipe(rows, schema, p, fit, findings)
    fitted = fit(rows)
    if schema.task == "binary" and p.model.threshold == "auto":
        threshold = train.choose_threshold(rows, unseen, schema, findings)
        fitted = replace(fitted, threshold=threshold)
    size = train.write_model(fitted, model)
    columns = len(fitted.types)
    findings.add(
        Kind.ESTIMATOR, train.describe(p.model.estimator, fitted), rows=len(rows), features=columns, bytes=size
    )
    findings.write()


if __name__ == "__main__":
    run("train", main)
