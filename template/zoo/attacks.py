"""Pull requests of a hostile author: each was green once, and says what the review must say now.

Most of them are also accidents. An honest change of the same kind stands next to some.
"""

from functools import partial

from template.zoo import attack_edits_obstacle as obstacle
from template.zoo import attack_edits_places as places
from template.zoo import edits
from template.zoo.edits import change_rows, combine, set_params
from template.zoo.pull import Pull

_worse = partial(Pull, verdict="worse", reasons=("worse",))

ATTACKS: dict[str, Pull] = {
    # files that only a run may write
    "forged cells": Pull(
        "one iteration, and its predictions in git, almost perfect", places.BAD, "refused", after=places.forge_cells
    ),
    "committed environment": Pull(
        "one iteration, and a .venv in git whose Python does nothing",
        places.BAD,
        "refused",
        after=places.commit_environment,
    ),
    "cache in git": Pull(
        "one iteration, and a cache of DVC in git with another table for base's pointer",
        combine(places.BAD, places.set_cache("forged")),
        "refused",
        before=places.POINTER,
        after=places.forge_cache,
    ),
    "another cache": Pull("a cache of DVC that is not in git", places.set_cache("../own-cache")),
    "forged table": _worse(
        "one iteration, the table in git under another name, and another one next to base's pointer",
        combine(places.BAD, places.move_table),
        before=places.POINTER,
        after=places.forge_table,
    ),
    # what is called identical
    # the package
    # what makes a comparison impossible
    "hidden table": Pull(
        "one iteration, and the table behind a pointer without a remote",
        obstacle.HIDDEN_TABLE,
        "cannot tell",
        ("incomparable",),
    ),
    "tiny holdout": _worse(
        "one iteration, and a holdout of 1 % of 6,000 rows",
        obstacle.TINY_HOLDOUT,
        reasons=("incomparable", "worse"),
        before=(change_rows(edits.add_rows),),
        note="base's split decides, on which it is worse; later reviews would have too few rows",
    ),
    "larger holdout": Pull(
        "a holdout of 25 % of 6,000 rows", set_params(split={"holdout": 0.25}), before=(change_rows(edits.add_rows),)
    ),
    "other salt": Pull(
        "another holdout of 6,000 rows", set_params(split={"salt": 1}), before=(change_rows(edits.add_rows),)
    ),
    "four groups": Pull(
        "one iteration, and data.group with four groups",
        combine(obstacle.BAD, obstacle.group_by("depot", salt=7)),
        "cannot tell",
        ("incomparable",),
        before=(obstacle.GROUPED,),
    ),
    "many groups": Pull("data.group with many groups", obstacle.group_by("customer"), before=(obstacle.GROUPED,)),
    # thresholds and suites
    "threshold": Pull(
        "a threshold that no row reaches, and a floor of recall",
        set_params(model={"threshold": 0.999}),
        reasons=("floor",),
        before=(set_params(requirements={"floors": {"recall": 0.6}}),),
        note="the probabilities are the same; which of them are called positive is not",
    ),
    # labels and rows
    # features that differ in production
    # metrics and acceptances
}
