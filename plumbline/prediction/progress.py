"""Show how far a long prediction is, on one line of a terminal; elsewhere nothing. Standard library only."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

WIDTH = 60  # characters of the line


@contextmanager
def show_progress(
    share: Callable[[], float | None], *, rows_on_stdout: bool = False
) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows the number of rows so far.

    Parameters
    ----------
    share : callable
        Returns which share of the source has been read, from 0 to 1, or None where that is not known.
    rows_on_stdout : bool
        Whether the predictions go to standard output: a terminal would show them between the counts.
    """
    if not sys.stderr.isatty() or (rows_on_stdout and sys.stdout.isatty()):
        yield lambda rows: None
        return
    start = time.monotonic()

    def show(rows: int) -> None:
        line, read = f"{rows:,} rows", share()
        if read:
            remaining = timedelta(seconds=round((time.monotonic() - start) * (1 - read) / read))
            line += f", {read:.0%} of the source, {remaining} left"
        print(f"\r{line:{WIDTH}}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print(f"\r{'':{WIDTH}}\r", end="", file=sys.stderr)
