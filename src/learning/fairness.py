"""Fairness: what each group of a protected column gets, with intervals, and how far the groups lie apart.

Of a binary task: how often the model says positive, to whom it says so rightly (the true positive rate) and
wrongly (the false positive rate); of several classes the accuracy; of a regression the mean error, which is its lean,
and the mean absolute error. A group of few rows is shown and not judged. The widest gap of several groups is wide
by chance, too: its interval is at the level at which those of all pairs hold together (Bonferroni).
"""

from typing import Any

import numpy as np

from src.learning.metrics import LEVEL, interval
from src.learning.slices import SMALL, Slice

MEASURES = {
    "binary": ("selection_rate", "true_positive_rate", "false_positive_rate"),
    "multiclass": ("accuracy",),
    "regression": ("mean_error", "mean_absolute_error"),
}


def fairness(
    groups: dict[Any, Slice], values: dict[Any, dict[str, float]], drawn: dict[Any, dict[str, np.ndarray]]
) -> dict[str, list[dict[str, Any]]]:
    """Each measure of each group as [value, low, high], and the largest gap between groups that can be judged.

    groups: the levels of protected columns in the holdout, by the keys of values and drawn (see `measure`).
    """
    listed = [
        {"column": part.column, "level": part.level, "rows": len(part.rows), "small": len(part.rows) < SMALL}
        | {name: [value, *interval(drawn[key][name])] for name, value in values[key].items()}
        for key, part in groups.items()
    ]
    gaps = []
    for column in dict.fromkeys(part.column for part in groups.values()):
        judged = [key for key, part in groups.items() if part.column == column and len(part.rows) >= SMALL]
        for name in values[judged[0]] if len(judged) > 1 else ():
            known = [key for key in judged if not np.isnan(values[key][name])]
            if len(known) > 1:
                low, high = (pick(known, key=lambda key: values[key][name]) for pick in (min, max))
                pairs = len(known) * (len(known) - 1) / 2
                gap = interval(drawn[high][name] - drawn[low][name], 1 - (1 - LEVEL) / pairs)
                between = [groups[low].level, groups[high].level]
                size = values[high][name] - values[low][name]
                gaps.append({"column": column, "measure": name, "between": between, "gap": [size, *gap]})
    return {"groups": listed, "gaps": gaps}
