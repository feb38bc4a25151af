"""What goes wrong with tables on their way, by name, each at a size that matters; made for template.drafts.orders."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Corruption = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
PART = 0.1  # of the rows, where not all are hit


def _all(column: str, change: Callable[[pd.Series], Any]) -> Corruption:
    return lambda frame, random: frame.assign(**{column: change(frame[column])})


def _some(column: str, change: Callable[[pd.Series], Any], part: float = PART) -> Corruption:
    def corrupt(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        hit = random.random(len(frame)) < part
        values = frame[column].copy()
        values[hit] = change(values[hit])
        return frame.assign(**{column: values})

    return corrupt


def _swapped(one: str, other: str) -> Corruption:
    return lambda frame, random: frame.assign(**{one: frame[other], other: frame[one]})


def _moved(*columns: str) -> Corruption:
    """These columns come from other rows."""

    def corrupt(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        order = random.permutation(len(frame))
        return frame.assign(**{name: frame[name].iloc[order].reset_index(drop=True) for name in columns})

    return corrupt


def _again(part: float, keys: bool) -> Corruption:
    """A share of the rows given twice, with their own keys or with new ones."""

    def corrupt(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        twice = frame[random.random(len(frame)) < part]
        return pd.concat([frame, twice if keys else twice.assign(order_id="B" + twice.order_id.str[1:])])

    return corrupt


def _renamed(levels: dict[Any, Any]) -> Callable[[pd.Series], pd.Series]:
    return lambda values: values.map(lambda value: levels.get(value, value), na_action="ignore")


def _rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Corruption:
    return lambda frame, random: change(frame).reset_index(drop=True)


CORRUPTIONS: dict[str, Corruption] = {
    "units x 100": _all("net", lambda v: v * 100),
    "units x 100 in a tenth of the rows": _some("weight.kg", lambda v: v * 100),
    "thousands instead of ones": _all("gross", lambda v: v / 1000),
    "pounds instead of kilograms": _all("weight.kg", lambda v: v * 2.2046),
    "decimal point lost": _all("weight.kg", lambda v: (v * 10).round()),
    "sign flipped": _all("net", lambda v: -v),
    "sign flipped in a tenth of the rows": _some("net", lambda v: -v),
    "column filled with 0": _all("weight.kg", lambda v: v * 0),
    "a skewed column filled with 0": _all("balance", lambda v: v * 0),
    "0 for missing in a tenth of the rows": _some("gross", lambda v: v * 0),
    "gaps filled with 0": _all("items", lambda v: v.fillna(0)),
    "gaps filled with the mean": _all("items", lambda v: v.fillna(18)),
    "-999 for missing in a hundredth of the rows": _some("weight.kg", lambda v: v * 0 - 999, 0.01),
    "column clipped at its median": _all("net", lambda v: v.clip(upper=v.median())),
    "column constant": _all("items", lambda v: v * 0 + 18),
    "numbers as text": _all("net", lambda v: v.astype(str)),
    "numbers as text with a comma": _all("gross", lambda v: v.astype(str).str.replace(".", ",")),
    "all values missing": _all("weight.kg", lambda v: v.where(v != v)),
    "a tenth of the values missing": _some("net", lambda v: np.nan),
    "a fiftieth of a category missing": _some("region", lambda v: None, 0.02),
    "amounts swapped": _swapped("net", "gross"),
    "numbers swapped": _swapped("weight.kg", "balance"),
    "times swapped": _swapped("opened at", "closed at"),
    "words swapped": _swapped("region", "target"),
    "flag inverted": _all("express", lambda v: ~v),
    "level renamed": _all("region", _renamed({"south": "South"})),
    "smallest level renamed": _all("region", _renamed({"île": "ile"})),
    "level renamed in a tenth of the rows": _some("target", lambda v: "unknown"),
    "two levels exchanged": _all("region", _renamed({"north": "west", "west": "north"})),
    "one level swallows another": _all("region", _renamed({"west": "east"})),
    "codes counted from 0": _all("rating", lambda v: v - 1),
    "codes reversed": _all("rating", lambda v: 6 - v),
    "case changed": _all("region", lambda v: v.str.upper()),
    "case of text changed": _all("remark", lambda v: v.str.upper()),
    "text truncated": _all("remark", lambda v: v.str[:20]),
    "text truncated in a quarter of the rows": _some("remark", lambda v: v.str[:8], 0.25),
    "text emptied in a twentieth of the rows": _some("remark", lambda v: "", 0.05),
    "text in the wrong encoding": _all("closed by", lambda v: v.str.encode("utf-8").str.decode("latin-1")),
    "leading zeros lost": _all("postcode", lambda v: v.str.lstrip("0")),
    "leading zeros lost and typed": _all("postcode", lambda v: v.astype(int)),
    "blanks around levels": _all("target", lambda v: v + " "),
    "dates a year later": _all("opened at", lambda v: v + pd.Timedelta(days=365)),
    "dates a year earlier": _all("opened at", lambda v: v - pd.Timedelta(days=365)),
    "dates in another century": _some("opened at", lambda v: v - pd.DateOffset(years=100)),
    "missing dates as 1970": _some("closed at", lambda v: pd.Timestamp(0), 0.05),
    "dates a month later on one side of a pair": _all("opened at", lambda v: v + pd.Timedelta(days=30)),
    "dates as text": _all("opened at", lambda v: v.dt.strftime("%d.%m.%Y")),
    "all rows twice": _again(1.0, keys=True),
    "a hundredth of the rows twice": _again(0.01, keys=True),
    "all rows twice with new keys": _again(1.0, keys=False),
    "a quarter of the rows twice with new keys": _again(0.25, keys=False),
    "key repeated": _some("order_id", lambda v: v.iloc[0], 0.01),
    "key missing in a hundredth of the rows": _some("order_id", lambda v: None, 0.01),
    "file truncated to a half": _rows(lambda f: f.head(len(f) // 2)),
    "file truncated by a sixth": _rows(lambda f: f.head(len(f) * 5 // 6)),
    "a region only": _rows(lambda f: f[f.region == "north"]),
    "a filter that drops a level": _rows(lambda f: f[f.region != "east"]),
    "large amounts only": _rows(lambda f: pd.concat([f[f.net > 60]] * 2).drop_duplicates()),
    "times joined to other rows": _moved("closed at"),
    "a wrong join": _moved("net", "opened at", "closed by"),
    "a left join that finds half": _some("weight.kg", lambda v: np.nan, 0.5),
    "one column sorted": _all("gross", lambda v: v.sort_values(ignore_index=True)),
    "a column a row lower": _all("closed by", lambda v: v.shift(1)),
    "column renamed": _rows(lambda f: f.rename(columns={"net": "Net"})),
    "column dropped": _rows(lambda f: f.drop(columns="discount")),
    "column added": _rows(lambda f: f.assign(index=range(len(f)))),
}
