"""What moved it, where data and recipe both changed: base's recipe learns from head's data, between the two sides.

Of the four cells of two recipes on two tables three are enough: from base to that one the data moved, from there to
head the recipe did, and the two parts add up to the whole. Where base's recipe does not run on head's data, head's on
base's data is the one between.
"""

import numpy as np

from plumbline.formatting import short
from plumbline.review.cells import Cells, Design, fill, place, read
from plumbline.review.decide import Question, Result
from plumbline.review.sides import RECIPE, Failed, Side


def moved(asked: Question, cells: dict[Side, Cells], base: Side, head: Side, plan: Design) -> Result | None:
    """The two parts, each with a word of its own; None where only one of the two changed."""
    if base.source.suffix != head.source.suffix:
        return None
    for recipe, data in ((base, head), (head, base)):
        between = Side(f"{recipe.name} on {data.name}'s data", recipe.commit, data)
        if between.recipe(*RECIPE) in (base.recipe(*RECIPE), head.recipe(*RECIPE)):
            return None
        try:
            between.prepare()
            out = place(between, head, plan)
            fill({between: out}, head, plan)
            found = read(out, plan)
        except Failed as error:
            if error.side != between.name:
                raise
            continue
        if not np.array_equal(found.units, cells[head].units):
            continue
        return _parts(asked, cells[base], found, cells[head], data_first=recipe is base)
    return {
        "sentence": "neither recipe runs on the other's data, so the effects of data and recipe cannot be separated"
    }


def _parts(asked: Question, base: Cells, between: Cells, head: Cells, data_first: bool) -> Result:
    both = np.flatnonzero(between.predicted[asked.rows.at])
    rows = asked.rows.part(both)
    steps = [asked.ask(base, between, rows), asked.ask(between, head, rows)]
    data, code = steps if data_first else reversed(steps)
    told = [_told(what, part, asked.metric) for what, part in (("the data", data), ("code and parameters", code))]
    return {"sentence": "; ".join(told), "data": data, "code": code}


def _told(what: str, part: Result, metric: str) -> str:
    if part["word"] == "same":
        return f"{what} made no difference that matters"
    if part["word"] == "cannot tell":
        return f"the effect of {what} is inconclusive"
    return f"{what} made it {part['word']}, by {short(abs(part['difference']))} of {metric}"
