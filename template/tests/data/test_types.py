"""Types follow from whole columns."""

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from plumbline.data.sources import open_source
from plumbline.data.types import infer_types, is_free_text
from plumbline.errors import PlumblineError
from plumbline.findings import Findings
from plumbline.testing.params import make_params

COLUMNS = {
    "whole": (["1", "", "-30"], "integer"),
    "whole but for gaps": (["1.0", "", "-30.0"], "integer"),
    "decimals that are zero": (["1.0", "2.0", "-30.0"], "number"),
    "late word": (["1", "x", "y"], "category"),
    "late decimal": (["1", "2", "0.5"], "number"),
    "leading zero": (["1", "2", "007"], "category"),
    "hexadecimal": (["0x1F", "1", "2"], "category"),
    "too long": (["1.5", "2", "12345678901234567890"], "category"),
    "long": (["1", "2", "1234567890123456789"], "integer"),
    "flag": (["true", "", " FALSE"], "boolean"),
    "yes": (["Yes", "", "NO"], "boolean"),
    "t": (["t", "F", ""], "boolean"),
    "y": (["n", "Y", "n"], "boolean"),
    "on": (["on", "off", "On"], "boolean"),
    "ja": (["ja", "Nein", ""], "boolean"),
    "two spellings": (["yes", "true", "no"], "category"),
    "zero and one": (["0", "1", "1"], "integer"),
    "date": (["2024-01-31", "", "2024-02-29"], "timestamp"),
    "time": (["2024-01-31T10:00:00", "2024-01-31 10:00", ""], "timestamp"),
    "zone": (["2024-01-31T10:00:00Z", "2024-01-31 10:00:00+02:00", ""], "timestamp"),
    "points": (["31.01.2024", "", "01.02.2024"], "timestamp %d.%m.%Y"),
    "day first": (["31/1/2024", "01/02/2024", ""], "timestamp %d/%m/%Y"),
    "month first": (["1/31/2024 1:05 PM", "01/02/2024 11:00 AM", ""], "timestamp %m/%d/%Y %I:%M %p"),
    "day or month": (["03/04/2024 10:00", "", "01/02/2024 11:00"], "timestamp %d/%m/%Y %H:%M"),
    "month's name": (["31-Jan-2024", "", "1-Feb-2024"], "timestamp %d-%b-%Y"),
    "no date": (["2024-01-31", "", "2024-02-31"], "category"),
    "nothing": (["", "NA", ""], "category"),
}


def infer(path: Path, columns: list[tuple[str, ...]], delimiter: str = ",", **data) -> tuple[dict, Findings]:
    text = "\n".join(delimiter.join(row) for row in columns)
    path.write_text(re.sub(r"(\d)\.(\d+)\b(?!\.)", r"\1,\2", text) if delimiter == ";" else text)
    source, findings = open_source(str(path)), Findings("ingest")
    whole = source.batches
    source = replace(source, batches=lambda: (table.slice(i, 1) for table in whole() for i in range(len(table))))
    params = make_params(data={"target": "flag"} | data)
    return infer_types(source, "t.csv", params.data, findings), findings


@pytest.mark.parametrize("delimiter", [",", ";"])  # the second with a decimal comma
def test_a_type_is_the_first_that_every_value_fits_or_what_is_stated(delimiter: str, tmp_path: Path) -> None:
    rows = [*zip(*(values for values, _ in COLUMNS.values()), strict=True)]
    if delimiter == ";":
        rows = [tuple(cell for cell, name in zip(row, COLUMNS, strict=True) if name != "points") for row in rows]
    columns = {name: kind for name, (_, kind) in COLUMNS.items() if delimiter == "," or name != "points"}
    types, findings = infer(tmp_path / "t.csv", [tuple(columns), *rows], delimiter)
    assert types == columns
    warnings = [finding.evidence for finding in findings.entries if finding.severity == "warning"]
    assert [text.split("'")[1] for text in warnings] == ["too long", "day or month"]
    overrides = {"whole": "category", "date": "timestamp", "day or month": "timestamp %m/%d/%Y %H:%M"}
    types, _ = infer(tmp_path / "t.csv", [tuple(columns), *rows], delimiter, types=overrides, target="yes")
    assert types == columns | overrides | {"yes": "category"}  # a target keeps its own words


@pytest.mark.parametrize("data", [{"time": "d"}, {"types": {"d": "timestamp"}}])
def test_a_date_that_matters_and_can_be_read_in_two_ways_is_refused(data, tmp_path: Path) -> None:
    with pytest.raises(
        PlumblineError,
        match=r"%d/%m/%Y and as %m/%d/%Y. Set data.types: \{d: timestamp %m/%d/%Y\} or \{d: timestamp %d/%m/%Y\}",
    ):
        infer(tmp_path / "t.csv", [("d", "x"), ("01/02/2024", "1"), ("03/02/2024", "2")], **data)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["secret"], "Refused: 1 of 300 values are not numbers (rows 299)"),
        (["007"], ""),
        (["1e5"], ""),
        (["9" * 25], "Refused: 1 of 300"),
        (["?"] * 4, "4 of 300 values are not numbers (rows 296, 297, 298, 299)"),
        (["x"] * 299, ""),
    ],
)
def test_words_among_numbers_are_a_fault_of_the_file_when_they_are_few(words, text: str, tmp_path: Path) -> None:
    values = [*map(str, range(299 - len(words))), *words, "1.5"]
    table: list[tuple[str, ...]] = [("a", "flag"), *((value, "true") for value in values)]
    try:
        _, findings = infer(tmp_path / "t.csv", table)
        message = " ".join(finding.evidence for finding in findings.entries)
    except PlumblineError as error:
        message = f"Refused: {error}".replace("t.csv, column 'a': expected numbers as in the rest, ", "")
    assert (text in message) if text else not message
    assert "secret" not in message
    for data in ({"types": {"a": "category"}}, {"ignore": ["a"]}):
        infer(tmp_path / "t.csv", table, **data)


def test_free_text_has_words_and_hardly_recurs() -> None:
    words = [f"this is sentence {i}" for i in range(4)]
    assert is_free_text(pa.chunked_array([[*words, None]]), distinct=4)
    assert not is_free_text(pa.chunked_array([words]), distinct=1)
    assert not is_free_text(pa.chunked_array([["two words"] * 4]), distinct=4)
