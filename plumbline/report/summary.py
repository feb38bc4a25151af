"""Print the metrics of the last run as a table for the terminal."""

import json
from pathlib import Path
from typing import Any

from plumbline import paths
from plumbline.evaluation.advice import BASELINES
from plumbline.findings import read_findings
from plumbline.formatting import short


def print_metrics() -> None:
    """Print each metric of the model with its interval, and beside it those of the two baselines.

    The metrics are those that evaluate has written below the working directory.
    """
    model, linear, trivial, intervals = map(_read_json, (paths.METRICS, paths.LINEAR, paths.TRIVIAL, paths.INTERVALS))
    rows = f"{model['rows_train']} training rows, {model['rows_holdout']} holdout rows"
    print(f"\n{model['estimator']}, {model['task']}: {rows}")
    width = max(map(len, intervals))
    print(f"\n{'':{width}}  {'model':>9}  {'95 % interval':^19}  {'linear':>9}  {'trivial':>9}")
    for name, interval in intervals.items():
        low, high = map(short, interval["model"])
        values = [f"{short(metrics[name]):>9}" for metrics in (model, linear, trivial)]
        print(f"{name:{width}}  {values[0]}  {f'{low} to {high}':^19}  {values[1]}  {values[2]}")
    comparisons = [finding.evidence for finding in read_findings("evaluate") if finding.kind in BASELINES.values()]
    print("", *comparisons, sep="\n")


def _read_json(path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content
