"""Corruptions of tables that happen in practice, by name, each at a size that matters; for template.drafts.orders."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Corruption = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
SHARE = 0.1  # of the rows, where not all are changed


def _change_all(column: str, change: Callable[[pd.Series], Any]) -> Corruption:
    return lambda frame, random: frame.assign(**{column: change(frame[column])})


def _change_some(column: str, change: Callable[[pd.Series], Any], share: float = SHARE) -> Corruption:
    def corrupt(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        is_changed = random.random(len(frame)) < share
        values = frame[column].copy()
        values[is_changed] = change(values[is_changed])
        return frame.assign(**{column: values})

    return corrupt


def _swap(first: str, second: str) -> Corruption:
    return lambda frame, random: frame.assign(**{first: frame[second], second: frame[first]})


def _permute(*columns: str) -> Corruption:
    """Take these columns from other rows."""

    def corrupt(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        order = random.permutation(len(frame))
        return frame.assign(**{name: frame[name].iloc[order].reset_index(drop=True) for name in columns})

    return corrupt


def _duplicate(share: float, same_keys: bool) -> Corruption:
    """Add a share of the rows again, with the same keys or with new ones."""

    def corrupt(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        copies = frame[random.random(len(frame)) < share]
        return pd.concat([frame, copies if same_keys else copies.assign(order_id="B" + copies.order_id.str[1:])])

    return corrupt


def _rename(levels: dict[Any, Any]) -> Callable[[pd.Series], pd.Series]:
    return lambda values: values.map(lambda value: levels.get(value, value), na_action="ignore")


def _change_frame(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Corruption:
    return lambda frame, random: change(frame).reset_index(drop=True)


CORRUPTIONS: dict[str, Corruption] = {
    "units x 100": _change_all("net", lambda v: v * 100),
    "units x 100 in a tenth of the rows": _change_some("weight.kg", lambda v: v * 100),
    "thousands instead of ones": _change_all("gross", lambda v: v / 1000),
    "pounds instead of kilograms": _change_all("weight.kg", lambda v: v * 2.2046),
    "decimal point lost": _change_all("weight.kg", lambda v: (v * 10).round()),
    "sign flipped": _change_all("net", lambda v: -v),
    "sign flipped in a tenth of the rows": _change_some("net", lambda v: -v),
    "column filled with 0": _change_all("weight.kg", lambda v: v * 0),
    "a skewed column filled with 0": _change_all("balance", lambda v: v * 0),
    "0 for missing in a tenth of the rows": _change_some("gross", lambda v: v * 0),
    "gaps filled with 0": _change_all("items", lambda v: v.fillna(0)),
    "gaps filled with the mean": _change_all("items", lambda v: v.fillna(18)),
    "-999 for missing in a hundredth of the rows": _change_some("weight.kg", lambda v: v * 0 - 999, 0.01),
    "column clipped at its median": _change_all("net", lambda v: v.clip(upper=v.median())),
    "column constant": _change_all("items", lambda v: v * 0 + 18),
    "numbers as text": _change_all("net", lambda v: v.astype(str)),
    "numbers as text with a comma": _change_all("gross", lambda v: v.astype(str).str.replace(".", ",")),
    "all values missing": _change_all("weight.kg", lambda v: v.where(v != v)),
    "a tenth of the values missing": _change_some("net", lambda v: np.nan),
    "a fiftieth of a category missing": _change_some("region", lambda v: None, 0.02),
    "amounts swapped": _swap("net", "gross"),
    "numbers swapped": _swap("weight.kg", "balance"),
    "times swapped": _swap("opened at", "closed at"),
    "words swapped": _swap("region", "target"),
    "flag inverted": _change_all("express", lambda v: ~v),
    "level renamed": _change_all("region", _rename({"south": "South"})),
    "smallest level renamed": _change_all("region", _rename({"île": "ile"})),
    "level renamed in a tenth of the rows": _change_some("target", lambda v: "unknown"),
    "two levels exchanged": _change_all("region", _rename({"north": "west", "west": "north"})),
    "one level swallows another": _change_all("region", _rename({"west": "east"})),
    "codes counted from 0": _change_all("rating", lambda v: v - 1),
    "codes reversed": _change_all("rating", lambda v: 6 - v),
    "case changed": _change_all("region", lambda v: v.str.upper()),
    "case of text changed": _change_all("remark", lambda v: v.str.upper()),
    "text truncated": _change_all("remark", lambda v: v.str[:20]),
    "text truncated in a quarter of the rows": _change_some("remark", lambda v: v.str[:8], 0.25),
    "text emptied in a twentieth of the rows": _change_some("remark", lambda v: "", 0.05),
    "text in the wrong encoding": _change_all("closed by", lambda v: v.str.encode("utf-8").str.decode("latin-1")),
    "leading zeros lost": _change_all("postcode", lambda v: v.str.lstrip("0")),
    "leading zeros lost and typed": _change_all("postcode", lambda v: v.astype(int)),
    "blanks around levels": _change_all("target", lambda v: v + " "),
    "dates a year later": _change_all("opened at", lambda v: v + pd.Timedelta(days=365)),
    "dates a year earlier": _change_all("opened at", lambda v: v - pd.Timedelta(days=365)),
    "dates in another century": _change_some("opened at", lambda v: v - pd.DateOffset(years=100)),
    "missing dates as 1970": _change_some("closed at", lambda v: pd.Timestamp(0), 0.05),
    "dates a month later on one side of a pair": _change_all("opened at", lambda v: v + pd.Timedelta(days=30)),
    "dates as text": _change_all("opened at", lambda v: v.dt.strftime("%d.%m.%Y")),
    "all rows twice": _duplicate(1.0, same_keys=True),
    "a hundredth of the rows twice": _duplicate(0.01, same_keys=True),
    "all rows twice with new keys": _duplicate(1.0, same_keys=False),
    "a quarter of the rows twice with new keys": _duplicate(0.25, same_keys=False),
    "key repeated": _change_some("order_id", lambda v: v.iloc[0], 0.01),
    "key missing in a hundredth of the rows": _change_some("order_id", lambda v: None, 0.01),
    "file truncated to a half": _change_frame(lambda f: f.head(len(f) // 2)),
    "file truncated by a sixth": _change_frame(lambda f: f.head(len(f) * 5 // 6)),
    "a region only": _change_frame(lambda f: f[f.region == "north"]),
    "a filter that drops a level": _change_frame(lambda f: f[f.region != "east"]),
    "large amounts only": _change_frame(lambda f: pd.concat([f[f.net > 60]] * 2).drop_duplicates()),
    "times joined to other rows": _permute("closed at"),
    "a wrong join": _permute("net", "opened at", "closed by"),
    "a left join that finds half": _change_some("weight.kg", lambda v: np.nan, 0.5),
    "one column sorted": _change_all("gross", lambda v: v.sort_values(ignore_index=True)),
    "a column a row lower": _change_all("closed by", lambda v: v.shift(1)),
    "column renamed": _change_frame(lambda f: f.rename(columns={"net": "Net"})),
    "column dropped": _change_frame(lambda f: f.drop(columns="discount")),
    "column added": _change_frame(lambda f: f.assign(index=range(len(f)))),
}
