"""ingest: all is written or nothing, and the same bytes however the source is read."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.findings import RULE
from src.predictor import delimited, sources
from src.predictor.refusal import Refusal
from src.stages import ingest
from tests.conftest import Project, make_table

OUTS = ("data/table.parquet", "data/schema.json", "metrics/checks-ingest.json")
READ = delimited.pa_csv.ReadOptions


def suite(name: str, *columns: str) -> None:
    """No value of these columns is above 70."""
    between = [{"column": column, "max_value": 70} for column in columns]
    content = {"expectations": [{"type": "expect_column_values_to_be_between", "kwargs": each} for each in between]}
    Path("expectations", name).write_text(json.dumps(content))


def test_it_writes_every_row_typed_a_schema_and_what_it_decided(project: Project) -> None:
    frame = make_table(rows=50)
    project.table(frame, name="a.b.parquet")
    pq.write_table(pa.table({name: frame[name].to_numpy() for name in frame}), "data/source/a.b.parquet")  # with NaN
    suite("a.b.json", "x1", "x2")
    suite("other.json", "x1")
    ingest.main()
    table = pq.read_table(OUTS[0])
    schema, found = (json.loads(Path(name).read_text(encoding="utf-8")) for name in OUTS[1:])
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "double", "string", "bool", "string"]
    assert {c["name"]: c["missing"] for c in schema["columns"]}["x2"] == frame.x2.isna().mean() > 0
    assert schema["rows"] == table.num_rows == 50
    rules = {finding["rule"]: finding for finding in found}
    assert rules[RULE]["severity"] == "warning"
    assert rules["expectations"]["counts"] == {"expected": 2}


REFUSED = [
    ({"types": {"colour": "number"}}, r"table\.csv, row 1, column 'colour': is no number, nor are 49"),
    ({"key": "target"}, "data.target and data.key both name 'target'"),
    ({"source": "data/source/bare.csv"}, "bare.csv: has a header and no rows"),
    (
        {"source": "data/source/held.csv"},
        r"held\.json: 1 of 2 .*'x1' \(max_value 70\): 1 of 50 rows do not, the first are rows 3\. Mend",
    ),
]


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_a_refusal_leaves_all_that_was_there_and_nothing_half_written(project: Project, change, words, capsys) -> None:
    frame = make_table(rows=50)
    frame.loc[2, "x1"] = 77.125
    for rows, name in ((50, "held.csv"), (0, "bare.csv"), (50, "table.csv")):
        project.table(frame.head(rows), name=name)
    suite("held.json", "x1", "x2")
    ingest.main()
    assert "WARNING: expectations: no expectations/table.json: the structural checks alone" in capsys.readouterr().out
    before = [Path(name).read_bytes() for name in OUTS]
    project.change(data=change)
    with pytest.raises(Refusal, match=words) as caught:
        ingest.main()
    assert [Path(name).read_bytes() for name in OUTS] == before
    assert not list(Path().glob("*/.*.part"))
    assert "77" not in str(caught.value)


def test_a_failed_expectation_shows_values_where_the_project_allows_it(project: Project) -> None:
    frame = make_table(rows=50)
    frame.loc[2, "x1"] = 77.125
    project.table(frame, show_values=True)
    suite("table.json", "x1")
    with pytest.raises(Refusal, match=r"rows 3, with the values 77\.125\. Mend the table, or the suite"):
        ingest.main()


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_bytes_do_not_depend_on_the_batches_of_the_source(project: Project, name: str, monkeypatch) -> None:
    monkeypatch.setattr(ingest, "ROW_GROUP", 64)
    project.table(make_table(rows=300), name=name)
    made = set()
    for rows in (7, 64, 1000):
        monkeypatch.setattr(sources, "BATCH", rows)
        monkeypatch.setattr(
            delimited.pa_csv, "ReadOptions", lambda size=40 * rows, **k: READ(**k | {"block_size": size})
        )
        ingest.main()
        made.add(tuple(Path(name).read_bytes() for name in OUTS))
    assert len(made) == 1
