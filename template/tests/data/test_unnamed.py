"""A column without a name counts the rows and is dropped, or has the name of its position."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError
from plumbline.findings import read_findings
from plumbline.testing.projects import Project, make_table
from src.stages import ingest

ROWS = 60
TABLE = make_table(rows=ROWS).drop(columns="row_id")
COUNTER = "the first column has no name and counts the rows: dropped. To keep it: data.types: {column_1: integer}"
UNNAMED = "1 in the file, called 'column_1' here. "
Write = Callable[[Path], object]


def run(write: Write, name: str = "table.csv", **data) -> tuple[Schema, dict[str, str]]:
    path = Path("data/source") / name
    if path.suffix == "":
        path.mkdir()
    write(path)
    project = Project.__new__(Project)
    project.folder = Path.cwd()
    project.params(data={"source": str(path), "target": "target"} | data)
    ingest.main()
    schema = Schema.loads(Path("data/schema.json").read_text(encoding="utf-8"))
    return schema, {finding.kind: finding.evidence for finding in read_findings("ingest")}


def write_parts(path: Path) -> None:
    for number, start in enumerate(range(0, ROWS, 20)):
        TABLE[start : start + 20].reset_index(drop=True).to_csv(path / f"{number}.csv")


def write_consecutive_parts(path: Path) -> None:
    for number, start in enumerate(range(0, ROWS, 20)):
        TABLE[start : start + 20].to_csv(path / f"{number}.csv")


COUNTERS: dict[str, tuple[str, Write]] = {
    "as to_csv writes it": ("table.csv", TABLE.to_csv),
    "from 1, in quotes, as R's write.csv writes it": (
        "table.csv",
        lambda path: TABLE.set_axis([*map(str, range(1, ROWS + 1))]).to_csv(path, quoting=2),
    ),
    "shuffled": ("table.csv", lambda path: TABLE.set_axis(TABLE.sample(frac=1, random_state=0).index).to_csv(path)),
    "with semicolons": ("table.csv", lambda path: TABLE.to_csv(path, sep=";", decimal=",")),
    "in each part anew": ("parts", write_parts),
    "in all parts together": ("parts", write_consecutive_parts),
}


@pytest.mark.parametrize("kind", COUNTERS)
def test_an_unnamed_first_column_that_counts_rows_leaves_no_trace_but_a_finding(project: Project, kind: str) -> None:
    expected, _ = run(lambda path: TABLE.to_csv(path, index=False), "plain.csv")
    table = Path("data/table.parquet").read_bytes()
    name, write = COUNTERS[kind]
    schema, evidence = run(write, name)
    assert evidence["row counter"] == COUNTER
    assert "columns without a name" not in evidence
    assert schema.columns == expected.columns
    assert Path("data/table.parquet").read_bytes() == table


def test_rows_without_a_target_that_are_left_out_are_counted_by_an_index_all_the_same(project: Project) -> None:
    table = TABLE.assign(target=TABLE["target"].where(TABLE.index > 5))
    schema, evidence = run(table.to_csv, unlabelled="drop")
    assert evidence["row counter"] == COUNTER
    assert schema.rows == ROWS - 6


def test_what_params_name_is_kept(project: Project) -> None:
    for data, role in (
        ({"types": {"column_1": "integer"}}, "key"),
        ({"key": "column_1"}, "key"),
        ({"ignore": ["column_1"]}, "ignored"),
        ({"group": "column_1"}, "group"),
    ):
        schema, evidence = run(TABLE.to_csv, **data)
        assert {column.name: column.role for column in schema.columns}["column_1"] == role
        assert not {"row counter", "columns without a name"} & {*evidence}
    assert pq.read_table("data/table.parquet")["column_1"].to_pylist() == list(range(ROWS))


INDEXES: dict[str, tuple[list, str, str]] = {  # the index, and the type and role of column_1
    "names of rows": ([f"car {i}" for i in range(ROWS)], "category", "key"),
    "names of many words": ([f"a car of make {i}" for i in range(ROWS)], "text", "key"),
    "rows left out": ([*range(ROWS - 1), ROWS], "integer", "key"),
    "from 2": ([*range(2, ROWS + 2)], "integer", "key"),
    "a number twice": ([*range(ROWS - 1), 0], "integer", "ignored"),
    "few numbers": ([i % 3 for i in range(ROWS)], "integer", "feature"),
    "a gap": ([*range(ROWS - 1), None], "integer", "ignored"),
    "fractions": ([i + 0.5 for i in range(ROWS)], "number", "feature"),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_any_other_column_without_a_name_is_named_by_its_position(project: Project, kind: str) -> None:
    index, type_, role = INDEXES[kind]
    schema, evidence = run(TABLE.set_axis(pd.Index(index, dtype=object)).to_csv)
    assert (
        evidence["columns without a name"]
        == f"{UNNAMED}Name them in the file, or leave them out: data.ignore: [column_1]"
    )
    assert "row counter" not in evidence
    first = schema.columns[0]
    assert (first.name, first.type, first.role) == ("column_1", type_, role)


def test_columns_elsewhere_keep_their_places_and_never_count_rows(project: Project) -> None:
    table = TABLE.assign(middle=range(ROWS), column_4="taken")[["x1", "middle", "x2", "colour", "column_4", "target"]]
    table["column_4"] = table["colour"] + "!"
    schema, evidence = run(
        lambda path: table.to_csv(path, header=["x1", "", "x2", "", "column_4", "target"], index=False)
    )
    assert [column.name for column in schema.columns] == ["x1", "column_2", "x2", "column_4_", "column_4", "target"]
    assert evidence["columns without a name"].startswith("2 in the file, called 'column_2', 'column_4_' here")
    assert "row counter" not in evidence
    schema, evidence = run(lambda path: table.to_csv(path, header=["x1", "", "x2", "", "column_4", "target"]))
    assert [column.name for column in schema.columns] == ["x1", "column_3", "x2", "column_5", "column_4", "target"]
    assert evidence["row counter"] == COUNTER
    run(lambda path: table.to_csv(path, header=["x1", "x3", "x2", "c", "d", ""], index=False), target="column_6")


def test_the_index_of_a_pandas_frame_in_parquet_is_treated_alike(project: Project) -> None:
    name = "__index_level_0__"
    shuffled = TABLE.set_axis(TABLE.sample(frac=1, random_state=0).index)
    schema, evidence = run(shuffled.to_parquet, "table.parquet")
    assert evidence["row counter"].startswith(f"pandas' index {name!r} counts the rows: dropped")
    assert [column.name for column in schema.columns] == [*TABLE]
    nameless = pa.Table.from_pandas(TABLE.reset_index(names=""), preserve_index=False)
    schema, evidence = run(lambda path: pq.write_table(nameless, path), "table.parquet")
    assert evidence["row counter"] == COUNTER
    assert [column.name for column in schema.columns] == [*TABLE]
    schema, evidence = run(shuffled.set_axis(shuffled.index * 2).to_parquet, "table.parquet")
    assert name in evidence["columns without a name"]
    assert {column.name: column.role for column in schema.columns}[name] == "key"


def test_a_header_with_a_name_too_few_is_refused_with_a_cure_that_works(project: Project) -> None:
    rows = "".join(f'"{i}",{x},{y}\n' for i, x, y in zip(range(1, ROWS + 1), TABLE["x1"], TABLE["target"], strict=True))
    with pytest.raises(
        PlumblineError, match=r"every row has 3 fields, expected 2 as.*write.table.*begin line 1 with ','$"
    ):
        run(lambda path: path.write_text('"x1","target"\n' + rows))
    _, evidence = run(lambda path: path.write_text(',"x1","target"\n' + rows))
    assert evidence["row counter"] == COUNTER
    rows = "".join(f"{x},{y},\n" for x, y in zip(TABLE["x1"], TABLE["target"], strict=True))
    with pytest.raises(
        PlumblineError, match=r"every row has 3 fields, .* the last is empty. End line 1 with ',', too$"
    ):
        run(lambda path: path.write_text("x1,target\n" + rows))
    schema, _ = run(lambda path: path.write_text("x1,target,\n" + rows))
    assert json.dumps([column.role for column in schema.columns]) == '["feature", "target", "ignored"]'
