"""The two tables of the zoo, and of each what a pull request there may touch."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = 5000
REGIONS = ("north", "south", "east", "west")
MODEL = {"estimator": "auto", "arguments": {"max_iter": 30, "learning_rate": 0.1}}


@dataclass(frozen=True)
class Table:
    """data: of base's params; floor: of roc_auc; strong: columns that the target follows most, best first;
    more: further rows; hard: where is a row hard to tell.
    """

    name: str
    title: str
    file: str
    data: dict[str, Any]
    strong: list[str]
    rare: str
    floor: float
    hard: Callable[[pd.DataFrame], pd.Series]
    make: Callable[[int, int], pd.DataFrame] | None = None

    @property
    def source(self) -> str:
        return f"data/source/{self.file}"

    @property
    def suite(self) -> str:
        return f"expectations/{Path(self.file).stem}.json"

    def params(self) -> dict[str, Any]:
        floors = {"floors": {"roc_auc": self.floor}}
        return {"data": {"source": self.source, **self.data}, "model": MODEL, "evaluate": {"bootstrap": 100},
                "requirements": floors, "review": {"replicas": 3}}  # fmt: skip

    def write(self, folder: Path) -> None:
        """Table, suite and behaviour, where the repository does not hold them."""
        if self.make:
            self.make(ROWS, 0).to_csv(folder / self.source, index=False)
            (folder / self.suite).write_text(json.dumps({"name": "orders", "expectations": SUITE}, indent=1) + "\n")
            (folder / "expectations/behaviour.yaml").write_text(BEHAVIOUR)


def orders(rows: int, first: int) -> pd.DataFrame:
    """Numbers, words and gaps; late follows the product of two numbers most, which trees see late."""
    random = np.random.default_rng([first, 8])
    frame = pd.DataFrame({
        "order_id": np.arange(first, first + rows) + 1000,
        "weight": random.normal(20, 6, rows).round(2),
        "discount": random.normal(10, 4, rows).round(2),
        "items": random.poisson(4, rows),
        "distance": random.gamma(2, 50, rows).round(1),
        "age": random.normal(40, 12, rows).round(),
        "region": random.choice(REGIONS, rows),
        "channel": random.choice(["shop", "web", "phone"], rows),
    })  # fmt: skip
    late = random.random(rows) < 1 / (1 + np.exp(-2 * score(frame)))
    for name, share in {"discount": 0.02, "distance": 0.03, "channel": 0.04}.items():
        frame.loc[random.random(rows) < share, name] = None
    return frame.assign(late=np.where(late, "yes", "no"))


def score(frame: pd.DataFrame) -> pd.Series:
    pull = (frame.weight - 20) * (frame.discount - 10) / 24
    where = frame.region.map({"north": 0.6, "south": -0.4}).fillna(0)
    return 1.2 * pull + 0.02 * (frame.distance.fillna(90) - 100) + 0.3 * (frame["items"] - 4) + where


SUITE = [
    {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 500, "max_value": 100000}},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "order_id"}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "weight", "min_value": -50, "max_value": 100}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "distance", "mostly": 0.95}},
    {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "region", "regex": "^[a-z]+$"}},
]
BEHAVIOUR = """\
- name: a longer way is not quicker
  why: Every way takes its time.
  raise: {distance: 50}
  then: never lower
  allowed: 0.2
"""
# fmt: off
ORDERS = Table(
    "orders", "5,000 rows of numbers, words and gaps", "orders.csv",
    {"target": "late", "positive": "yes", "key": "order_id"}, ["distance", "items"], "yes", 0.6,
    lambda frame: score(frame).abs() < 0.6, orders,
)
SAMPLE = Table(
    "sample", "The sample: 569 rows", "breast-cancer.csv",
    {"target": "diagnosis", "positive": "malignant", "key": "id"}, ["worst perimeter", "worst concave points"],
    "malignant", 0.8, lambda frame: frame["worst perimeter"].between(95, 125),
)
# fmt: on
TABLES = {table.name: table for table in (ORDERS, SAMPLE)}
