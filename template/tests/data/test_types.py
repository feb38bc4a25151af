"""Types are settled on whole columns."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from plumbline.data.sources import open_source
from plumbline.data.types import is_free_text, storage_types
from plumbline.errors import PlumblineError
from plumbline.findings import Findings

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


def settled(path: Path, columns: list[tuple[str, ...]], delimiter: str = ",", **stated) -> tuple[dict, Findings]:
    text = "\n".join(delimiter.join(row) for row in columns)
    path.write_text(re.sub(r"(\d)\.(\d+)\b(?!\.)", r"\1,\2", text) if delimiter == ";" else text)
    source, findings = open_source(str(path)), Findings("ingest")
    whole = source.batches
    source = replace(source, batches=lambda: (table.slice(i, 1) for table in whole() for i in range(len(table))))
    params = {"types": {}, "ignore": [], "target": "flag", "time": None} | stated
    return storage_types(source, "t.csv", SimpleNamespace(**params), findings), findings


@pytest.mark.parametrize("delimiter", [",", ";"])  # the second with a decimal comma
def test_a_type_is_the_first_that_every_value_fits_or_what_is_stated(delimiter: str, tmp_path: Path) -> None:
    rows = [*zip(*(values for values, _ in COLUMNS.values()), strict=True)]
    if delimiter == ";":
        rows = [tuple(cell for cell, name in zip(row, COLUMNS, strict=True) if name != "points") for row in rows]
    columns = {name: kind for name, (_, kind) in COLUMNS.items() if delimiter == "," or name != "points"}
    found, findings = settled(tmp_path / "t.csv", [tuple(columns), *rows], delimiter)
    assert found == columns
    warned = [finding.evidence for finding in findings.entries if finding.severity == "warning"]
    assert [text.split("'")[1] for text in warned] == ["too long", "day or month"]
    stated = {"whole": "category", "date": "timestamp", "day or month": "timestamp %m/%d/%Y %H:%M"}
    found, _ = settled(tmp_path / "t.csv", [tuple(columns), *rows], delimiter, types=stated, target="yes")
    assert found == columns | stated | {"yes": "category"}  # a target keeps its own words


@pytest.mark.parametrize("stated", [{"time": "d"}, {"types": {"d": "timestamp"}}])
def test_a_date_that_matters_and_can_be_read_in_two_ways_is_refused(stated, tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match=r"%d/%m/%Y and as %m/%d/%Y. State it: data.types: \{d: timestamp %m"):
        settled(tmp_path / "t.csv", [("d", "x"), ("01/02/2024", "1"), ("03/02/2024", "2")], **stated)


@pytest.mark.parametrize(("words", "said"), [
     ([], ""), (["secret"], "Refused: 1 of 300 values are no numbers (rows 299)"), (["007"], ""), (["1e5"], ""),
     (["9" * 25], "Refused: 1 of 300"), (["?"] * 4, "4 of 300 values are no numbers (rows 296, 297, 298, 299)"),
     (["x"] * 299, "")])  # fmt: skip
def test_words_among_numbers_are_a_fault_of_the_file_when_they_are_few(words, said: str, tmp_path: Path) -> None:
    values = [*map(str, range(299 - len(words))), *words, "1.5"]
    table: list[tuple[str, ...]] = [("a", "flag"), *((value, "true") for value in values)]
    try:
        _, findings = settled(tmp_path / "t.csv", table)
        found = " ".join(finding.evidence for finding in findings.entries)
    except PlumblineError as error:
        found = f"Refused: {error}".replace("t.csv, column 'a': expected numbers as in the rest, ", "")
    assert (said in found) if said else not found
    assert "secret" not in found
    for allowed in ({"types": {"a": "category"}}, {"ignore": ["a"]}):
        settled(tmp_path / "t.csv", table, **allowed)


def test_free_text_has_words_and_hardly_recurs() -> None:
    words = [f"this is sentence {i}" for i in range(4)]
    assert is_free_text(pa.chunked_array([[*words, None]]), distinct=4)
    assert not is_free_text(pa.chunked_array([words]), distinct=1)
    assert not is_free_text(pa.chunked_array([["two words"] * 4]), distinct=4)
