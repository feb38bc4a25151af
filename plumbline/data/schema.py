"""The table's schema: its columns with their types and roles, settled once by ingest and kept in data/schema.json."""

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

ARROW = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "timestamp": pa.timestamp("us"),
}
NUMERIC = ("integer", "number")
# The columns of data/features.parquet beside the features.
BESIDE = ("@key", "@side", "@target", "@weight", "@group", "@time")
KEY, SIDE, TARGET, WEIGHT, GROUP, TIME = BESIDE
TRAIN, HOLDOUT = "train", "holdout"  # in SIDE
_json = partial(json.dumps, ensure_ascii=False)


@dataclass(frozen=True)
class Column:
    """One column: share of missing values, distinct values, and a range (numbers, times: `low`, `high`)."""

    name: str
    type: str
    # feature and time are inputs of the model; target, key, group, weight, protected and ignored are not
    role: str = "feature"
    missing: float = 0.0
    distinct: int = 0
    low: Any = None
    high: Any = None
    format: str | None = None  # of a timestamp whose words are not ISO 8601


@dataclass(frozen=True)
class Schema:
    """All columns in the source's order, and what is predicted.

    classes: of a classification, in the order of the model's probabilities; positive: of a binary one.
    source: the form of the file that was read, in words; missing: what means no value there beside the usual words.
    """

    columns: tuple[Column, ...]
    rows: int
    task: str
    classes: tuple[Any, ...] = ()
    positive: Any = None
    source: str = ""
    missing: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str) -> "Schema":
        return cls.loads(Path(path).read_text(encoding="utf-8"))

    @classmethod
    def loads(cls, text: str) -> "Schema":
        content = json.loads(text)
        columns = tuple(Column(**column) for column in content.pop("columns"))
        classes, missing = tuple(content.pop("classes")), tuple(content.pop("missing", ()))
        return cls(columns=columns, classes=classes, missing=missing, **content)

    def dumps(self) -> str:
        """Canonical JSON: one column a line, in the source's order."""
        content = asdict(self)
        columns = [{k: v for k, v in column.items() if v is not None} for column in content.pop("columns")]
        head = "".join(f" {_json(key)}: {_json(value)},\n" for key, value in content.items())
        return f'{{\n{head} "columns": [\n  ' + ",\n  ".join(map(_json, columns)) + "\n ]\n}\n"

    @property
    def target(self) -> Column:
        """The column that is predicted."""
        return next(column for column in self.columns if column.role == "target")

    def column(self, role: str) -> Column | None:
        """The one column of this role, or None."""
        return next((column for column in self.columns if column.role == role), None)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """What src/features.py sees: never the target, the key, the group, the weight or what is ignored."""
        return tuple(column for column in self.columns if column.role in ("feature", "time"))

    def with_role(self, name: str, role: str) -> "Schema":
        return replace(self, columns=tuple(replace(c, role=role) if c.name == name else c for c in self.columns))


def frame(table: pa.Table, types: dict[str, str]) -> pd.DataFrame:
    """An Arrow table as the frame that features and model see: the same dtypes whatever the batch holds.

    Numbers are float64 (NaN where missing), flags pandas' boolean, times datetime64[us], the rest str.
    """
    columns = {name: _series(table.column(name), kind) for name, kind in types.items()}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def _series(values: pa.ChunkedArray, kind: str) -> Any:
    if kind in NUMERIC:
        return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if kind == "boolean":
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return pd.arrays.BooleanArray(pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool), missing)
    if kind == "timestamp":
        return values.to_pandas().to_numpy()
    return pd.array(values.combine_chunks(), dtype="str")


def type_of(arrow: pa.DataType) -> str:
    """The schema's type for an Arrow type; what is no number, flag or time is a category."""
    if pa.types.is_integer(arrow):
        return "integer"
    if pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        return "number"
    if pa.types.is_boolean(arrow):
        return "boolean"
    return "timestamp" if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow) else "category"


def types_of(features: pa.Schema | pd.DataFrame, schema: Schema) -> dict[str, str]:
    """Each feature's type: the schema's where src/features.py passed a column on, else by what it made."""
    if isinstance(features, pd.DataFrame):
        features = pa.Schema.from_pandas(features.iloc[:0], preserve_index=False)
    types = {field.name: type_of(field.type) for field in features if field.name not in BESIDE}
    passed = {column.name: column.type for column in schema.inputs}
    kin = {"integer": "number", "text": "category"}
    for name, found in types.items():
        known = passed.get(name, found)
        if kin.get(known, known) == kin.get(found, found):
            types[name] = known
    return types


def ready(features: pd.DataFrame, types: dict[str, str]) -> pd.DataFrame:
    """Features as the estimator's columns: numbers and flags float64, times datetime64, words objects; gaps are NaN."""
    columns: dict[str, Any] = {}
    for name, kind in types.items():
        values = features[name]
        if kind in (*NUMERIC, "boolean"):
            columns[name] = values.to_numpy(dtype="float64", na_value=np.nan)
        elif kind == "timestamp":
            columns[name] = values.to_numpy(dtype="datetime64[us]")
        else:
            columns[name] = values.astype(object).where(values.notna(), np.nan)
    return pd.DataFrame(columns, index=features.index, copy=False)
