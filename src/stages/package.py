"""package: model, schema and your two files -> one wheel that predicts from raw rows, and the model card."""

import shutil

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.files import write_text
from plumbline.findings import Findings
from plumbline.pipeline import package
from plumbline.pipeline.stage import run
from plumbline.prediction import modelfile
from plumbline.prediction.predictor import Predictor

PARAMS = ("data.source", "requirements.latency", "requirements.size")


def main() -> None:
    p, findings, schema = params.read(*PARAMS), Findings("package"), Schema.read(paths.SCHEMA)
    from src import features, model  # in here: run() says in one line what your files raise

    shutil.rmtree(paths.DIST, ignore_errors=True)
    project = package.read_project(p.data.source, schema, findings)
    fitted = modelfile.read(paths.MODEL, [features, model])
    content = modelfile.dumps(fitted, {"src": project.module, "plumbline": project.module})
    card = package.make_card(p, project, schema, content)
    package.write_package(project, content, Predictor(fitted, schema, features.features), card, findings)
    write_text(paths.CARD, card)
    findings.write()


if __name__ == "__main__":
    run("package", main)
