"""Stage featurize: assign each row to a side of the split, compute its features, and look for leakage."""

from plumbline import params, paths
from plumbline.data.schema import Schema
from plumbline.files import replacing
from plumbline.findings import Findings
from plumbline.pipeline import featurize
from plumbline.pipeline.stage import run

PARAMS = ("split.holdout", "split.salt", "split.cut", "data.allow")


def main() -> None:
    """Run the stage."""
    p, findings, schema = params.read(*PARAMS), Findings("featurize"), Schema.read(paths.SCHEMA)
    holdout = featurize.assign_sides(schema, p.split, findings)
    from src.features import features  # imported here, so that run() reports an error in your file as one line

    leaks = featurize.find_impurity(features, schema)
    with replacing(paths.FEATURES) as path:
        sample = featurize.write_features(path, schema, holdout, features)
        leaks += featurize.find_leaks(sample, path, schema, p.split.cut, holdout)
        featurize.report_leaks(leaks, p.data.allow, sample, schema, findings)
    findings.write()


if __name__ == "__main__":
    run("featurize", main)
