"""What is required of the model, held against what was measured."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from src.checks import short
from src.learning.metrics import interval, lower_is_better
from src.learning.slices import Slice
from src.params import nearest
from src.predictor.refusal import Refusal


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

    values, drawn: of each metric as `measure` gives them, under "model" and the numbers of the slices.
    """
    known = {f"{part.column} = {part.level}": number for number, part in enumerate(slices)}
    for wanted in must_work:
        if wanted not in known:
            raise Refusal(
                f"params.yaml: requirements.must_work has {wanted!r}, found no such slice in the holdout"
                f"{nearest(wanted, known) or '. metrics/slices.json of the last run lists what can be named'}"
            )
    for name, floor in floors.items():
        if name not in values["model"]:
            raise Refusal(
                f"params.yaml: requirements.floors has {name!r}, expected one of "
                f"{', '.join(values['model'])}{nearest(name, values['model'])}"
            )
        for where, part in [("", "model"), *((f" where {wanted}", known[wanted]) for wanted in must_work)]:
            low, high = interval(drawn[part][name])
            yield _verdict(f"{name}{where}", floor, values[part][name], low, high, lower_is_better(name))


def _verdict(what: str, floor: float, value: float, low: float, high: float, lower: bool) -> tuple[str, bool]:
    met = value <= floor if lower else value >= floor
    sure = met and (high <= floor if lower else low >= floor)
    word = "met" if sure else "met, but its interval is not" if met else "NOT MET"
    numbers = f"{short(value)} (95 % interval {short(low)} to {short(high)})"
    return f"{what} {numbers}, at {'most' if lower else 'least'} {short(floor)}: {word}", met
