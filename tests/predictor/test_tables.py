"""Tables are told apart by content, refused in one line, and come back as they were written."""

import math
import subprocess
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.predictor.refusal import Refusal
from src.predictor.schema import ARROW
from src.predictor.tables import BLOCK, HEAD, MISSING, convert, fitted, open_sink, open_source, replacing

DAY, BAD = datetime(2024, 5, 1), object()
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).filter(lambda w: w not in MISSING)
VALUES = {"integer": st.integers(-(2**63), 2**63 - 1), "number": st.floats(allow_nan=False), "boolean": st.booleans(),
          "category": WORDS, "timestamp": st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1))}  # fmt: skip
ROWS = st.lists(st.fixed_dictionaries({kind: st.none() | VALUES[kind] for kind in VALUES}), min_size=1, max_size=5)
KINDS = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, unique=True)


def read(path) -> pa.Table:
    return pa.concat_tables(open_source(str(path)).batches())


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@settings(max_examples=50, deadline=None)
@given(rows=ROWS, kinds=KINDS)
def test_types_and_gaps_survive_being_written_and_read(tmp_path_factory, suffix: str, rows, kinds: list[str]) -> None:
    path = str(tmp_path_factory.getbasetemp() / f"round-trip{suffix}")
    table = pa.Table.from_pylist(rows, pa.schema([(kind, ARROW[kind]) for kind in kinds]))
    with open_sink(path) as write:
        write(table)
        write(table)
    found = read(path)
    assert pa.table({kind: convert(found[kind], kind) for kind in kinds}).equals(pa.concat_tables([table, table]))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_encoding_and_line_ends_of_a_csv_are_found(tmp_path, mark: str, encoding: str, end: str) -> None:
    rows = [f"größe{mark}name", f'1{mark}"Ü{mark}\n ""x"""', "", f"2{mark}", ""]
    (tmp_path / "table").write_bytes(end.join(rows).encode(encoding))
    assert read(tmp_path / "table").to_pydict() == {"größe": ["1", "2"], "name": [f'Ü{mark}\n "x"', None]}


@pytest.mark.parametrize(("content", "kind", "values"), [
     (b"a\n" + b"x\n" * HEAD + b"\xfc\n", "text", ["x", "ü"]), (b'{"a": true}\n{"a": "NA"}', "text", ["true", "NA"]),
     (b'{"b": 1}\n\n{"a": 7}\n{"b": 1, "a": 7.5}', "number", [7, 7.5]), (b"a,b\n1.5,x\n2,5\n", "number", [1.5, 2]),
     (b'\xef\xbb\xbf{"a": NaN}\n{"b": 1}', "number", [None, None]), (b"a;b\n 2,5;2.5\n1,5 ;x\n", "number", [2.5, 1.5]),
     (b"a;b\n" + b"1;2\n" * 999 + b"2,5E-3;", "number", [1, 0.0025]),
     (b"a,b\n" + b'"x\ny\n",1\n' * (BLOCK // 8), "text", ["x\ny\n"] * 2)])  # fmt: skip
def test_encoding_keys_and_decimal_mark_are_found_wherever_they_show(tmp_path, content, kind, values) -> None:
    (tmp_path / "table").write_bytes(content)
    decimal = open_source(str(tmp_path / "table")).decimal
    assert convert(read(tmp_path / "table")["a"], kind, decimal).to_pylist()[-2:] == values


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_standard_input_reads_like_a_file_however_a_pipe_delivers(tmp_path, monkeypatch, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    with open_sink(str(path)) as write:
        write(pa.table({f"{'column' * 20} {i}": ["ä", None, "x\ny"] for i in range(1000)}))
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as pipe:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=pipe.stdout))
        assert read("-").equals(read(path))


@pytest.mark.parametrize(("content", "message"), [
     (b"", "empty"), (b" \n\n ", "empty"), (b"\xef\xbb\xbf", "empty"), (b"{}\n", "found none"),
     (b"a,b\n", "header and no rows$"), (b"a," * HEAD, "no rows in its first MiB"), (b"\na\nsecret\n", "found none"),
     (b"a,b,a\n1,secret,3\n", "'a' twice"), (b"a,,b\n1,secret,3\n", "without a name"),
     (b"a,b\n1,2\n1,secret,3\n", "row 2 has 3 fields, expected 2"), (b"a,b\n1,2\nsecret\n", "row 2 has 1 fields"),
     (b"a,b\n" + b"secret" * BLOCK + b",2\n", "block"), (b"PK\x03\x04secret\0", "binary"), (b"PAR1secret", "Parquet"),
     (b"a,b\nsecret,\x81\n", "cp1252"), ("a,b\nsecret,2\n".encode("utf-16")[:-1], "utf-16"),
     ("a,b\nsecret,2\n".encode("utf-16-le"), "binary"), (b'{"a": "secret"}\n{"a": "\\ud800"}\n', "JSON lines"),
     (b'{"a": 1}\n{"a": "secret"\n', "line 2.*JSON object"), (b'{"a": 1}\n["secret"]\n', "line 2.*JSON object")],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_one_line_without_a_value(tmp_path, content: bytes, message: str) -> None:
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(Refusal, match=rf"\A.*{message}.*\Z") as refusal:
        read(tmp_path / "table")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(("values", "kind", "expected"), [
     (["1", "1.5", None, "", str(2**63)], "integer", [1, BAD, None, BAD, BAD]), ([1.5, 2.0], "integer", [BAD, 2]),
     (["1", "0x1F", "1_0", "1,5", " 1e3"], "number", [1, BAD, BAD, BAD, 1000]), ([[1]], "number", [BAD]),
     ([0, 1, 2], "boolean", [False, True, BAD]), (["TRUE", "yes"], "boolean", [True, BAD]), ([], "text", []),
     (["2024-02-30", "2024-05-01"], "timestamp", [BAD, DAY]), (["inf", "-Infinity"], "number", [math.inf, -math.inf]),
     (pa.array(["7", "x"]).dictionary_encode(), "integer", [7, BAD]), ([math.nan, 7], "integer", [BAD, 7]),
     (pa.array(["a", None], pa.large_string()), "category", ["a", None]), (pa.nulls(1), "timestamp", [None]),
     (pa.array([" 2024-05-01"], pa.string_view()), "timestamp", [DAY]), ([DAY.date()], "timestamp", [DAY]),
     (pa.array([1714521600 * 10**9 + 1], pa.timestamp("ns", "Asia/Tokyo")), "timestamp", [DAY]),
     ([Decimal("1.5")], "number", [1.5]), (pa.array([7], pa.int32()), "text", ["7"]), ([2**53 + 1], "number", [2**53])],
)  # fmt: skip
def test_values_get_a_type_of_the_schema_or_their_positions_are_named(values, kind: str, expected: list) -> None:
    made, positions = fitted(pa.chunked_array([pa.array(values)]), kind)
    assert positions == [i for i, value in enumerate(expected) if value is BAD]
    assert (made.type, made.to_pylist()) == (ARROW[kind], [None if value is BAD else value for value in expected])


def test_a_file_is_replaced_whole_or_not_at_all_and_only_a_file_is_read(tmp_path) -> None:
    path = tmp_path / "new folder" / "table.csv"
    with replacing(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_sink(str(path)) as write:
        write(pa.table({"a": [1]}))
        raise KeyboardInterrupt
    assert {file.name: file.read_text() for file in path.parent.iterdir()} == {"table.csv": "old"}
    for place, found in {tmp_path: "a folder", tmp_path / "no.csv": "nothing"}.items():
        with pytest.raises(Refusal, match=f"expected a file, found {found}"):
            read(place)
