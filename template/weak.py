"""How often is a weak slice found, and how often one that is not weak? Result: template/weak.md.

    python -m template.weak

In a planted slice (x below its first quartile and one of five levels: 5 % of the rows), every second label of the
holdout is inverted, which the model cannot know. Two sizes are measured: 5,000 rows of which a fifth is the holdout,
and a holdout of 5,000 rows.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from plumbline.evaluation.weak_slices import find_weak_slices
from plumbline.outcome import Outcome
from template.records import format_row

PAGE = Path(__file__).with_suffix(".md")
TYPES = {"x": "number", "y": "number", "z": "number", "count": "integer", "level": "category", "other": "category"}
CATEGORIES = ("level", "other")
SIZES = {"of the table": (4000, 1000), "held out": (5000, 5000)}  # rows of the training set and of the holdout
SEEDS = 20


def _make_table(seed: int, train: int, holdout: int, is_planted: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Features and labels; the rows of the training set come first."""
    random, rows = np.random.default_rng(seed), train + holdout
    frame = pd.DataFrame(random.normal(size=(rows, 3)), columns=["x", "y", "z"])
    frame["count"] = random.poisson(4, rows)
    frame["level"] = random.choice(list("abcde"), rows)
    frame["other"] = random.choice(["north", "south"], rows)
    score = frame.y + 0.5 * frame.z + (frame.level == "a") + 0.3 * random.normal(size=rows)
    truth = (score > 0).to_numpy().copy()
    if is_planted:
        inside = (frame.x < -0.674) & (frame.level == "c") & (frame.index >= train)
        truth ^= (inside & (random.random(rows) < 0.5)).to_numpy()
    return frame, truth.astype(int)


def find_slices(seed: int, train: int, holdout: int, is_planted: bool) -> list[str]:
    """Return the weak slices that are found in a generated table, in words.

    Parameters
    ----------
    seed : int
        Of the table.
    train, holdout : int
        Rows of the training set and of the holdout.
    is_planted : bool
        Whether the table has a weak slice.
    """
    frame, truth = _make_table(seed, train, holdout, is_planted)
    features = frame.assign(**{name: frame[name].astype("category") for name in CATEGORIES})
    model = HistGradientBoostingClassifier(l2_regularization=5, categorical_features="from_dtype", random_state=0)
    model.fit(features[:train], truth[:train])
    scores = model.predict_proba(features[train:])
    outcome = Outcome("binary", truth[train:], scores, scores.argmax(axis=1), 1, (0, 1))
    slices = find_weak_slices(frame[train:].reset_index(drop=True), TYPES, outcome)
    return [slice_.conditions for slice_ in slices]


def has_planted_slice(slices: list[str]) -> bool:
    """Return whether the planted slice is among these."""
    return any("x <" in words and "level = 'c'" in words for words in slices)


def measure(seeds: int) -> Iterator[tuple[str, int, int]]:
    """Yield each size with how often the planted slice was found, and how often none was reported where none is."""
    for name, (train, holdout) in SIZES.items():
        hits = sum(has_planted_slice(find_slices(seed, train, holdout, True)) for seed in range(seeds))
        correct_rejections = sum(not find_slices(1000 + seed, train, holdout, False) for seed in range(seeds))
        yield name, hits, correct_rejections


def main() -> None:
    """Measure, and write the page."""
    lines = [
        "# How often is a weak slice found?\n",
        "Written by `python -m template.weak`: in a slice of 5 % of the holdout, given by two columns, every second",
        "label is inverted. A slice with well-calibrated, uncertain predictions does not count as weak.\n",
        "| 5,000 rows | planted and found (target 18 of 20) | none planted, none reported (target 19 of 20) |",
        "|---|---|---|",
    ]
    for name, hits, correct_rejections in measure(SEEDS):
        lines.append(format_row([name, f"{hits} of {SEEDS}", f"{correct_rejections} of {SEEDS}"]))
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
