"""What is required of the model, held against what was measured."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from plumbline.errors import PlumblineError
from plumbline.evaluation.slices import SMALL, Slice
from plumbline.formatting import short
from plumbline.metrics import interval, lower_is_better
from plumbline.params import suggest


def columns(must_work: list[str], known: list[str]) -> list[str]:
    """The columns of slices that must work, given as COLUMN = LEVEL; `judged` refuses what is not known."""
    return [name for wanted in must_work if (name := wanted.rpartition(" = ")[0]) in known]


def judged(
    floors: dict[str, float],
    must_work: list[str],
    slices: list[Slice],
    values: dict[Any, dict[str, float]],
    drawn: dict[Any, dict[str, np.ndarray]],
) -> Iterator[tuple[str, bool]]:
    """For each floor, overall and in each slice that must work: evidence in words, and whether it is met.

    values, drawn: of each metric as `measure` gives them, under "model" and the numbers of the slices. A slice of fewer
    than SMALL rows is not judged, which is not met.
    """
    if must_work and not floors:
        yield f"{', '.join(must_work)} must work, and requirements.floors says of no metric how well: NOT JUDGED", False
    known = {f"{part.column} = {part.level}": number for number, part in enumerate(slices)}
    for wanted in must_work:
        if wanted not in known:
            raise PlumblineError(
                f"params.yaml: requirements.must_work has {wanted!r}, found no such slice in the holdout",
                hint=suggest(wanted, known) or "metrics/slices.json of the last run lists what can be named",
            )
    for name, floor in floors.items():
        if name not in values["model"]:
            raise PlumblineError(
                f"params.yaml: requirements.floors has {name!r}, expected one of {', '.join(values['model'])}",
                hint=suggest(name, values["model"]) or "See evaluate.metrics",
            )
        yield _verdict(name, floor, values["model"][name], drawn["model"][name])
        for wanted in must_work:
            what, part, rows = f"{name} where {wanted}", known[wanted], len(slices[known[wanted]].rows)
            if rows < SMALL:
                yield f"{what}: {rows} rows are too few, at least {SMALL}: NOT JUDGED", False
            else:
                yield _verdict(what, floor, values[part][name], drawn[part][name])


def _verdict(what: str, floor: float, value: float, drawn: np.ndarray) -> tuple[str, bool]:
    lower = lower_is_better(what.partition(" ")[0])
    low, high = interval(drawn)
    met = value <= floor if lower else value >= floor
    sure = met and (high <= floor if lower else low >= floor)
    word = "met" if sure else "met, but its interval is not" if met else "NOT MET"
    numbers = f"{short(value)} (95 % interval {short(low)} to {short(high)})"
    return f"{what} {numbers}, at {'most' if lower else 'least'} {short(floor)}: {word}", met
