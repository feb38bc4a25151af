"""Whether metrics/metrics.json says what base's code measures of head's predictions.

The file is written by head's code, and running that again gives the same file: only another evaluator can tell that it
is not true.
"""

import json
import math
from pathlib import Path

import numpy as np

from plumbline import paths
from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError
from plumbline.formatting import short
from plumbline.metrics import AUTO, prepare
from plumbline.outcome import Outcome
from plumbline.process import git
from plumbline.review.settings import read_names
from plumbline.review.sides import Side

TOLERANCE = 1e-3  # relative or absolute: another processor moves less, and what a reader sees is not finer
SCORES, TRUTH, WEIGHT = "scores", "target", "weight"  # arrays in the file of package_worker.py


def find_false_metric(head: Side, file: Path) -> str | None:
    """Return the first metric of the committed file that base's code does not measure, as a sentence.

    Parameters
    ----------
    head : Side
        Prepared.
    file : Path
        What package_worker.py wrote: scores, truth and weights of head's holdout.

    Returns
    -------
    str or None
        None where all agree, and where there is no file to compare.
    """
    try:
        content = json.loads(git("show", f"{head.commit}:{paths.METRICS}"))
        arrays = dict(np.load(file, allow_pickle=False))
    except (PlumblineError, OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return f"{paths.METRICS} has no metrics"
    schema = head.schema
    threshold = head.params_or_none.get("model.threshold", content.get("threshold"))
    threshold = content.get("threshold") if threshold == "auto" else threshold
    outcome = _make_outcome(schema, arrays[SCORES], arrays[TRUTH], threshold)
    required_names = read_names(head, "evaluate.metrics") or AUTO[schema.task]
    names = [name for name in AUTO[schema.task] if name in required_names or name in content]
    if missing := [name for name in names if name not in content]:
        return f"{paths.METRICS} has no {missing[0]}, which evaluate measures"
    weight = arrays.get(WEIGHT, np.ones(len(outcome.truth)))
    for name, values in prepare(names, outcome)(weight[None].astype(float)).items():
        if not _agrees(content[name], value := float(values[0])):
            committed = short(content[name]) if isinstance(content[name], int | float) else "no number"
            return f"{paths.METRICS} says {name} {committed}, and base's code measures {short(value)}"
    return None


def _make_outcome(schema: Schema, scores: np.ndarray, truth: np.ndarray, threshold: object) -> Outcome:
    """Return the outcome; a threshold that `train` chose is that of the file."""
    if schema.task == "regression":
        return Outcome("regression", truth, scores, scores)
    if schema.task != "binary":
        return Outcome(schema.task, truth, scores, scores.argmax(axis=1), 1, tuple(schema.classes))
    positive = list(schema.classes).index(schema.positive)
    limit = threshold if isinstance(threshold, int | float) else 0.5
    predictions = np.where(scores[:, positive] >= limit, positive, 1 - positive)
    return Outcome("binary", truth, scores, predictions, positive, tuple(schema.classes))


def _agrees(committed: object, value: float) -> bool:
    if committed is None or not isinstance(committed, int | float) or isinstance(committed, bool):
        return committed is None and math.isnan(value)
    return math.isclose(committed, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
