"""How far a long prediction is, on one line of a terminal; elsewhere not a byte. Standard library only."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

WIDTH = 60  # characters that are wiped


@contextmanager
def counting(share: Callable[[], float | None], *, beside: bool = False) -> Iterator[Callable[[int], None]]:
    """Yields what is called with the rows so far.

    Parameters
    ----------
    share
        Says how much of the source has been read, from 0 to 1; None where that is not known.
    beside : bool
        Whether the predictions go to standard output, where a terminal would show them between the counts.
    """
    if not sys.stderr.isatty() or (beside and sys.stdout.isatty()):
        yield lambda rows: None
        return
    start = time.monotonic()

    def count(rows: int) -> None:
        line, read = f"{rows:,} rows", share()
        if read:
            left = timedelta(seconds=round((time.monotonic() - start) * (1 - read) / read))
            line += f", {read:.0%} of the source, {left} left"
        print(f"\r{line:{WIDTH}}", end="", file=sys.stderr, flush=True)

    try:
        yield count
    finally:
        print(f"\r{'':{WIDTH}}\r", end="", file=sys.stderr)
