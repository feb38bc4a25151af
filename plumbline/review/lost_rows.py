"""Head on all of base's rows, where rows are gone that base errs on: without them every model looks better."""

from dataclasses import dataclass

import numpy as np

from plumbline.formatting import short
from plumbline.review.alignment import match_tables
from plumbline.review.commits import SideError
from plumbline.review.decide import build_criterion
from plumbline.review.obstacles import read_split
from plumbline.review.predictions import choose_design, predict, predict_sides
from plumbline.review.result.changes import RowChanges
from plumbline.review.result.comparison import Verdict, Word
from plumbline.review.settings import Settings
from plumbline.review.sides import Side
from plumbline.review.verdict import find_shortage

MIN_SHARE = 0.05  # of base's rows: fewer can hide little, unless their labels are others


@dataclass(frozen=True)
class LostRows:
    """Rows of base that head dropped and that are harder to predict than the others.

    Attributes
    ----------
    sentence : str
        How many, and what that does to base's error.
    verdict : Verdict or None
        Head against base on all rows of base; None where head cannot predict them.
    """

    sentence: str
    verdict: Verdict | None

    @property
    def obstacle(self) -> str | None:
        """Why head cannot be compared without these rows; None where it is not worse with them."""
        if self.verdict is None:
            return f"{self.sentence}; head cannot predict them"
        if self.verdict.word != "worse":
            return None
        return f"{self.sentence}; on all rows of base head is worse, by {short(-self.verdict.difference)}"

    def doubt(self, word: Word, why: str) -> tuple[Word, str]:
        """Return the verdict on the remaining rows; better must hold on all rows of base, too."""
        if word != "better" or (self.verdict and self.verdict.word == "better"):
            return word, why
        other = self.verdict.word if self.verdict else "cannot tell"
        return "cannot tell", f"better on the remaining rows, but {self.sentence}; on all rows of base: {other}"


def may_hide(rows: RowChanges) -> bool:
    """Whether the rows that are gone are many, or have other labels than the remaining ones: most of a rare class."""
    return rows.removed_count > MIN_SHARE * rows.base_count or (rows.removed_count > 0 and rows.label_shift > 0)


def find_lost_rows(base: Side, head: Side, settings: Settings) -> LostRows | None:
    """Return what head's model does on all rows of base, where it dropped rows that are hard to predict.

    That rows are gone is no fault: the oldest ones may have to go. Only where base's error on the remaining ones is
    lower, by more than the margin, is head asked to predict all of base's rows.

    Parameters
    ----------
    base, head : Side
        Both are prepared.
    settings : Settings
    """
    is_gone = np.ones(base.schema.rows, dtype=bool)
    is_gone[match_tables(base, head).old] = False
    design = choose_design(base, read_split(base, head), replicas=settings.replicas, folds=settings.folds)
    predictions = predict(base, base, design)
    rows = predictions.select_rows(predictions.is_complete)
    remaining_rows = rows.take(np.flatnonzero(~is_gone[rows.positions]))
    if not 0 < len(remaining_rows) < len(rows):
        return None
    criterion = build_criterion(rows, rows, predictions, base.schema, settings)
    error, remaining_error = (-criterion.estimate(predictions, part).mean for part in (rows, remaining_rows))
    if error - remaining_error <= criterion.margin:
        return None
    sentence = (
        f"{is_gone.sum()} of base's {len(is_gone)} rows are gone, and without them {criterion.metric} of base is "
        f"{short(remaining_error)} instead of {short(error)}"
    )
    try:
        both = predict_sides([base, head], base, design)
    except SideError as error_of_side:
        if error_of_side.side == base.name:
            raise
        return LostRows(sentence, None)
    rows = rows.take(np.flatnonzero(both[head].is_complete[rows.positions]))
    has_few = find_shortage(rows.truth, rows.group, has_classes=False)
    return None if has_few else LostRows(sentence, criterion.compare(both[base], both[head], rows))
