"""Which commits of a branch accept a reason, and whether a signature proves who wrote them."""

from collections.abc import Iterator

from plumbline.errors import ProgramError
from plumbline.process import git, replace_surrogates, run
from plumbline.review.commits import Commit
from plumbline.review.result.checks import Acceptance

_TIMEOUT = 30  # seconds: git starts gpg or ssh-keygen on a signature that a stranger may have written


def read_trailers(base: Commit, head: Commit) -> Iterator[tuple[Acceptance, str]]:
    """Yield who accepts, and the value of each line `Accept: VALUE`, of the newest commit first.

    Only commits of the branch itself count: what a merge brings into it was written about something else. In CI, head
    is GitHub's merge of the branch into base, so that the branch is its second parent.
    """
    yield from _read_first_parents(base.commit, head.commit)
    parents = git("rev-list", "--parents", "-n", "1", head.commit).split()[1:]
    if len(parents) == 2 and parents[0] == base.commit:
        yield from _read_first_parents(base.commit, parents[1])


def _read_first_parents(base: str, tip: str) -> Iterator[tuple[Acceptance, str]]:
    """Yield them; no commit message has a NUL, and an unfolded value has one line."""
    form = "%H%x00%an%x00%(trailers:key=Accept,valueonly,unfold)%x00"
    log = git("log", "--no-show-signature", "--first-parent", f"--format={form}", f"{base}..{tip}")
    fields = replace_surrogates(log).split("\0")
    for commit, author, text in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        values = [value.strip() for value in text.splitlines() if value.strip()]
        if values:
            name = commit.strip()
            acceptance = Acceptance(commit=name, author=author, why="", is_verified=_is_signed_by_author(name))
            yield from ((acceptance, value) for value in values)


def _is_signed_by_author(commit: str) -> bool:
    """Whether a trusted key signed the commit, and belongs to the author's address; any other signer proves nothing."""
    command = ["git", "log", "-1", "--no-show-signature", "--format=%G?%x00%ae%x00%GS", commit]
    try:
        fields = run(command, stdin="", timeout=_TIMEOUT).stdout.rstrip("\n").split("\0")
    except ProgramError:
        return False
    if len(fields) != 3 or fields[0] != "G" or not fields[1]:
        return False
    email, signer = fields[1].casefold(), fields[2].casefold()
    return signer == email or signer.endswith(f"<{email}>")
