"""Whether the data or the recipe changed the model, where both differ: base's recipe learns from head's data.

Of the four combinations of two recipes and two tables three are enough: from base to the mixed one the data changes,
from there to head the recipe does, and the two effects add up to the whole. Where base's recipe does not run on head's
data, head's recipe on base's data is the mixed one.
"""

import numpy as np

from plumbline.formatting import short
from plumbline.review.commits import SideError
from plumbline.review.decide import Criterion
from plumbline.review.predictions import Design, Predictions, predict
from plumbline.review.result.changes import Attribution
from plumbline.review.result.comparison import Verdict
from plumbline.review.sides import Side


def attribute_change(
    criterion: Criterion, predictions: dict[Side, Predictions], base: Side, head: Side, design: Design
) -> Attribution | None:
    """Separate the effects of data and recipe, each with a verdict of its own.

    Parameters
    ----------
    criterion : Criterion
        The one behind the verdict.
    predictions : dict of Side to Predictions
        Those of base and head.
    base, head : Side
    design : Design

    Returns
    -------
    Attribution or None
        None where only one of the two changed.
    """
    if base.source.suffix != head.source.suffix:
        return None
    for recipe, data in ((base, head), (head, base)):
        mixed = Side(f"{recipe.name} on {data.name}'s data", recipe.commit, data)
        if mixed.recipe_digest() in (base.recipe_digest(), head.recipe_digest()):
            return None
        try:
            mixed.prepare()
            mixed_predictions = predict(mixed, head, design)
        except SideError as error:
            if error.side != mixed.name:
                raise
            continue
        if np.array_equal(mixed_predictions.units, predictions[head].units):
            sides = predictions[base], mixed_predictions, predictions[head]
            return _separate_effects(criterion, *sides, is_data_first=recipe is base)
    sentence = "neither recipe runs on the other's data, so the effects of data and recipe cannot be separated"
    return Attribution(sentence=sentence)


def _separate_effects(
    criterion: Criterion, base: Predictions, mixed: Predictions, head: Predictions, *, is_data_first: bool
) -> Attribution:
    rows = criterion.rows.take(np.flatnonzero(mixed.is_complete[criterion.rows.positions]))
    first, second = criterion.compare(base, mixed, rows), criterion.compare(mixed, head, rows)
    data, code = (first, second) if is_data_first else (second, first)
    clauses = [
        _describe_effect(name, verdict, criterion.metric)
        for name, verdict in (("the data", data), ("code and parameters", code))
    ]
    return Attribution(sentence="; ".join(clauses), data=data, code=code)


def _describe_effect(name: str, verdict: Verdict, metric: str) -> str:
    if verdict.word == "same":
        return f"{name} made no difference that matters"
    if verdict.word == "cannot tell":
        return f"the effect of {name} is inconclusive"
    return f"{name} made it {verdict.word}, by {short(abs(verdict.difference))} of {metric}"
