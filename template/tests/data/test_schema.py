"""Types: the same in every batch, and kept in a file that reads as it was written."""

import pandas as pd
import pyarrow as pa
import pytest

from plumbline.data.schema import ARROW, Column, Schema, feature_types, to_estimator_input, to_frame
from template.tests.prediction.conftest import COLUMNS


@pytest.mark.parametrize("classes", [("no", "jä"), (0, 1), (False, True), (1.5, 2.5)])
def test_a_schema_survives_its_file(classes: tuple) -> None:
    schema = Schema(COLUMNS, 7, "binary", classes, classes[1])
    assert Schema.loads(schema.dumps()) == schema


@pytest.mark.parametrize("kind", ARROW)
def test_a_column_has_one_dtype_whatever_a_batch_holds(kind: str) -> None:
    words = pa.array([2**53 + 1, None]).cast(pa.string() if kind in ("category", "text") else pa.int64())
    values = words.cast(ARROW[kind], safe=False)
    frames = [to_frame(pa.table({"a": part}), {"a": kind}) for part in (values, values[:1], values[1:], values[:0])]
    assert len({rows["a"].dtype for rows in frames}) == 1
    features = {"a": [frames[0]["a"][0], None if kind == "timestamp" else pd.NA]}  # as src/features.py may make it
    inputs = [to_estimator_input(rows, {"a": kind})["a"] for rows in [pd.DataFrame(features, dtype=object), *frames]]
    assert len({column.dtype for column in inputs}) == 1
    assert [value != value or value is pd.NaT for value in inputs[0]] == [False, True]


def test_features_keep_the_types_of_the_schema_and_get_new_ones_by_what_they_are() -> None:
    schema = Schema(
        (Column("whole", "integer"), Column("notes", "text"), Column("spread", "category")), 1, "regression"
    )
    features = pd.DataFrame(
        {
            "whole": [1.0],
            "notes": ["a b"],
            "spread": [1.5],
            "@target": [1],
            "day": [3],
            "share": [0.5],
            "old": [True],
            "maybe": [None],
            "band": ["low"],
            "when": ["2024-05-01"],
        }
    )
    features = features.astype(
        {"day": "int32", "share": "float32", "maybe": "boolean", "band": "category", "when": "M8[ns]"}
    )
    types = {
        "whole": "integer",
        "notes": "text",
        "spread": "number",
        "day": "integer",
        "share": "number",
        "old": "boolean",
        "maybe": "boolean",
        "band": "category",
        "when": "timestamp",
    }
    assert feature_types(features, schema) == feature_types(pa.Schema.from_pandas(features), schema) == types
