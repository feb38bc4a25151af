"""Print the metrics of the last run as a table for the terminal."""

from plumbline.evaluation.advice import BASELINES
from plumbline.evaluation.performance import Performance
from plumbline.findings import read_findings
from plumbline.formatting import short


def print_metrics() -> None:
    """Print each metric of the model with its interval, and beside it those of the two baselines.

    The metrics are those that evaluate has written below the working directory.
    """
    performance = Performance.read()
    facts = performance.facts
    rows = f"{facts.rows_train} training rows, {facts.rows_holdout} holdout rows"
    print(f"\n{facts.estimator}, {facts.task}: {rows}")
    model, linear, trivial = (performance.models[name] for name in ("model", "linear", "trivial"))
    width = max(map(len, model))
    print(f"\n{'':{width}}  {'model':>9}  {'95 % interval':^19}  {'linear':>9}  {'trivial':>9}")
    for name, estimate in model.items():
        interval = f"{short(estimate.low)} to {short(estimate.high)}"
        values = [f"{short(metrics[name].value):>9}" for metrics in (model, linear, trivial)]
        print(f"{name:{width}}  {values[0]}  {interval:^19}  {values[1]}  {values[2]}")
    comparisons = [finding.evidence for finding in read_findings("evaluate") if finding.kind in BASELINES.values()]
    print("", *comparisons, sep="\n")
