"""Show the progress of long work: in a terminal a bar with count and remaining time, elsewhere nothing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich import progress as rich_progress


class Advance(Protocol):
    """The function that `progress` yields."""

    def __call__(self, count: int = 1, note: str = "") -> None:
        """Report that `count` more are done; `note` is shown behind the bar, as the name of the current item."""


def has_terminal() -> bool:
    """Return whether standard error is a terminal that can move its cursor and that is not that of a CI job."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown") and not os.environ.get("CI")


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Show a bar on standard error while the block runs.

    `print` works as usual meanwhile, above the bar. What a child process writes to the terminal itself would break the
    bar, so capture that and print it.

    Parameters
    ----------
    label : str
        What is counted, as in "fits".
    total : int
        How many there are.

    Yields
    ------
    Advance
        To call when some are done.

    Examples
    --------
    >>> with progress("fits", total=2) as advance:
    ...     for name in ("base", "head"):
    ...         print(f"fitted {name}")
    ...         advance(note=name)
    fitted base
    fitted head
    """
    if not has_terminal():
        yield lambda count=1, note="": None
        return
    bar = _make_bar()
    task = bar.add_task(label, total=total, note="")

    def advance(count: int = 1, note: str = "") -> None:
        bar.update(task, note=note)
        bar.advance(task, count)

    with bar:
        advance(0)  # the moment from which the speed is measured
        yield advance


def _make_bar() -> "rich_progress.Progress":
    from rich import progress as rich_progress  # here, since it takes a moment and most runs have no terminal
    from rich.console import Console

    return rich_progress.Progress(
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("left {task.fields[note]}", markup=False),
        # What is printed above the bar must not change: no markup, no colours, no folded lines.
        console=Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else it goes where it went
        speed_estimate_period=float("inf"),  # since the start: a single fit can take minutes
    )
