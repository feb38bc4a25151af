"""The schema of the table: columns with types and roles, which ingest writes to data/schema.json."""

import json
from collections.abc import Mapping
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
# The columns of data/features.parquet that are not features.
RESERVED_COLUMNS = ("@key", "@side", "@target", "@weight", "@group", "@time")
KEY, SIDE, TARGET, WEIGHT, GROUP, TIME = RESERVED_COLUMNS
TRAIN, HOLDOUT = "train", "holdout"  # the values of SIDE
_json = partial(json.dumps, ensure_ascii=False)


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes
    ----------
    name : str
    type : str
        A key of `ARROW`.
    role : str
        feature or time, which are inputs of the model, or target, key, group, weight, protected or ignored.
    missing : float
        The share of rows without a value.
    distinct : int
        The number of distinct values.
    low, high : number, str or None
        The range of numbers and timestamps (as ISO 8601), None for all other types.
    format : str or None
        The strptime format of a timestamp that is not written in ISO 8601.
    """

    name: str
    type: str
    role: str = "feature"
    missing: float = 0.0
    distinct: int = 0
    low: Any = None
    high: Any = None
    format: str | None = None


@dataclass(frozen=True)
class Schema:
    """All columns in the order of the source, and the task.

    Attributes
    ----------
    columns : tuple of Column
    rows : int
        Rows of data/table.parquet.
    task : str
        binary, multiclass or regression.
    classes : tuple
        The classes in the order of the model's probabilities, empty for a regression.
    positive : str, int, float, bool or None
        The positive class of a binary task.
    source : str
        A description of the file format of the source.
    missing : tuple of str
        Missing-value markers of the project, in addition to the default ones.
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
        """Return the schema in a JSON file."""
        return cls.loads(Path(path).read_text(encoding="utf-8"))

    @classmethod
    def loads(cls, text: str) -> "Schema":
        """Return the schema in a JSON text that `dumps` wrote."""
        content = json.loads(text)
        columns = tuple(Column(**column) for column in content.pop("columns"))
        classes, missing = tuple(content.pop("classes")), tuple(content.pop("missing", ()))
        return cls(columns=columns, classes=classes, missing=missing, **content)

    def dumps(self) -> str:
        """Return JSON with one line for each column."""
        content = asdict(self)
        columns = [{k: v for k, v in column.items() if v is not None} for column in content.pop("columns")]
        head = "".join(f" {_json(key)}: {_json(value)},\n" for key, value in content.items())
        return f'{{\n{head} "columns": [\n  ' + ",\n  ".join(map(_json, columns)) + "\n ]\n}\n"

    @property
    def target(self) -> Column:
        """The column with the role target."""
        return next(column for column in self.columns if column.role == "target")

    def column(self, role: str) -> Column | None:
        """Return the first column with this role, or None."""
        return next((column for column in self.columns if column.role == role), None)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that src/features.py gets: those with the role feature or time."""
        return tuple(column for column in self.columns if column.role in ("feature", "time"))

    def with_role(self, name: str, role: str) -> "Schema":
        """Return the schema with another role for one column."""
        return replace(self, columns=tuple(replace(c, role=role) if c.name == name else c for c in self.columns))


def to_frame(table: pa.Table, types: Mapping[str, str]) -> pd.DataFrame:
    """Return an Arrow table as a frame whose dtypes depend on the types alone, whatever values a batch holds.

    Parameters
    ----------
    table : pyarrow.Table
    types : mapping of str to str
        The columns to take, and their types.

    Returns
    -------
    DataFrame
        Numbers are float64 (NaN where missing), booleans pandas' boolean, timestamps datetime64[us], all others str.
    """
    columns = {name: _to_array(table.column(name), kind) for name, kind in types.items()}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def _to_array(values: pa.ChunkedArray, kind: str) -> Any:
    if kind in NUMERIC:
        return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if kind == "boolean":
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return pd.arrays.BooleanArray(pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool), missing)
    if kind == "timestamp":
        return values.to_pandas().to_numpy()
    return pd.array(values.combine_chunks(), dtype="str")


def type_of(arrow: pa.DataType) -> str:
    """Return the schema's type for an Arrow type; "category" where it is not a number, boolean or timestamp.

    Examples
    --------
    >>> type_of(pa.int32()), type_of(pa.date32()), type_of(pa.string())
    ('integer', 'timestamp', 'category')
    """
    if pa.types.is_integer(arrow):
        return "integer"
    if pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        return "number"
    if pa.types.is_boolean(arrow):
        return "boolean"
    return "timestamp" if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow) else "category"


def feature_names(columns: pa.Table | pa.Schema) -> list[str]:
    """Return the names of the features: all columns but the reserved ones."""
    names = columns.names if isinstance(columns, pa.Schema) else columns.column_names
    return [name for name in names if name not in RESERVED_COLUMNS]


def feature_types(features: pa.Schema | pd.DataFrame, schema: Schema) -> dict[str, str]:
    """Return the type of each feature.

    It is the schema's type where src/features.py returns an input under its own name, else it follows from the dtype.
    """
    if isinstance(features, pd.DataFrame):
        features = pa.Schema.from_pandas(features.iloc[:0], preserve_index=False)
    types = {name: type_of(features.field(name).type) for name in feature_names(features)}
    input_types = {column.name: column.type for column in schema.inputs}
    general = {"integer": "number", "text": "category"}  # to_frame makes the dtypes of these equal
    for name, kind in types.items():
        input_type = input_types.get(name, kind)
        if general.get(input_type, input_type) == general.get(kind, kind):
            types[name] = input_type
    return types


def to_estimator_input(features: pd.DataFrame, types: Mapping[str, str]) -> pd.DataFrame:
    """Return features with the dtypes that an estimator gets.

    Numbers and booleans are float64, timestamps datetime64[us], all others objects; missing values are NaN or NaT.
    """
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
