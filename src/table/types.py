"""Types, settled on whole columns: what a CSV's text can be read as, and whether words are categories or free text."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from src.predictor.schema import ARROW, NUMERIC
from src.predictor.tables import Source, convert

ORDER = ("boolean", "integer", "number", "timestamp")  # the first that every value of a column fits
NOT_A_NUMBER = r"^\s*[+-]?0(\d|[xX])|^\s*[+-]?\d{20,}"  # 007 and 0x1F are names, and so is what int64 cannot hold
WORDS_OF_TEXT = 3.0  # free text: this many words on average ...
DISTINCT_OF_TEXT = 0.5  # ... and this share of the values distinct


def storage_types(source: Source, overrides: dict[str, str]) -> dict[str, str]:
    """Each column's type as it will be kept: one of the schema's, words as "category" until they are counted."""
    if source.types is not None:
        found = {name: _of_arrow(arrow) for name, arrow in source.types.items()}
    else:
        found = _of_text(source.batches(), source.names, source.decimal)
    return found | overrides


def _of_arrow(arrow: pa.DataType) -> str:
    if pa.types.is_boolean(arrow):
        return "boolean"
    if pa.types.is_integer(arrow):
        return "integer"
    if pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        return "number"
    return "timestamp" if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow) else "category"


def _of_text(batches: Iterable[pa.Table], names: tuple[str, ...], decimal: str) -> dict[str, str]:
    possible = {name: list(ORDER) for name in names}
    seen = dict.fromkeys(names, False)
    for batch in batches:
        for name in names:
            values = batch.column(name)
            if values.null_count == len(values):
                continue
            seen[name] = True
            possible[name] = [kind for kind in possible[name] if _fits(values, kind, decimal)]
    return {name: possible[name][0] if possible[name] and seen[name] else "category" for name in names}


def _fits(values: pa.ChunkedArray, kind: str, decimal: str) -> bool:
    if kind == "boolean":  # words only: 0 and 1 are integers
        values = values.drop_null()
        return pc.all(pc.is_in(pc.utf8_lower(values), pa.array(["true", "false"]))).as_py()
    if kind in NUMERIC and pc.any(pc.match_substring_regex(values, NOT_A_NUMBER)).as_py():
        return False
    try:
        convert(values, kind, decimal)
    except pa.ArrowInvalid:
        return False
    return True


def is_free_text(values: pa.ChunkedArray, distinct: int) -> bool:
    """Sentences rather than levels, by the number of words and of distinct values."""
    filled = len(values) - values.null_count
    if filled == 0 or values.type != ARROW["text"] or distinct < DISTINCT_OF_TEXT * filled:
        return False
    spaces = pc.sum(pc.count_substring_regex(values, r"\s+")).as_py() or 0
    return spaces / filled + 1 >= WORDS_OF_TEXT
