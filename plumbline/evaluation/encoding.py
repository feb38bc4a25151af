"""How values that evaluate measures are written as JSON, and read again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from plumbline.bootstrap import Estimate
from plumbline.files import round_floats


def read_file(path: str) -> Any:
    """Return the content of a JSON file that evaluate wrote."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def decode_estimate(numbers: Sequence[float | None]) -> Estimate:
    """Return an estimate from [value, low, high]; null is NaN."""
    value, low, high = (float("nan") if number is None else number for number in numbers)
    return Estimate(value, low, high)


def encode(value: Any) -> Any:
    """Return dataclasses as maps, without fields that are None, and an estimate as [value, low, high]."""
    if isinstance(value, Estimate):
        return list(value)
    if is_dataclass(value):
        content = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
        return {name: item for name, item in content.items() if item is not None}
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    return [encode(item) for item in value] if isinstance(value, list | tuple) else value


def round_numbers(value: Any) -> Any:
    """Return a value with each float as `write_json` writes it; what is not a finite number is NaN."""
    if isinstance(value, float):
        rounded_number = round_floats(value)
        return float("nan") if rounded_number is None else rounded_number
    if isinstance(value, Estimate):
        return Estimate(*map(round_numbers, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: round_numbers(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, Mapping):
        return {name: round_numbers(item) for name, item in value.items()}
    return type(value)(map(round_numbers, value)) if isinstance(value, list | tuple) else value
