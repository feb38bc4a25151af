"""Progress of long work: in a terminal a bar with count and remaining time, elsewhere nothing.

    with progress("fits", total=30) as advance:
        for name in names:
            print(f"{name}: fits")  # stands above the bar
            advance(note=name)

The bar is on standard error and is gone at the end. `print` works as ever while it is there; what a child process
writes to the terminal itself would break it, so capture that and print it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Says that `count` more are done, and in `note` what comes or came last."""

    def __call__(self, count: int = 1, note: str = "") -> None: ...


def has_terminal() -> bool:
    """Whether standard error is a terminal that can move its cursor and that somebody looks at."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown") and not os.environ.get("CI")


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A bar while the block runs.

    Parameters
    ----------
    what : str
        What is counted, as in "fits".
    total : int
        How many there are.

    Yields
    ------
    Advance
        `advance(count=1, note="")`, to call when more are done.
    """
    if not has_terminal():
        yield lambda count=1, note="": None
        return
    from rich import progress as bars  # here, so that nothing pays for it where there is no terminal
    from rich.console import Console

    shown = bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
        bars.TextColumn("left {task.fields[note]}", markup=False),
        # What is printed above the bar must not change: no markup, no colours, no folded lines.
        console=Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else it goes where it went
        speed_estimate_period=float("inf"),  # since the start: a single fit can take minutes
    )
    task = shown.add_task(what, total=total, note="")

    def advance(count: int = 1, note: str = "") -> None:
        shown.update(task, note=note)
        shown.advance(task, count)

    with shown:
        advance(0)  # the moment from which the speed is measured
        yield advance
