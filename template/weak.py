"""How often is a weak slice found, and how often one that is none? Result: template/weak.md.

    python -m template.weak

A planted slice (x below its quartile and one of five levels: 5 % of the rows) in which every second label of the
holdout is turned round: something that the model does not know. Read in two ways: 5,000 rows of the table, of which a
fifth is held out, and 5,000 rows held out.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from plumbline.evaluation.weak_slices import find_weak_slices
from plumbline.outcome import Outcome

TYPES = {"x": "number", "y": "number", "z": "number", "count": "integer", "level": "category", "other": "category"}
SEEDS = 20


def table(seed: int, rows: int, train: int, planted: bool) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(rows, 3)), columns=["x", "y", "z"])
    frame["count"] = random.poisson(4, rows)
    frame["level"] = random.choice(list("abcde"), rows)
    frame["other"] = random.choice(["north", "south"], rows)
    score = frame.y + 0.5 * frame.z + (frame.level == "a") + 0.3 * random.normal(size=rows)
    truth = (score > 0).to_numpy().copy()
    if planted:
        inside = (frame.x < -0.674) & (frame.level == "c") & (frame.index >= train)
        truth ^= (inside & (random.random(rows) < 0.5)).to_numpy()
    return frame, truth.astype(int)


def found(seed: int, train: int, held: int, planted: bool) -> list[str]:
    frame, truth = table(seed, train + held, train, planted)
    numbers = frame.assign(**{name: frame[name].astype("category") for name in ("level", "other")})
    model = HistGradientBoostingClassifier(l2_regularization=5, categorical_features="from_dtype", random_state=0)
    model.fit(numbers[:train], truth[:train])
    scores = model.predict_proba(numbers[train:])
    outcome = Outcome("binary", truth[train:], scores, scores.argmax(axis=1), 1, (0, 1))
    return [
        slice_.conditions for slice_ in find_weak_slices(frame[train:].reset_index(drop=True), TYPES, outcome, None)
    ]


def hit(slices: list[str]) -> bool:
    return any("x <" in words and "level = 'c'" in words for words in slices)


def measured(seeds: int) -> Iterator[tuple[str, int, int]]:
    """Each reading with how many planted slices were found, and how many runs without one confirmed nothing."""
    for name, train, held in (("of the table", 4000, 1000), ("held out", 5000, 5000)):
        hits = sum(hit(found(seed, train, held, True)) for seed in range(seeds))
        quiet = sum(not found(1000 + seed, train, held, False) for seed in range(seeds))
        yield name, hits, quiet


def main() -> None:
    lines = [
        "# How often is a weak slice found?\n",
        "Made by `python -m template.weak`: in a slice of 5 % of the holdout, a conjunction of two columns, every",
        "second label is turned round. A slice in which the model is unsure and says so does not count as weak.\n",
        "| 5,000 rows | planted and found (target 18 of 20) | none planted, none confirmed (target 19 of 20) |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {hits} of {SEEDS} | {quiet} of {SEEDS} |" for name, hits, quiet in measured(SEEDS)]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
