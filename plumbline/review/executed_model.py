"""Whether the model of the committed run is as good as others by the same recipe.

A review judges models with seeds and training sets of its own. Code can tell these from the run that is committed, by
the seed or by the number of rows, and that run makes the model that is deployed. So the model that it makes is held
against one of the same rows but one and another seed, and against the replicas where these learn from about as many.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from plumbline.formatting import short
from plumbline.review.decide import Criterion
from plumbline.review.predictions import Predictions, Rows
from plumbline.review.verdict import MIN_GROUPS

MIN_ROWS = 30  # fewer than for a verdict: a holdout is a part of the table, and a small harm is not looked for
CHANCE = 0.01  # that an honest model, whose seed is one of many, is called worse
SLACK = 2  # margins, of which half counts in a verdict
MIN_SHARE = 0.9  # of the rows that a replica learns from
SCORES, OTHER_SCORES, POSITIONS = "scores", "other_scores", "positions"  # arrays in the file of package_worker.py


@dataclass(frozen=True)
class Replicas:
    """Head's models in a review.

    Attributes
    ----------
    predictions : Predictions
        Of the rows of head's table.
    criterion : Criterion
        What they are compared by.
    share : float
        Of the table, how much each learns from.
    slices : mapping of str to Rows
        The slices that must work.
    """

    predictions: Predictions
    criterion: Criterion
    share: float
    slices: Mapping[str, Rows]


def find_worse_model(replicas: Replicas, file: Path) -> str | None:
    """Return how the model of the committed run is worse than others by its recipe, as a sentence; None if it is not.

    Parameters
    ----------
    replicas : Replicas
    file : Path
        What package_worker.py wrote: the scores of the holdout by both models, and where its rows are.

    Returns
    -------
    str or None
        A sentence where it is worse by more than the margin, clearly so for the rows (see `compare_paired`) and for the
        seeds: below the prediction interval of one more model. Slices that must work are compared, too.
    """
    try:
        arrays = dict(np.load(file, allow_pickle=False))
    except (OSError, ValueError):
        return None
    predictions, positions = replicas.predictions, arrays[POSITIONS]
    model, other_model = (_place(predictions, arrays[name], positions) for name in (SCORES, OTHER_SCORES))
    references = [other_model]
    if 1 - len(positions) / predictions.scores.shape[1] >= MIN_SHARE * replicas.share:
        references.append(predictions)
    for label, rows in {"": replicas.criterion.rows, **replicas.slices}.items():
        inside = rows.take(np.flatnonzero(np.isin(rows.positions, positions)))
        if len(inside) < MIN_ROWS or (inside.group is not None and len(np.unique(inside.group)) < MIN_GROUPS):
            continue
        if numbers := next(_find_worse(replicas, references, model, inside), None):
            total = f"{len(inside)} rows of the holdout{f' where {label}' if label else ''}"
            return f"the packaged model is worse than others by the same recipe: {numbers} on {total}"
    return None


def _place(predictions: Predictions, scores: np.ndarray, positions: np.ndarray) -> Predictions:
    """Return the scores of the holdout as one replica."""
    values = np.full((1, *predictions.scores.shape[1:]), np.nan)
    values[0, positions] = scores
    return replace(predictions, scores=values)


def _find_worse(replicas: Replicas, references: list[Predictions], model: Predictions, rows: Rows) -> Iterator[str]:
    criterion = replicas.criterion
    values, value = (criterion.estimate(predictions, rows).values for predictions in (replicas.predictions, model))
    quantile = float(stats.t.ppf(1 - CHANCE, len(values) - 1)) * float(values.std(ddof=1))
    for reference in references:
        verdict = replace(criterion, margin=SLACK * criterion.margin).compare(reference, model, rows)
        means = criterion.estimate(reference, rows).values
        lowest = float(means.mean()) - criterion.margin - quantile * np.sqrt(1 + 1 / len(means))
        if verdict.word == "worse" and value[0] < lowest:
            yield f"{criterion.metric} {short(-float(value[0]))} and {short(-float(means.mean()))}"
