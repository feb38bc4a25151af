"""Pull requests of a hostile author: each was green once, and says what the review must say now.

Most of them are also accidents. An honest change of the same kind stands next to some.
"""

from functools import partial

from template.zoo.pull import Pull

_worse = partial(Pull, verdict="worse", reasons=("worse",))

ATTACKS: dict[str, Pull] = {
    # files that only a run may write
    # what is called identical
    # the package
    # what makes a comparison impossible
    # thresholds and suites
    # labels and rows
    # features that differ in production
    # metrics and acceptances
}
