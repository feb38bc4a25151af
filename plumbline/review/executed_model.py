"""Whether the model of the committed run is as good as those that a review fits by the same recipe.

A review judges models with seeds and training sets of its own. Code can tell these from the run that is committed, by
the seed or by the number of rows, and that run makes the model that is deployed.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from plumbline.formatting import short
from plumbline.review.decide import Criterion
from plumbline.review.predictions import Predictions
from plumbline.review.verdict import MIN_GROUPS

MIN_ROWS = 30  # fewer than for a verdict: a holdout is a part of the table, and a small harm is not looked for
CHANCE = 0.01  # that an honest model, whose seed is one of many, is called worse
SLACK = 2  # margins, of which half counts: the committed run trains on other rows than a review
SCORES, POSITIONS = "scores", "positions"  # arrays in the file of package_worker.py


@dataclass(frozen=True)
class Replicas:
    """Head's models in a review.

    Attributes
    ----------
    predictions : Predictions
        Of the rows of head's table.
    criterion : Criterion
        What they are compared by.
    """

    predictions: Predictions
    criterion: Criterion


def find_worse_model(replicas: Replicas, file: Path) -> str | None:
    """Return how the model of the committed run is worse than the replicas, as a sentence; None where it is not.

    Parameters
    ----------
    replicas : Replicas
    file : Path
        What package_worker.py wrote: the scores of the holdout, and where its rows are.

    Returns
    -------
    str or None
        A sentence where it is worse than their mean by more than the margin, clearly so for the rows (see
        `compare_paired`) and for the seeds: below the prediction interval of one more replica.
    """
    try:
        arrays = dict(np.load(file, allow_pickle=False))
    except (OSError, ValueError):
        return None
    criterion, predictions = replicas.criterion, replicas.predictions
    rows = criterion.rows.take(np.flatnonzero(np.isin(criterion.rows.positions, arrays[POSITIONS])))
    if len(rows) < MIN_ROWS or (rows.group is not None and len(np.unique(rows.group)) < MIN_GROUPS):
        return None
    scores = np.full((1, *predictions.scores.shape[1:]), np.nan)
    scores[0, arrays[POSITIONS]] = arrays[SCORES]
    model = replace(predictions, scores=scores)
    verdict = replace(criterion, margin=SLACK * criterion.margin).compare(predictions, model, rows)
    values, value = criterion.estimate(predictions, rows).values, float(criterion.estimate(model, rows).mean)
    count = len(values)
    spread = float(values.std(ddof=1)) * np.sqrt(1 + 1 / count)
    lowest = float(values.mean()) - criterion.margin - float(stats.t.ppf(1 - CHANCE, count - 1)) * spread
    if verdict.word != "worse" or value >= lowest:
        return None
    numbers = f"{short(-value)} and {short(-float(values.mean()))} on {len(rows)} rows of the holdout"
    return f"the packaged model is worse than those that a review fits by the same recipe: {criterion.metric} {numbers}"
