"""What rows that head added may do to the verdict: better must hold on base's rows alone, and worse on them counts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plumbline.formatting import short
from plumbline.review.decide import Criterion
from plumbline.review.near_duplicates import MIN_SHARE
from plumbline.review.predictions import Predictions
from plumbline.review.result.comparison import Verdict, Word
from plumbline.review.verdict import find_shortage


@dataclass(frozen=True)
class NewRows:
    """The rows that head added, where both sides predict head's table.

    Attributes
    ----------
    base, head : Predictions
    criterion : Criterion
    is_added : ndarray of bool, shape (rows,)
        Which rows of head's table base does not have.
    are_apart : bool
        Whether copies of base's rows are tested together with their originals.
    """

    base: Predictions
    head: Predictions
    criterion: Criterion
    is_added: np.ndarray
    are_apart: bool

    @property
    def _are_few(self) -> bool:
        return not self.is_added.any() or bool(self.is_added.sum() < MIN_SHARE * (~self.is_added).sum())

    def _compare(self) -> Verdict | None:
        """Return the verdict on the rows that base has; None where too few are compared."""
        rows = self.criterion.rows
        rows = rows.take(np.flatnonzero(~self.is_added[rows.positions]))
        if find_shortage(rows.truth, rows.group, has_classes=False):
            return None
        return self.criterion.compare(self.base, self.head, rows)

    def doubt(self, word: Word, why: str) -> tuple[Word, str]:
        """Return the verdict; where many rows were added, better must also hold on the rows that base has."""
        if word != "better" or self._are_few:
            return word, why
        if not self.are_apart:
            return "cannot tell", "better, with rows that head added; nobody knows whether they are copies of base's"
        verdict = self._compare()
        if verdict is None:
            return "cannot tell", "better, on rows of which base has too few"
        if verdict.word == "better":
            return word, why
        return "cannot tell", f"better with the rows that head added; on base's rows alone: {verdict.word}"

    def find_harm(self, word: Word) -> Iterator[str]:
        """Yield that it is worse on the rows that base has, where the whole does not show it."""
        verdict = None if word == "worse" or self._are_few else self._compare()
        if verdict and verdict.word == "worse":
            yield f"with the rows that head added it is worse on those that base has, by {short(-verdict.difference)}"
