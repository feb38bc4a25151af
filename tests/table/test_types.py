"""Types are settled on whole columns."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from src.predictor.tables import open_source
from src.table.types import is_free_text, storage_types

COLUMNS = {
    "whole": (["1", "", "-30"], "integer"),
    "late word": (["1", "2", "x"], "category"),
    "late decimal": (["1", "2", "0.5"], "number"),
    "leading zero": (["1", "2", "007"], "category"),
    "hexadecimal": (["0x1F", "1", "2"], "category"),
    "too long": (["1", "2", "12345678901234567890"], "category"),
    "flag": (["true", "", " FALSE"], "boolean"),
    "zero and one": (["0", "1", "1"], "integer"),
    "date": (["2024-01-31", "", "2024-02-29"], "timestamp"),
    "time": (["2024-01-31T10:00:00", "2024-01-31 10:00", ""], "timestamp"),
    "no date": (["2024-01-31", "", "2024-02-31"], "category"),
    "nothing": (["", "NA", ""], "category"),
}


@pytest.mark.parametrize("delimiter", [",", ";"])  # the second with a decimal comma
def test_a_type_is_the_first_that_every_value_fits_or_what_is_stated(delimiter: str, tmp_path: Path) -> None:
    rows = zip(*(values for values, _ in COLUMNS.values()), strict=True)
    text = "\n".join(delimiter.join(row) for row in [tuple(COLUMNS), *rows])
    (tmp_path / "t.csv").write_text(text.replace(".", ",") if delimiter == ";" else text)
    source = open_source(str(tmp_path / "t.csv"))
    whole = source.batches
    source = replace(source, batches=lambda: (table.slice(i, 1) for table in whole() for i in range(len(table))))
    assert storage_types(source, {}) == {name: kind for name, (_, kind) in COLUMNS.items()}
    assert storage_types(source, {"whole": "category"})["whole"] == "category"


def test_free_text_has_words_and_hardly_recurs() -> None:
    words = [f"this is sentence {i}" for i in range(4)]
    assert is_free_text(pa.chunked_array([[*words, None]]), distinct=4)
    assert not is_free_text(pa.chunked_array([words]), distinct=1)
    assert not is_free_text(pa.chunked_array([["two words"] * 4]), distinct=4)
