"""What makes a comparison impossible, and thresholds: edits of the zoo's attacks."""

import numpy as np
import pandas as pd

from template.zoo.edits import Edit, change_rows, combine, hide_table, set_model, set_params
from template.zoo.repositories import Author

BAD = set_model(max_iter=1)
# Without its last rows, so that CI's cache has it from no other case.
HIDDEN_TABLE = combine(BAD, change_rows(lambda frame, *_: frame.iloc[:-2]), hide_table)
TINY_HOLDOUT = combine(BAD, set_params(split={"holdout": 0.01}))
GROUPS = 4


def add_groups(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add a column of few groups and one of many."""
    return frame.assign(depot=np.arange(len(frame)) % GROUPS, customer=np.arange(len(frame)) % (len(frame) // 3))


def group_by(column: str, salt: int = 0) -> Edit:
    """Return an edit of data.group."""
    return set_params(data={"group": column}, split={"salt": salt})


GROUPED = change_rows(add_groups)
