"""The settings of a review, as base has them: head's own settings do not decide about head."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from plumbline.keys import KEYS
from plumbline.review.commits import Commit

Auto = Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides and what is shown; `plumbline docs parameters` describes the keys of params.yaml.

    Attributes
    ----------
    metric : str
        review.metric.
    margin : float or "auto"
        review.margin.
    gap, loss, alpha : float
        review.gap, review.loss and review.alpha.
    replicas, folds : int
        review.replicas and review.folds.
    floors : mapping of str to float
        requirements.floors, by metric.
    must_work : tuple of str
        requirements.must_work, slices as COLUMN = LEVEL.
    metrics : tuple of str
        evaluate.metrics; empty for auto.
    slices : tuple of str or "auto"
        evaluate.slices, columns.
    """

    metric: str
    margin: float | Auto
    gap: float
    loss: float
    alpha: float
    replicas: int
    folds: int
    floors: Mapping[str, float]
    must_work: tuple[str, ...]
    metrics: tuple[str, ...]
    slices: tuple[str, ...] | Auto


def read_settings(base: Commit) -> Settings:
    """Return the settings of base; an absent key has its default."""
    values = base.params_or_none

    def read(name: str) -> Any:
        return values.get(f"review.{name}", KEYS[f"review.{name}"].default)

    return Settings(
        metric=read("metric"),
        margin=read("margin"),
        gap=read("gap"),
        loss=read("loss"),
        alpha=read("alpha"),
        replicas=read("replicas"),
        folds=read("folds"),
        floors=values.get("requirements.floors") or {},
        must_work=tuple(values.get("requirements.must_work") or ()),
        metrics=read_names(base, "evaluate.metrics"),
        slices=read_names(base, "evaluate.slices") if isinstance(values.get("evaluate.slices"), list) else "auto",
    )


def read_names(commit: Commit, key: str) -> tuple[str, ...]:
    """Return the texts in the list under a key of params.yaml; none where the value is no list, such as auto."""
    value = commit.params_or_none.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
