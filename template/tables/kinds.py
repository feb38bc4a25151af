"""Generated tables of the kinds that people have, with fixed seeds, each as a file and with the two keys to set.

python -m template.tables.kinds FOLDER    write them all there, to look at
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Random = np.random.Generator
FLAGS = {  # the spellings of yes and no
    "insured": ("true", "false"),
    "smoker": ("T", "F"),
    "parking": ("Yes", "No"),
    "garden": ("Y", "N"),
    "heating": ("ON", "OFF"),
    "bezahlt": ("ja", "nein"),
}


@dataclass(frozen=True)
class Kind:
    """A kind of table, and what a run on it must report.

    Attributes
    ----------
    file, target : str
        The two keys that a user sets.
    make : callable
        Returns the table.
    csv : dict
        Arguments of `DataFrame.to_csv`.
    signal : bool
        Whether the target can be predicted.
    types : str
        The types of its inputs, as ingest counts them; "" where no test asks.
    keys : dict
        Further keys of `data` that a careful user sets.
    """

    file: str
    target: str
    make: Callable[[Random], pd.DataFrame]
    csv: dict[str, Any] = field(default_factory=dict)
    signal: bool = True
    types: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the table into a folder and return its path."""
        path, frame = folder / self.file, self.make(np.random.default_rng(list(self.target.encode())))
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False, **self.csv)
        return path


def _labels(random: Random, score: np.ndarray, share: float = 0.5, words: Any = ("no", "yes")) -> np.ndarray:
    """The second word for about this share of the rows, those with the highest score plus noise."""
    noisy = score + 0.3 * random.normal(size=len(score)) * score.std()
    return np.where(noisy > np.quantile(noisy, 1 - share), words[1], words[0])


def _all_numeric(random: Random, rows: int = 500) -> pd.DataFrame:
    frame = pd.DataFrame(random.normal(50, 10, (rows, 4)).round(2), columns=["age", "load", "speed", "noise"])
    frame["visits"] = random.poisson(3, rows)
    return frame.assign(
        churned=_labels(random, (frame.age - frame["load"] + 5 * frame.visits).to_numpy(), words=(0, 1))
    )


def _all_categories(random: Random) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "region": random.choice(["north", "south", "east", "west"], 600),
            "plan": random.choice(["basic", "plus", "pro"], 600),
            "channel": random.choice([f"partner {i}" for i in range(30)], 600),
        }
    )
    score = 2.0 * (frame.plan == "pro") + frame.region.isin(["north", "east"]) + 0.3 * random.normal(size=600)
    return frame.assign(renewed=_labels(random, score.to_numpy()))


def _mixed_with_missing(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random, 600).drop(columns="churned")
    frame["segment"] = random.choice(["home", "office", "public"], 600)
    frame["rooms"] = random.integers(1, 9, 600).astype(str)
    score = frame.age - frame["load"] + 20 * (frame.segment == "home") + 4 * frame.rooms.astype(int)
    for name, word in {"age": None, "load": None, "segment": "n/a", "rooms": "NULL"}.items():
        frame.loc[random.random(600) < 0.2, name] = word
    return frame.assign(empty=None, sold=_labels(random, score.to_numpy()))


def _timestamps(random: Random) -> pd.DataFrame:
    ask_time = pd.Series(pd.Timestamp("2023-01-01") + pd.to_timedelta(random.integers(0, 63_072_000, 800), unit="s"))
    due = ask_time.dt.normalize() + pd.to_timedelta(random.integers(1, 60, 800), unit="D")
    score = 2.0 * ask_time.dt.hour.between(8, 17) + due.dt.month.between(4, 9) + (ask_time.dt.day_of_week < 5)
    frame = pd.DataFrame(
        {
            "asked": ask_time,
            "asked_utc": ask_time.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "due": due.dt.strftime("%d.%m.%Y"),
            "due_us": due.dt.strftime("%m/%d/%Y"),
            "due_uk": due.dt.strftime("%d/%m/%Y"),
            "answered": (ask_time + pd.Timedelta(hours=3)).dt.strftime("%d.%m.%Y %H:%M"),
        }
    )
    return frame.assign(late=_labels(random, score.to_numpy()))


def _free_text(random: Random) -> pd.DataFrame:
    plain = ["the", "room", "was", "on", "a", "second", "floor", "with", "two", "windows", "breakfast", "came", "at"]
    good, bad = ["clean", "friendly", "quiet", "lovely", "helpful"], ["dirty", "rude", "noisy", "broken", "awful"]
    happy = random.random(500) < 0.5
    texts = [
        " ".join(random.permutation([*random.choice(plain, 9), *random.choice(good if mood else bad, 3)])) + "."
        for mood in happy
    ]
    return pd.DataFrame({"review": texts, "nights": random.integers(1, 9, 500), "mood": _labels(random, happy * 1.0)})


def _classes_as_words(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random, 600).drop(columns="churned")
    words = pd.qcut(frame.age - frame["load"] + random.normal(size=600), 3, labels=["low risk", "medium", "high"])
    return frame.assign(rating=words.astype(str))


def _classes_as_integers(random: Random) -> pd.DataFrame:
    number = random.integers(1, 13, 800)
    angle = number * np.pi / 6
    noise = 0.08 * random.normal(size=(2, 800))
    return pd.DataFrame({"east": np.cos(angle) + noise[0], "north": np.sin(angle) + noise[1], "hour": number})


def _skewed_numbers(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random, 800).drop(columns="churned")
    price = np.exp(8 + (frame.age - 50) / 8 + frame.visits / 3 + 0.2 * random.normal(size=800))
    return frame.assign(price=price.round(2))


def _rare(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random, 5000).drop(columns="churned")
    score = ((frame.age - 50) / 10 + (frame["load"] - 50) / 10 + 0.2 * random.normal(size=5000)).to_numpy()
    return frame.assign(fraud=_labels(random, score, 0.01))


def _wide(random: Random) -> pd.DataFrame:
    values = random.normal(size=(300, 499)).round(4)
    frame = pd.DataFrame(values, columns=[f"gene {i}" for i in range(499)])
    return frame.assign(responds=_labels(random, values[:, :3].sum(axis=1)))


def _constant_and_duplicate(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random)
    copies = {"load_copy": frame["load"], "visits_again": frame.visits, "unit": "kg", "version": 3}
    return frame.assign(**copies)[[*copies, *frame]]


def _not_ascii(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random).drop(columns="churned")
    towns = pd.Series(random.choice(["Köln", "Łódź", "京都", "Ёлкино"], 500))
    score = frame.age - frame["load"] + 15 * (towns == "京都") - 10 * (towns == "Köln")
    names = ["Größe (m²)", "Länge", "höhe ≥ 1 ½", "шум", "πλήθος"]
    frame.columns = pd.Index(names)
    return frame.assign(città=towns, 結果=_labels(random, score.to_numpy(), words=("だめ", "良い ✓")))


def _booleans(random: Random) -> pd.DataFrame:
    facts = random.random((500, len(FLAGS))) < 0.5
    frame = pd.DataFrame(
        {name: np.where(fact, *words) for fact, (name, words) in zip(facts.T, FLAGS.items(), strict=True)}
    )
    frame.loc[random.random(500) < 0.1, "garden"] = ""
    frame["parking"] = np.where(random.random(500) < 0.5, frame.parking, frame.parking.str.lower())
    return frame.assign(rent=(500 + facts @ [90, 60, 150, 10, 200, 40] + 10 * random.normal(size=500)).round(2))


def _decimal_commas(random: Random) -> pd.DataFrame:
    frame = _all_numeric(random).drop(columns="churned")
    return frame.assign(Umsatz=(1000 + 20 * frame.age - 9 * frame["load"] + random.normal(size=500)).round(2))


def _nullable(random: Random) -> pd.DataFrame:
    frame = _mixed_with_missing(random).drop(columns="empty").convert_dtypes()
    frame["segment"] = frame.segment.replace("n/a", None).astype("category")
    frame["rooms"] = pd.to_numeric(frame.rooms, errors="coerce").astype("Int8")
    day = pd.Timestamp("2024-01-01", tz="Europe/Berlin") + pd.to_timedelta(random.integers(0, 300, 600), unit="D")
    flag = (frame.visits > 3).where(frame.visits > 0)
    return frame.assign(day=day, ratio=pd.array(random.random(600), "Float32"), flag=flag)


def _patient_visits(random: Random) -> pd.DataFrame:
    patient = random.integers(0, 120, 1200)
    own = random.normal(0, 0.5, 120)
    pulse, dose = random.normal(70, 10, 1200).round(), random.integers(1, 5, 1200)
    score = (pulse - 70) / 10 + dose / 2 + own[patient]
    frame = pd.DataFrame({"patient": [f"P{number:03}" for number in patient], "pulse": pulse, "dose": dose})
    return frame.assign(relapse=_labels(random, score))


def _museum_days(random: Random) -> pd.DataFrame:
    day = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.sort(random.integers(0, 900, 900)), unit="D")
    warm = 10 - 12 * np.cos(2 * np.pi * day.day_of_year / 365.25) + random.normal(0, 3, 900)
    frame = pd.DataFrame({"day": day.date, "temperature": warm.round(1), "holiday": random.random(900) < 0.1})
    return frame.assign(visitors=(200 + 15 * warm + 100 * frame.holiday + 20 * random.normal(size=900)).round(1))


def _no_signal(random: Random) -> pd.DataFrame:
    frame = _mixed_with_missing(random).drop(columns="sold")
    return frame.assign(coin=random.choice(["heads", "tails"], 600))


KINDS = {
    "all numeric": Kind("customers.csv", "churned", _all_numeric),
    "all categories": Kind("contracts.csv", "renewed", _all_categories),
    "mixed with missing": Kind("flats.csv", "sold", _mixed_with_missing, types="integer: 2, number: 4, category: 1"),
    "timestamps": Kind("requests.csv", "late", _timestamps, types="timestamp: 6"),
    "free text": Kind("reviews.csv", "mood", _free_text, types="integer: 1, text: 1"),
    "3 classes as words": Kind("ratings.csv", "rating", _classes_as_words),
    "12 classes as integers": Kind("clock.csv", "hour", _classes_as_integers),
    "regression, skewed": Kind("prices.csv", "price", _skewed_numbers),
    "1 % positives": Kind("payments.csv", "fraud", _rare),
    "500 columns, 300 rows": Kind("genes.csv", "responds", _wide),
    "constant and duplicate columns": Kind("copies.csv", "churned", _constant_and_duplicate),
    "not ASCII": Kind("Größe, 測定 №1.csv", "結果", _not_ascii),
    "booleans in six spellings": Kind("rents.csv", "rent", _booleans, types="boolean: 6"),
    "semicolons and decimal commas": Kind(
        "umsatz.csv", "Umsatz", _decimal_commas, {"sep": ";", "decimal": ","}, types="number: 4"
    ),
    "nullable Parquet": Kind(
        "flats.parquet", "sold", _nullable, types="integer: 2, number: 5, boolean: 1, category: 1, timestamp: 1"
    ),
    "grouped": Kind("visits.csv", "relapse", _patient_visits, keys={"group": "patient"}),
    "timed": Kind("museum.csv", "visitors", _museum_days, keys={"time": "day"}),
    "no signal": Kind("coins.csv", "coin", _no_signal, signal=False),
}


if __name__ == "__main__":
    for kind in KINDS.values():
        print(kind.write(Path(sys.argv[1])))
