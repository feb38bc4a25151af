"""Whether head's table holds what head's suite expects: asked by the code that judges, since ingest is head's."""

from collections.abc import Iterator
from contextlib import chdir

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.expectations.arguments import find_faults
from plumbline.expectations.results import describe_failure
from plumbline.expectations.suite import Suite, find_suite
from plumbline.expectations.validation import validate
from plumbline.review.commits import SideError
from plumbline.review.sides import Side

MAX_LINES = 5


def find_unmet_expectations(base: Side, head: Side) -> Iterator[str]:
    """Yield the expectations that do not hold, without values; nothing where head has base's table or is not prepared.

    Whether head loosened or removed an expectation is another question, see `safeguards`.
    """
    if not head.is_prepared or _have_same_table(base, head):
        return
    with chdir(head.folder):
        try:
            path = find_suite(head.source.as_posix()).path
            expectations = Suite.read(path).expectations if path else ()
            if faults := find_faults(expectations):
                yield f"an expectation cannot be run: {faults[0]}"
                return
            failures = [result for result in validate(expectations, paths.TABLE) if not result.success]
        except PlumblineError as error:
            yield f"the suite cannot be run: {error.message}"
            return
    for failure in failures[:MAX_LINES]:
        yield f"does not hold, and ingest of head did not say so: {describe_failure(failure, show_values=False)}"


def _have_same_table(base: Side, head: Side) -> bool:
    try:
        return base.is_prepared and base.table_digest == head.table_digest
    except (SideError, OSError):
        return False
