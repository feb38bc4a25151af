"""Whether the committed run is true, and why the check is red."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MetricDifference:
    """A value of a committed file that is another one when the stages are run again.

    Attributes
    ----------
    file
        The file's path.
    key
        The value's key in it; empty for a file that is not JSON.
    committed_value
        The value in git, as text.
    rerun_value
        The value of the new run, as text.
    """

    file: str
    key: str
    committed_value: str
    rerun_value: str


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """The stages that were run again because their entries in dvc.lock differ from base.

    Attributes
    ----------
    stages
        Names of the stages.
    why
        Why these; or why they could not be run.
    identical_outputs
        Outputs with the bytes that dvc.lock names.
    different_outputs
        Outputs with other bytes.
    metric_differences
        Values of committed files that differ.
    """

    stages: tuple[str, ...]
    why: str
    identical_outputs: tuple[str, ...] = ()
    different_outputs: tuple[str, ...] = ()
    metric_differences: tuple[MetricDifference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PackageCheck:
    """Whether the committed package predicts what the recipe predicts.

    Attributes
    ----------
    is_consistent
        Whether it does; null where that is unknown.
    why
        The finding, a sentence.
    """

    is_consistent: bool | None
    why: str


@dataclass(frozen=True, kw_only=True)
class SecondOpinion:
    """The verdict of the head's own review, where its code differs from the base's.

    Attributes
    ----------
    word
        The verdict; another version may have other values.
    why
        The explanation of the verdict, a sentence.
    """

    word: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """The line of a commit message that accepts a reason.

    Attributes
    ----------
    commit
        The commit's hash.
    author
        The commit's author.
    why
        Why it is acceptable.
    is_verified
        Whether a signature of the commit proves who its author is.
    """

    commit: str
    author: str
    why: str
    is_verified: bool = False

    def format_author(self, author: str) -> str:
        """Return who accepted; any author's name can be written into a commit, so an unproved one is not a fact.

        Parameters
        ----------
        author : str
            The author's name as it may be shown: cleaned or escaped.
        """
        return f"by {author}" if self.is_verified else f"in the name of {author}, not verified"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A reason why the check is red, unless it is accepted.

    Attributes
    ----------
    name
        One of the names in `plumbline docs pull-requests`.
    message
        What was found, a sentence.
    hint
        What to do next, a sentence.
    acceptance
        Who accepted it and why; null where nobody did.
    """

    name: str
    message: str
    hint: str
    acceptance: Acceptance | None = None
