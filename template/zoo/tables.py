"""The two tables of the zoo, and what a pull request on each may change."""

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
    """A table and its project.

    Attributes
    ----------
    name, title : str
        In the command and on the page.
    file : str
        Its name in data/source.
    data : dict
        The group `data` of base's params.
    strong : list of str
        The columns that the target follows most, best first.
    rare : str
        The rarer class.
    floor : float
        Of roc_auc.
    is_hard : callable
        Which rows are hard to predict.
    make : callable, optional
        Returns so many rows from a first one on; without it the table is the repository's sample.
    """

    name: str
    title: str
    file: str
    data: dict[str, Any]
    strong: list[str]
    rare: str
    floor: float
    is_hard: Callable[[pd.DataFrame], pd.Series]
    make: Callable[[int, int], pd.DataFrame] | None = None

    @property
    def source(self) -> str:
        """Its path."""
        return f"data/source/{self.file}"

    @property
    def suite(self) -> str:
        """The path of its expectation suite."""
        return f"expectations/{Path(self.file).stem}.json"

    def params(self) -> dict[str, Any]:
        """Return base's params.yaml."""
        return {
            "data": {"source": self.source, **self.data},
            "model": MODEL,
            "evaluate": {"bootstrap": 100},
            "requirements": {"floors": {"roc_auc": self.floor}},
            "review": {"replicas": 3},
        }

    def write(self, folder: Path) -> None:
        """Write table, suite and behaviours, unless they are the repository's."""
        if self.make:
            self.make(ROWS, 0).to_csv(folder / self.source, index=False)
            (folder / self.suite).write_text(json.dumps({"name": "orders", "expectations": SUITE}, indent=1) + "\n")
            (folder / "expectations/behaviour.yaml").write_text(BEHAVIOUR)


def orders(rows: int, first: int) -> pd.DataFrame:
    """Return numbers, words and gaps; `late` follows mostly the product of two numbers, which trees learn slowly."""
    random = np.random.default_rng([first, 8])
    frame = pd.DataFrame(
        {
            "order_id": np.arange(first, first + rows) + 1000,
            "weight": random.normal(20, 6, rows).round(2),
            "discount": random.normal(10, 4, rows).round(2),
            "items": random.poisson(4, rows),
            "distance": random.gamma(2, 50, rows).round(1),
            "age": random.normal(40, 12, rows).round(),
            "region": random.choice(REGIONS, rows),
            "channel": random.choice(["shop", "web", "phone"], rows),
        }
    )
    late = random.random(rows) < 1 / (1 + np.exp(-2 * score_orders(frame)))
    for name, share in {"discount": 0.02, "distance": 0.03, "channel": 0.04}.items():
        frame.loc[random.random(rows) < share, name] = None
    return frame.assign(late=np.where(late, "yes", "no"))


def score_orders(frame: pd.DataFrame) -> pd.Series:
    """Return what the target of `orders` follows, half of its log odds."""
    product = (frame.weight - 20) * (frame.discount - 10) / 24
    region = frame.region.map({"north": 0.6, "south": -0.4}).fillna(0)
    return 1.2 * product + 0.02 * (frame.distance.fillna(90) - 100) + 0.3 * (frame["items"] - 4) + region


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
ORDERS = Table(
    name="orders",
    title="5,000 rows of numbers, words and gaps",
    file="orders.csv",
    data={"target": "late", "positive": "yes", "key": "order_id"},
    strong=["distance", "items"],
    rare="yes",
    floor=0.6,
    is_hard=lambda frame: score_orders(frame).abs() < 0.6,
    make=orders,
)
SAMPLE = Table(
    name="sample",
    title="The sample: 569 rows",
    file="breast-cancer.csv",
    data={"target": "diagnosis", "positive": "malignant", "key": "id"},
    strong=["worst perimeter", "worst concave points"],
    rare="malignant",
    floor=0.8,
    is_hard=lambda frame: frame["worst perimeter"].between(95, 125),
)
TABLES = {table.name: table for table in (ORDERS, SAMPLE)}
