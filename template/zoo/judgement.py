"""What a review said of a pull request, as template/zoo.json keeps it."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from plumbline.review.result.review import loads

NUMBERS = ("difference", "low", "high", "margin")


@dataclass(frozen=True)
class Judgement:
    """A review, and what the author's side showed.

    Attributes
    ----------
    verdict : str
        better, worse, same, cannot tell, or refused (no comparison, exit code 2).
    message : str
        Why.
    exit_code : int
        Of the review.
    reasons, accepted : tuple of str
        Names of the reasons that make the check red, and of those that the author accepted.
    difference, low, high, margin : float, optional
        The gain, its interval, and the smallest gain that matters, where there was a comparison.
    is_recipe : bool, optional
        Whether the package is what the recipe gives, where the review checked it.
    head_verdict : str, optional
        The verdict of head's own code, where head changes the review.
    has_attack : bool
        Whether a page shows the attack in a column's name as markup.
    metrics_diff : str
        What `dvc metrics diff` shows.
    author_seconds, review_seconds : int
        Wall time.
    code_digest : str
        A digest of the code that judged.
    """

    verdict: str
    message: str
    exit_code: int
    reasons: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    is_recipe: bool | None = None
    head_verdict: str | None = None
    has_attack: bool = False
    metrics_diff: str = ""
    author_seconds: int = 0
    review_seconds: int = 0
    code_digest: str = ""

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Judgement":
        """Return the judgement of a record in zoo.json."""
        names = {field.name for field in fields(cls)}
        values: dict[str, Any] = {name: value for name, value in record.items() if name in names}
        return cls(**values | {name: tuple(value) for name, value in values.items() if isinstance(value, list)})

    def to_record(self) -> dict[str, Any]:
        """Return the record for zoo.json; what is not known is left out."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if value is not None}


def read_review(folder: Path, exit_code: int, has_attack: bool) -> Judgement:
    """Return the judgement in .review/result.json of a project."""
    review = loads((folder / ".review/result.json").read_bytes())
    verdict = review.comparison.verdict if review.comparison else None
    return Judgement(
        verdict=review.word,
        message=review.why,
        exit_code=exit_code,
        reasons=tuple(sorted({reason.name for reason in review.open_reasons})),
        accepted=tuple(sorted({reason.name for reason in review.reasons if reason.acceptance})),
        is_recipe=review.package_check.is_consistent if review.package_check else None,
        head_verdict=review.second_opinion.word if review.second_opinion else None,
        has_attack=has_attack,
        **{name: getattr(verdict, name, None) for name in NUMBERS},
    )
