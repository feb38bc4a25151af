"""ingest: all is written or nothing, and the same bytes however the source is read."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.data import delimited, sources
from plumbline.errors import PlumblineError
from plumbline.findings import Kind, read_findings
from plumbline.testing.projects import Project, make_table
from src.stages import ingest

OUTS = ("data/table.parquet", "data/schema.json", "metrics/checks-ingest.json")
READ = delimited.pa_csv.ReadOptions


def write_suite(name: str, *columns: str) -> None:
    """No value of these columns is above 70."""
    between = [{"column": column, "max_value": 70} for column in columns]
    content = {"expectations": [{"type": "expect_column_values_to_be_between", "kwargs": kwargs} for kwargs in between]}
    Path("expectations", name).write_text(json.dumps(content))


def test_it_writes_every_row_typed_a_schema_and_what_it_decided(project: Project) -> None:
    frame = make_table(rows=50)
    project.table(frame, name="a.b.parquet")
    pq.write_table(pa.table({name: frame[name].to_numpy() for name in frame}), "data/source/a.b.parquet")  # with NaN
    write_suite("a.b.json", "x1", "x2")
    write_suite("other.json", "x1")
    ingest.main()
    table = pq.read_table(OUTS[0])
    schema = json.loads(Path(OUTS[1]).read_text(encoding="utf-8"))
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "double", "string", "bool", "string"]
    assert {c["name"]: c["missing"] for c in schema["columns"]}["x2"] == frame.x2.isna().mean() > 0
    assert schema["rows"] == table.num_rows == 50
    findings = {finding.kind: finding for finding in read_findings("ingest")}
    assert findings[Kind.SCOPE].severity == "warning"
    assert findings[Kind.EXPECTATIONS].counts == {"expectations": 2}


REFUSALS = [
    ({"types": {"colour": "number"}}, r"table\.csv, row 1, column 'colour': is not of type number, nor are 49"),
    ({"key": "target"}, "data.target and data.key both name 'target'"),
    ({"source": "data/source/bare.csv"}, "bare.csv: has a header and no rows. Export it again"),
    (
        {"source": "data/source/broken.csv"},
        r"broken\.json: 1 of 2 .*'x1' \(max_value 70\): 1 of 50 rows do not, the first are rows 3\. Correct",
    ),
]


@pytest.mark.parametrize(("change", "words"), REFUSALS)
def test_a_refusal_leaves_all_that_was_there_and_nothing_half_written(project: Project, change, words, capsys) -> None:
    frame = make_table(rows=50)
    frame.loc[2, "x1"] = 77.125
    for rows, name in ((50, "broken.csv"), (0, "bare.csv"), (50, "table.csv")):
        project.table(frame.head(rows), name=name)
    write_suite("broken.json", "x1", "x2")
    ingest.main()
    assert "WARNING: expectations: no expectations/table.json: only the structural checks" in capsys.readouterr().out
    before = [Path(name).read_bytes() for name in OUTS]
    project.change(data=change)
    with pytest.raises(PlumblineError, match=words) as error:
        ingest.main()
    assert [Path(name).read_bytes() for name in OUTS] == before
    assert not list(Path().glob("*/.*.part"))
    assert "77" not in str(error.value)


def test_a_failed_expectation_shows_values_where_the_project_allows_it(project: Project) -> None:
    frame = make_table(rows=50)
    frame.loc[2, "x1"] = 77.125
    project.table(frame, show_values=True)
    write_suite("table.json", "x1")
    with pytest.raises(
        PlumblineError, match=r"rows 3, with the values 77\.125\. Correct the table, or these expectations"
    ):
        ingest.main()


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_bytes_do_not_depend_on_the_batches_of_the_source(project: Project, name: str, monkeypatch) -> None:
    monkeypatch.setattr("plumbline.pipeline.ingest.ROW_GROUP", 64)
    project.table(make_table(rows=300), name=name)
    contents = set()
    for rows in (7, 64, 1000):
        monkeypatch.setattr(sources, "BATCH", rows)
        monkeypatch.setattr(
            delimited.pa_csv, "ReadOptions", lambda size=40 * rows, **k: READ(**k | {"block_size": size})
        )
        ingest.main()
        contents.add(tuple(Path(name).read_bytes() for name in OUTS))
    assert len(contents) == 1


CSV, PARQUET, OTHER = (f"data/{path}" for path in ("source/table.csv", "source/table.parquet", "other/table.csv"))
CASES: list[tuple[dict[str, Any], str, str | None, list[str]]] = [  # suites and tables, source: what runs, what is out
    ({"table": None}, CSV, "table", []),
    ({"table": None}, PARQUET, "table", []),  # as of old: the name alone
    ({"table": CSV}, CSV, "table", []),
    ({"table": "./data/source//table.csv"}, CSV, "table", []),
    ({"table": CSV}, PARQUET, None, ["table"]),
    ({"table": CSV}, OTHER, None, ["table"]),
    ({"table": [CSV, OTHER]}, OTHER, "table", []),
    ({"table": CSV, "table.parquet": PARQUET}, PARQUET, "table.parquet", ["table"]),
    ({"any name": CSV, "orders": None}, CSV, "any name", ["orders"]),
]


@pytest.mark.parametrize(("suites", "source", "runs", "out"), CASES)
def test_a_suite_is_applied_to_the_table_that_it_names(project: Project, suites, source, runs, out) -> None:
    frame = make_table(rows=50)
    project.table(frame)
    frame.to_parquet(PARQUET)
    Path("data/other").mkdir()
    frame.to_csv(OTHER, index=False)
    for name, table in suites.items():
        write_suite(f"{name}.json", "x1")
        content = json.loads(Path(f"expectations/{name}.json").read_text())
        Path(f"expectations/{name}.json").write_text(json.dumps(content | {"meta": {"table": table}}))
    project.change(data={"source": source})
    ingest.main()
    checks = [finding.evidence for finding in read_findings("ingest") if finding.kind == "expectations"]
    evidence = f"all 1 of expectations/{runs}.json hold" if runs else "only the structural checks ran"
    assert len(checks) == 1 and evidence in checks[0]
    omissions = [finding.evidence for finding in read_findings("ingest") if finding.kind is Kind.SCOPE]
    assert [line.split(" is about ")[0] for line in omissions] == [f"expectations/{name}.json" for name in out]
    for name, line in zip(out, omissions, strict=True):  # the hint as it is printed, pasted
        path = Path(f"expectations/{name}.json")
        (hint,) = re.findall(r'write in it: ("meta": .*)$', line)
        path.write_text(json.dumps(json.loads(path.read_text()) | json.loads(f"{{{hint}}}")))
        tables = [] if suites[name] is None else suites[name]
        assert json.loads(path.read_text())["meta"]["table"] == [
            *([tables] if isinstance(tables, str) else tables),
            source,
        ]
        if runs is None:
            ingest.main()
            assert "hold" in next(f.evidence for f in read_findings("ingest") if f.kind == "expectations")


def test_two_suites_of_one_table_are_refused_and_a_broken_one_of_another_is_not(project: Project) -> None:
    project.table(make_table(rows=50))
    write_suite("table.json", "x2")
    Path("expectations/other.json").write_text("{")
    ingest.main()
    write_suite("other.json", "x2")
    content = json.loads(Path("expectations/other.json").read_text())
    Path("expectations/other.json").write_text(json.dumps(content | {"meta": {"table": CSV}}))
    with pytest.raises(PlumblineError, match=r"other\.json and expectations/table\.json are both about data/source/"):
        ingest.main()
    Path("expectations/other.json").write_text(json.dumps(content | {"meta": {"table": 3}}))
    with pytest.raises(PlumblineError, match=r"other\.json: table is 3, expected the path of a table"):
        ingest.main()


def test_what_a_suite_has_twice_is_warned_of_and_what_cannot_run_stops(project: Project, capsys) -> None:
    project.table(make_table(rows=50))
    write_suite("table.json", "x2", "x1", "x2")
    ingest.main()
    assert "WARNING: expectations: expectations/table.json: expectation 3 is the same as expectation 1" in (
        capsys.readouterr().out
    )
    write_suite("table.json", "x9", "x2", "x8")
    with pytest.raises(
        PlumblineError, match=r"2 of 3 .* hold: expectation 1, .* no column 'x9'.*; expectation 3, .*'x8'"
    ):
        ingest.main()
    text = Path("expectations/table.json").read_text()
    Path("expectations/table.json").write_text(text.replace("max_value", "max"))
    with pytest.raises(
        PlumblineError, match=r"3 of 3 expectations cannot be run: expectation 1, .* no argument 'max'.*Correct"
    ):
        ingest.main()
