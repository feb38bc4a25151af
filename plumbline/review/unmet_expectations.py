"""Whether head's table holds what head's suite expects: asked by the code that judges, since ingest is head's."""

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


def find_unmet_expectations(base: Side, head: Side) -> list[str]:
    """Return the expectations that do not hold, without values; none where head has base's table or is not prepared.

    Whether head loosened or removed an expectation is another question, see `safeguards`.
    """
    if not head.is_prepared or _have_same_table(base, head):
        return []
    with chdir(head.folder):
        try:
            path = find_suite(head.source.as_posix()).path
            expectations = Suite.read(path).expectations if path else ()
            if faults := find_faults(expectations):
                return [f"an expectation cannot be run: {faults[0]}"]
            failures = [result for result in validate(expectations, paths.TABLE) if not result.success]
        except PlumblineError as error:
            return [f"the suite cannot be run: {error.message}"]
    lines = [describe_failure(failure, show_values=False) for failure in failures[:MAX_LINES]]
    return [f"does not hold, and ingest of head did not say so: {line}" for line in lines]


def _have_same_table(base: Side, head: Side) -> bool:
    try:
        return base.is_prepared and base.table_digest == head.table_digest
    except (SideError, OSError):
        return False
