"""Golden rows: invented rows with their predictions, by which an installed package can be checked anywhere.

They come from the ranges in the schema and from the levels that the fitted encoder has, never from rows of the data.
"""

import json
from datetime import datetime
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from ..data.schema import NUMERIC, Column
from ..errors import ModelError, PlumblineError
from .predictor import Predictor

ROWS = 8
TOLERANCE = 1e-6
INVENTED = "These rows are invented, to check the package with; in the last of them every value is missing"


def make_golden(predictor: Predictor) -> str:
    """Return golden rows and their predictions as JSON lines, each with the keys `row` and `answer`.

    Raises
    ------
    PlumblineError
        Where the predictor cannot predict them.
    """
    rows = make_rows(predictor)
    try:
        answers = json.loads(predictor.predict(rows).to_json(orient="records", double_precision=15))
    except PlumblineError as error:
        raise type(error)(error.message, hint=f"{error.hint}. {INVENTED}") from error
    lines = (
        json.dumps({"row": row, "answer": answer}, ensure_ascii=False)
        for row, answer in zip(rows, answers, strict=True)
    )
    return "".join(f"{line}\n" for line in lines)


def make_rows(predictor: Predictor) -> list[dict[str, Any]]:
    """Return invented raw rows over the ranges and levels of each input, the last with nothing but missing values."""
    levels = _levels(predictor.model.pipeline)
    inputs = predictor.schema.inputs
    rows = [{column.name: _value(column, i + j, levels) for j, column in enumerate(inputs)} for i in range(ROWS)]
    return [*rows, {column.name: None for column in inputs}]


def _levels(pipeline: Pipeline) -> dict[str, list[str]]:
    """The levels of each category that the pipeline's encoder has; none where there is no such encoder."""
    transformer = pipeline.named_steps.get("columns")
    levels_of: dict[str, list[str]] = {}
    for _, part, names in getattr(transformer, "transformers_", []):
        for name, levels in zip(names, getattr(part, "categories_", []), strict=False):
            levels_of[name] = [level for level in levels if isinstance(level, str)]
    return levels_of


def _value(column: Column, step: int, levels: dict[str, list[str]]) -> Any:
    share = (step * 3 % ROWS) / (ROWS - 1)
    if column.type in NUMERIC and column.low is not None:
        value = column.low + share * (column.high - column.low)
        return round(value) if column.type == "integer" else float(f"{value:.6g}")
    if column.type == "timestamp" and column.low is not None:
        low, high = datetime.fromisoformat(column.low), datetime.fromisoformat(column.high)
        moment = low + share * (high - low)
        return moment.strftime(column.format) if column.format else moment.isoformat(" ", "seconds")
    if column.type == "boolean":
        return bool(step % 2)
    words = levels.get(column.name) or ["golden", "row"]
    return words[step % len(words)]


def check_golden(predictor: Predictor, golden: str) -> int:
    """Return how many golden rows get their golden predictions here.

    Parameters
    ----------
    predictor : Predictor
    golden : str
        JSON lines, as of `make_golden`.

    Raises
    ------
    ModelError
        Where a prediction is another one.
    """
    pairs = [json.loads(line) for line in golden.splitlines()]
    predictions = predictor.predict([pair["row"] for pair in pairs])
    expected = pd.DataFrame([pair["answer"] for pair in pairs])
    try:
        pd.testing.assert_frame_equal(predictions, expected, check_dtype=False, rtol=TOLERANCE, atol=TOLERANCE)
    except AssertionError as error:
        difference = str(error).splitlines()[0]
        raise ModelError(
            f"golden rows: not the predictions that the package gave when it was built: {difference}",
            hint="Install the exact versions that it requires",
        ) from None
    return len(pairs)
