"""Golden rows: made-up rows whose answers are known, so that an installed package can be checked anywhere.

They come from the schema's ranges and from the levels that the fitted encoder knows, never from rows of the data.
"""

import json
from datetime import datetime
from typing import Any

import pandas as pd

from ..data.schema import NUMERIC, Column
from ..errors import PlumblineError
from .predictor import Predictor

ROWS = 8
TOLERANCE = 1e-6
MADE_UP = ". The rows are made up, to check the package with; in the last of them every value is missing, as may happen"


def make(predictor: Predictor) -> str:
    """Golden rows and their answers, as JSON lines."""
    made = rows(predictor)
    try:
        answers = json.loads(predictor.predict(made).to_json(orient="records", double_precision=15))
    except PlumblineError as error:
        raise PlumblineError(f"{error}{MADE_UP}") from error
    lines = (
        json.dumps({"row": row, "answer": answer}, ensure_ascii=False)
        for row, answer in zip(made, answers, strict=True)
    )
    return "".join(f"{line}\n" for line in lines)


def rows(predictor: Predictor) -> list[dict[str, Any]]:
    """Made-up raw rows over the schema's ranges and levels, the last of nothing but gaps."""
    levels = _levels(predictor.model.pipeline)
    made = [{c.name: _value(c, i + j, levels) for j, c in enumerate(predictor.schema.inputs)} for i in range(ROWS)]
    return [*made, {c.name: None for c in predictor.schema.inputs}]


def _levels(pipeline: Any) -> dict[str, list[str]]:
    """The levels of each category that the pipeline's encoder learned, none where there is no such encoder."""
    transformer = pipeline.named_steps.get("columns")
    found: dict[str, list[str]] = {}
    for _, part, names in getattr(transformer, "transformers_", []):
        for name, levels in zip(names, getattr(part, "categories_", []), strict=False):
            found[name] = [level for level in levels if isinstance(level, str)]
    return found


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
    known = levels.get(column.name) or ["golden", "row"]
    return known[step % len(known)]


def check(predictor: Predictor, golden: str) -> int:
    """How many golden rows give their golden answers here; raises PlumblineError at the first that does not."""
    pairs = [json.loads(line) for line in golden.splitlines()]
    found = predictor.predict([pair["row"] for pair in pairs])
    expected = pd.DataFrame([pair["answer"] for pair in pairs])
    try:
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=TOLERANCE, atol=TOLERANCE)
    except AssertionError as error:
        what = str(error).splitlines()[0]
        raise PlumblineError(
            f"golden rows: not the answers that the package gave when it was made: {what}. "
            "Install the exact versions that it names"
        ) from None
    return len(pairs)
