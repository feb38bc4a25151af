"""Rows that are gone, that count for nothing, and that seem to be others: edits of the zoo's attacks."""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from template.zoo.attack_edits import FAR, KEY, drop_key
from template.zoo.edits import change_rows, combine, flip_labels, replace_text, set_params
from template.zoo.repositories import Author

WEIGHT = "importance"
HARD_SHARE, NEAR_SHARE, WRONG_SHARE = 0.22, 0.44, 0.2  # shares of the rows, the last one of the near rows
STEP = 0.01  # of each number of a near row
CHECK = "        ingest.check_expectations(p, str(table), findings)\n"


def add_weights(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add a column of weights."""
    return frame.assign(**{WEIGHT: random.uniform(0.5, 1.5, len(frame)).round(3)})


def shrink_weights(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Give half of the rows almost no weight."""
    return frame.assign(**{WEIGHT: frame[WEIGHT].where(random.random(len(frame)) < 0.5, 1e-6)})


def drop_high_losses(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Drop the rows on which a model errs most."""
    target = author.table.data["target"]
    features = pd.get_dummies(frame.drop(columns=[target, KEY]))
    truth = (frame[target] == author.table.rare).to_numpy()
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    scores = cross_val_predict(model, features, truth, cv=5, method="predict_proba")[:, 1]
    error = pd.Series(np.abs(truth - scores), index=frame.index)
    return frame[error <= error.quantile(1 - HARD_SHARE)]


def move_rows(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Let many rows seem to be others, some of them under another label."""
    is_near = random.random(len(frame)) < NEAR_SHARE
    numbers = [str(name) for name in frame.select_dtypes("number") if name != KEY]
    values = {name: frame[name] + STEP for name in numbers} | {KEY: frame[KEY] + FAR}
    moved = flip_labels(WRONG_SHARE)(frame, random, author).assign(**values)
    return frame.where(~is_near, moved)


def capitalize_regions(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Write a category in a way that the suite does not allow."""
    return frame.assign(region=frame.region.str.title())


WEIGHTED_ROWS = combine(drop_key, change_rows(add_weights), set_params(data={"weight": WEIGHT}))
NO_SUITE = combine(change_rows(capitalize_regions), replace_text("src/stages/ingest.py", CHECK, ""))
