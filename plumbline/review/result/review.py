"""The whole result of a review."""

from dataclasses import dataclass, field

from plumbline.review.result.changes import (
    Attribution,
    ChangedFiles,
    DataChanges,
    ExpectationCounts,
    Kind,
    LabelEffect,
    MachineryChange,
    ParameterChange,
    RecipeTrials,
)
from plumbline.review.result.checks import PackageCheck, Reason, Rerun, SecondOpinion
from plumbline.review.result.comparison import (
    Comparison,
    FloorCheck,
    HeadOnly,
    MetricComparison,
    ReleaseComparison,
    SliceComparison,
    Word,
)
from plumbline.review.result.figures import Curves, Importance
from plumbline.review.result.wire import decode

SCHEMA_VERSION = 4


@dataclass(frozen=True, kw_only=True)
class Review:
    """The result of a review: whether the head's model is better or worse than the base's, and why.

    Attributes
    ----------
    version
        The version of the file's format; a reader refuses any other.
    word
        The verdict of the whole review.
    why
        The explanation of the verdict, a sentence.
    base_commit
        The base's hash.
    head_commit
        The head's hash.
    base_origin
        How the base was chosen.
    project
        The name in dvc.yaml's artifacts.
    has_data
        Whether the data was there to compute the numbers from.
    is_computed_by_author
        Whether the author of the pull request computed the numbers, and not CI.
    comparison
        The numbers; null where the two are identical or cannot be compared.
    head_only
        The head's error where there is nothing to compare it with.
    release
        The comparison with the newest release; null where there is none.
    slices
        Comparisons by slice.
    metrics
        All metrics, for information.
    omissions
        Which metrics and slices are not shown, and why; sentences.
    floors
        The floors of the base.
    curves
        The curves of both sides.
    importance
        The permutation importance of both sides.
    changed_kinds
        What differs between base and head.
    changed_files
        The files that differ.
    parameter_changes
        The parameters that differ.
    machinery_change
        How the package plumbline differs; null where it does not, and where both sides have it as a folder.
    data_changes
        How the table differs; null where it does not.
    obstacle
        What of the head prevents a comparison that the base allows; null where nothing does.
    label_effect
        Effect of the rows whose label changed on the verdict; null where there are none.
    attribution
        Whether the difference comes from the data or the recipe; null where only one of them changed.
    expectation_counts
        Numbers of expectations of both sides.
    recipe_trials
        How many recipes have been tried on this table.
    rerun
        The stages that were run again; null where that could not be checked.
    package_check
        Whether the package predicts what the recipe predicts.
    second_opinion
        The verdict of the head's own review, where its code differs.
    reasons
        Why the check is red, with what was accepted.
    notes
        Further remarks, sentences.
    """

    version: int = SCHEMA_VERSION
    word: Word
    why: str
    base_commit: str
    head_commit: str
    base_origin: str = ""
    project: str | None = None
    has_data: bool = True
    is_computed_by_author: bool = False
    comparison: Comparison | None = None
    head_only: HeadOnly | None = None
    release: ReleaseComparison | None = None
    slices: tuple[SliceComparison, ...] = ()
    metrics: tuple[MetricComparison, ...] = ()
    omissions: tuple[str, ...] = ()
    floors: tuple[FloorCheck, ...] = ()
    curves: Curves | None = None
    importance: Importance | None = None
    changed_kinds: tuple[Kind, ...] = ()
    changed_files: ChangedFiles = field(default_factory=ChangedFiles)
    parameter_changes: tuple[ParameterChange, ...] = ()
    machinery_change: MachineryChange | None = None
    data_changes: DataChanges | None = None
    obstacle: str | None = None
    label_effect: LabelEffect | None = None
    attribution: Attribution | None = None
    expectation_counts: ExpectationCounts | None = None
    recipe_trials: RecipeTrials | None = None
    rerun: Rerun | None = None
    package_check: PackageCheck | None = None
    second_opinion: SecondOpinion | None = None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def open_reasons(self) -> tuple[Reason, ...]:
        """The reasons that nobody accepted: with any of them the check is red."""
        return tuple(reason for reason in self.reasons if reason.acceptance is None)


@dataclass(frozen=True, kw_only=True)
class AuthorReview:
    """metrics/review.json: the author's own review, for a CI that holds no data.

    Attributes
    ----------
    tree
        git's hash of the files that were reviewed.
    lock
        SHA-256 of the dvc.lock that was reviewed.
    review
        The result.
    """

    tree: str
    lock: str
    review: Review


def loads(text: str | bytes, *, file: str = "result.json") -> Review:
    """Return the review that a JSON text holds; raise ResultError for a text of another form."""
    return decode(text, Review, file=file)
