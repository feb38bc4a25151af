"""Types, settled on whole columns: what a CSV's text can be read as, and whether words are categories or free text."""

import pyarrow as pa
import pyarrow.compute as pc

from src.predictor.schema import ARROW, NUMERIC, type_of
from src.predictor.tables import Source, convert

ORDER = ("boolean", "integer", "number", "timestamp")  # the first that every value of a column fits
FIRST = 100  # values that rule most types out: Arrow words an error for each value of a batch that fails
NOT_A_NUMBER = r"^\s*[+-]?0(\d|[xX])|^\s*[+-]?\d{20,}"  # 007 and 0x1F are names, and so is what no double holds
WORDS_OF_TEXT = 3.0  # free text: this many words on average ...
DISTINCT_OF_TEXT = 0.5  # ... and this share of the values distinct


def storage_types(source: Source, overrides: dict[str, str]) -> dict[str, str]:
    """Each column's type as it will be kept: one of the schema's, words as "category" until they are counted."""
    if source.types is not None:
        return {name: type_of(arrow) for name, arrow in source.types.items()} | overrides
    possible: dict[str, list[str]] = {}
    for batch in source.batches():
        for name in source.names:
            values = batch.column(name)
            if values.null_count < len(values):
                for part in (values.slice(0, FIRST), values):
                    possible[name] = [kind for kind in possible.get(name, ORDER) if _fits(part, kind, source.decimal)]
    return {name: next(iter(possible.get(name, ())), "category") for name in source.names} | overrides


def _fits(values: pa.ChunkedArray, kind: str, decimal: str) -> bool:
    if kind == "boolean":  # words only: 0 and 1 are integers
        words = pc.utf8_lower(pc.utf8_trim_whitespace(values.drop_null()))
        return pc.all(pc.is_in(words, pa.array(["true", "false"]))).as_py()
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
