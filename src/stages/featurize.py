"""featurize: every typed row -> its features, its key and its side of the split."""

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.files import replacing
from plumbline.findings import Findings
from plumbline.pipeline.featurize import assign_sides, find_impurity, find_leaks, report_leaks, write_features
from plumbline.pipeline.stage import run

PARAMS = ("split.holdout", "split.salt", "split.cut", "data.allow")


def main() -> None:
    p, findings, schema = params.read(*PARAMS), Findings("featurize"), Schema.read(paths.SCHEMA)
    holdout = assign_sides(schema, p, findings)
    from src.features import features  # in here: run() says in one line what your file raises

    leaks = find_impurity(features, schema)
    with replacing(paths.FEATURES) as path:
        sample = write_features(path, schema, holdout, features)
        leaks += find_leaks(sample, path, schema, p.cut, holdout)
        report_leaks(leaks, p.allow, sample, schema, findings)
    findings.write()


if __name__ == "__main__":
    run("featurize", main)
