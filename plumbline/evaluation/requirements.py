"""The requirements of params.yaml (floors, and slices that must work), judged by what was measured."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from plumbline.bootstrap import Bootstrap
from plumbline.errors import ParamsError
from plumbline.evaluation.slices import SMALL, Slice
from plumbline.formatting import short
from plumbline.metrics import lower_is_better
from plumbline.params import suggest


@dataclass(frozen=True)
class Judgement:
    """Whether a requirement is met, and the evidence in words."""

    evidence: str
    is_met: bool


def required_columns(must_work: Iterable[str], columns: Sequence[str]) -> list[str]:
    """Return the columns of the slices that must work; `judge_requirements` refuses a slice of no column.

    Examples
    --------
    >>> required_columns(["region = south", "nothing = 1"], ["region", "size"])
    ['region']
    """
    return [name for label in must_work if (name := label.rpartition(" = ")[0]) in columns]


def judge_requirements(
    floors: Mapping[str, float],
    must_work: Sequence[str],
    overall: Bootstrap,
    slices: Sequence[tuple[Slice, Bootstrap]],
) -> Iterator[Judgement]:
    """Judge each floor on the whole holdout and on each slice that must work.

    A slice of fewer than `SMALL` rows is not judged, and counts as not met.

    Parameters
    ----------
    floors : mapping of str to float
        requirements.floors: metric and the least (of a loss: the largest) value.
    must_work : sequence of str
        requirements.must_work: COLUMN = LEVEL.
    overall : Bootstrap
        The model's metrics on the holdout.
    slices : sequence of (Slice, Bootstrap)
        The slices, with the model's metrics on each.

    Raises
    ------
    ParamsError
        Where a floor's metric is not measured, or the holdout has no such slice.
    """
    if must_work and not floors:
        reason = f"{', '.join(must_work)} must work, and requirements.floors is empty: NOT JUDGED"
        yield Judgement(reason, False)
    by_label = {f"{slice_.column} = {slice_.level}": (slice_, metrics) for slice_, metrics in slices}
    for label in must_work:
        if label not in by_label:
            raise ParamsError(
                f"params.yaml: requirements.must_work has {label!r}, found no such slice in the holdout",
                hint=suggest(label, by_label) or "metrics/slices.json of the last run lists the slices",
            )
    for name, floor in floors.items():
        if name not in overall.values:
            raise ParamsError(
                f"params.yaml: requirements.floors has {name!r}, expected one of {', '.join(overall.values)}",
                hint=suggest(name, overall.values) or "Add it to evaluate.metrics, or remove it",
            )
        yield _judge(name, name, floor, overall)
        for label in must_work:
            what, (slice_, metrics) = f"{name} where {label}", by_label[label]
            if len(slice_.rows) < SMALL:
                yield Judgement(f"{what}: {len(slice_.rows)} rows are too few, at least {SMALL}: NOT JUDGED", False)
            else:
                yield _judge(what, name, floor, metrics)


def _judge(what: str, name: str, floor: float, metrics: Bootstrap) -> Judgement:
    is_lower_better, estimate = lower_is_better(name), metrics.estimate(name)
    is_met = estimate.value <= floor if is_lower_better else estimate.value >= floor
    is_sure = is_met and (estimate.high <= floor if is_lower_better else estimate.low >= floor)
    word = "met" if is_sure else "met, but its interval is not" if is_met else "NOT MET"
    numbers = f"{short(estimate.value)} (95 % interval {short(estimate.low)} to {short(estimate.high)})"
    evidence = f"{what} {numbers}, at {'most' if is_lower_better else 'least'} {short(floor)}: {word}"
    return Judgement(evidence, is_met)
