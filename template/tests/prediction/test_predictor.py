"""Raw rows to predictions: one row at a time or many, in whatever form, or a refusal that names the place."""

from datetime import date

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.errors import PlumblineError
from plumbline.prediction.predictor import Predictor
from template.tests.prediction.conftest import SCHEMA, TABLE, make_model

ROW = {"x1": 0.5, "größe": None, "row_id": 7, "colour": "red", "flag": True, "seen": "2020-01-05"}
DAYS = st.dates(date(1700, 1, 1), date(2200, 1, 1)).map(str)
VALUES = {
    "x1": st.floats(-5, 5),
    "größe": st.floats(-5, 5),
    "row_id": st.integers(0, 2000),
    "flag": st.booleans(),
    "colour": st.sampled_from(["red", "blue", "never seen"]),
    "seen": DAYS,
}
ROWS = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=3))
def test_a_batch_is_predicted_as_its_rows_are(predictor: Predictor, rows: list[dict]) -> None:
    alone = pd.concat([predictor.predict([row]) for row in rows], ignore_index=True)
    for batch in (rows, pd.DataFrame(rows)):
        pd.testing.assert_frame_equal(predictor.predict(batch), alone)


def test_frames_tables_dicts_and_text_are_predicted_alike_in_any_order_of_columns(predictor: Predictor) -> None:
    expected = predictor.predict(TABLE)
    assert (expected["prediction"] == "yes").tolist() == (expected["probability_yes"] >= 0.4).tolist()
    table = pa.Table.from_pandas(TABLE)
    text = pa.table({name: table[name].cast(pa.string()) for name in table.column_names})
    decimals = TABLE.assign(row_id=TABLE["row_id"].astype(float).astype(str))
    for rows in (table, text, decimals, TABLE.to_dict("records"), TABLE.astype(object), TABLE.iloc[:, ::-1]):
        pd.testing.assert_frame_equal(predictor.predict(rows), expected)
    assert predictor.predict(TABLE.set_index("target")).index.equals(pd.Index(TABLE["target"]))
    assert predictor.predict([ROW | {"colour": "\ud800"}]).equals(predictor.predict([ROW | {"colour": "?"}]))


@pytest.mark.parametrize("form", [pd.DataFrame, pa.Table.from_pandas, lambda frame: frame.to_dict("records")])
def test_no_rows_give_no_predictions_and_a_missing_column_is_refused(predictor: Predictor, form) -> None:
    assert predictor.predict(form(TABLE[:0])).equals(predictor.predict(form(TABLE))[:0])
    with pytest.raises(PlumblineError, match=r"'größe' is missing \(2 of 6 are\); found 5 columns\. Add it$"):
        predictor.predict(form(TABLE.drop(columns=["größe", "flag"])))
    with pytest.raises(PlumblineError, match=r"\(1 of 6 are\); found 7 columns, the nearest is 'GRÖSSE'. Rename it$"):
        predictor.predict(form(TABLE.rename(columns={"größe": "GRÖSSE"})))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("row_id", 1.5, "a whole number"),
        ("row_id", "0x1F", "a whole number"),
        ("row_id", 2**70, "a whole number"),
        ("x1", "secret", "a number"),
        ("x1", [7], "a number"),
        ("flag", 2.0, "true or false"),
        ("flag", "maybe", "true"),
        ("seen", "31.12.2024", "a date or time"),
    ],
)
@pytest.mark.parametrize("form", [list, pd.DataFrame])
def test_a_value_that_does_not_fit_is_refused_by_its_place(predictor, form, column, value, expected) -> None:
    rows = [ROW | {column: candidate} for candidate in (None, ROW[column], value, value)]
    with pytest.raises(PlumblineError, match=f"^input, row 3, column '{column}': expected {expected}") as refusal:
        predictor.predict(form(rows))
    assert str(value) not in str(refusal.value)


@pytest.mark.parametrize(
    ("features", "x1", "message"),
    [
        (lambda rows: rows.head(1), 1, "the 2 rows it was given, in their order, found 1"),
        (lambda rows: rows.iloc[::-1], 1, "in their order"),
        (lambda rows: rows["x1"], 1, "a frame, found Series"),
        (lambda rows: rows.drop(columns="x1"), 1, "made no column 'x1'"),
        (lambda rows: rows, float("inf"), ".*infinity"),
    ],
)
def test_features_of_no_use_are_refused(features, x1: float, message: str) -> None:
    linear = Predictor(make_model("sklearn.linear_model.LogisticRegression"), SCHEMA, features)
    with pytest.raises(PlumblineError, match=message):
        linear.predict([ROW | {"x1": x1}, ROW])
