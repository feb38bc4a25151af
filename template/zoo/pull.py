"""A pull request of the zoo, and what the review must say of it."""

from dataclasses import dataclass

from template.zoo.edits import Edit


@dataclass(frozen=True)
class Pull:
    """A pull request.

    Attributes
    ----------
    title : str
        What it does.
    edit : callable
        Its change.
    verdict : str
        The allowed verdicts, as in "same | cannot tell"; "refused" is no comparison, exit code 2.
    reasons, accepted : tuple of str
        Names of the reasons that must make the check red, and of those that are accepted, exactly.
    before : tuple of callables
        Edits that base has in addition to the project, each a commit, the last with a run.
    runs : bool
        Whether the author ran the pipeline.
    after : callable, optional
        An edit after that run.
    trailer : str
        Of the last commit.
    release : bool
        Whether the project without `before` was released.
    is_recipe : bool, optional
        Whether the package is what the recipe gives, where that is a question.
    head_verdict : str, optional
        What head's own review must say.
    note : str
        Why these verdicts are right, where it is not obvious.
    """

    title: str
    edit: Edit
    verdict: str = "same"
    reasons: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    before: tuple[Edit, ...] = ()
    runs: bool = True
    after: Edit | None = None
    trailer: str = ""
    release: bool = False
    is_recipe: bool | None = None
    head_verdict: str | None = None
    note: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code that the review must have."""
        return 2 if self.verdict == "refused" else 1 if self.reasons else 0
