"""The paths of the files that the stages read and write; a test holds dvc.yaml equal to them."""

from pathlib import PurePosixPath

PARAMS = "params.yaml"
PROJECT = "pyproject.toml"
DESIGN = "docs/project.yaml"  # what people say; params.yaml has what a machine acts on
VERSIONS = "src/versions.json"
EXPECTATIONS = "expectations"
BEHAVIOUR = "expectations/behaviour.yaml"
PACKED = (".gz", ".bz2", ".xz", ".zst")

TABLE = "data/table.parquet"  # ingest: every source row, typed
SCHEMA = "data/schema.json"
FEATURES = "data/features.parquet"  # featurize: one row for each row of TABLE, in its order
MODEL = "data/model.skops"
PREDICTIONS = "data/predictions.parquet"  # evaluate: the holdout, row by row
METRICS = "metrics/metrics.json"
LINEAR = "metrics/baseline-linear.json"
TRIVIAL = "metrics/baseline-trivial.json"
INTERVALS = "metrics/intervals.json"
SLICES = "metrics/slices.json"  # with weak slices and fairness
CURVES = "metrics/curves.json"  # dvc.yaml names its fields for `dvc plots`
DIAGNOSTICS = "metrics/diagnostics.json"  # errors and explanations
REPORT = "data/report.html"  # evaluate: for people; in the cache, not in git
CARD = "metrics/model-card.md"
DIST = "dist"  # package: the wheel


def checks(stage: str) -> str:
    """Return the path of the findings of a stage."""
    return f"metrics/checks-{stage}.json"


def suite(source: str) -> str:
    """Return the path of the expectation suite of a source: NAME.json for NAME.csv, NAME.csv.gz and a folder NAME.

    Examples
    --------
    >>> suite("data/source/orders.csv.gz")
    'expectations/orders.json'
    """
    path = PurePosixPath(source)
    return f"{EXPECTATIONS}/{(path.with_suffix('') if path.suffix in PACKED else path).stem}.json"
