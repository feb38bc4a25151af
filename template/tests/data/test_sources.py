"""The format of a table follows from its content, compressed or in parts; what is no table is refused in one line."""

import bz2
import gzip
import json
import lzma
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from plumbline.data import jsonrows, sources
from plumbline.data.delimited import BLOCK
from plumbline.data.sources import HEAD, open_source
from plumbline.data.tables import convert, open_sink
from plumbline.errors import PlumblineError


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


PACKERS = [bytes, gzip.compress, bz2.compress, lzma.compress, zstd]


def read(path, missing=()) -> pa.Table:
    return pa.concat_tables(open_source(str(path), missing).batches())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_encoding_and_line_ends_of_a_csv_are_found(tmp_path, mark: str, encoding: str, end: str) -> None:
    rows = [f"größe{mark}name", f'1{mark}"Ü{mark}\n ""x"""', "", f"2{mark}", ""]
    (tmp_path / "table").write_bytes(end.join(rows).encode(encoding))
    assert read(tmp_path / "table").to_pydict() == {"größe": ["1", "2"], "name": [f'Ü{mark}\n "x"', None]}


@pytest.mark.parametrize(
    ("content", "kind", "values"),
    [
        (b"a\n" + b"x\n" * HEAD + b"\xfc\n", "text", ["x", "ü"]),
        (b'{"a": true}\n{"a": "NA"}', "text", ["true", "NA"]),
        (b'{"b": 1}\n\n{"a": 7}\n{"b": 1, "a": 7.5}', "number", [7, 7.5]),
        (b"a,b\n1.5,x\n2,5\n", "number", [1.5, 2]),
        (b'\xef\xbb\xbf{"a": NaN}\n{"b": 1}', "number", [None, None]),
        (b"a;b\n 2,5;2.5\n1,5 ;x\n", "number", [2.5, 1.5]),
        (b"a;b\n" + b"1;2\n" * 999 + b"2,5E-3;", "number", [1, 0.0025]),
        (b"a,b\n" + b'"x\ny\n",1\n' * (BLOCK // 8), "text", ["x\ny\n"] * 2),
    ],
)
def test_encoding_keys_and_decimal_mark_are_found_wherever_they_show(tmp_path, content, kind, values) -> None:
    (tmp_path / "table").write_bytes(content)
    decimal = open_source(str(tmp_path / "table")).decimal
    assert convert(read(tmp_path / "table")["a"], kind, decimal).to_pylist()[-2:] == values


@pytest.mark.parametrize("size", [7, 64, HEAD])
@pytest.mark.parametrize("form", ["array", "indented", "lines"])
def test_objects_are_read_alike_from_an_array_and_from_lines(tmp_path, monkeypatch, form: str, size: int) -> None:
    rows = [{"größe": f'{"]}, [{" * i} "{i}" \\ ü', "b": i} | ({"": {"x": [i]}} if i % 2 else {}) for i in range(1, 40)]
    texts = {
        "array": json.dumps(rows),
        "indented": "\ufeff\n" + json.dumps(rows, indent=2, ensure_ascii=False) + "\n ",
        "lines": "\n".join(map(json.dumps, rows)),
    }
    monkeypatch.setattr(jsonrows, "PIECE", size)
    monkeypatch.setattr(sources, "BATCH", 10)
    expected = [
        {"größe": row["größe"], "b": str(row["b"]), "column_3": json.dumps(row.get("")) if "" in row else None}
        for row in rows
    ]
    (tmp_path / "table").write_text(texts[form], encoding="utf-8")
    with (tmp_path / "table").open("rb") as file:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=file))
        assert read("-").to_pylist() == expected
    source = open_source(str(tmp_path / "table"))
    assert (source.names, source.unnamed_columns) == (("größe", "b", "column_3"), ("column_3",))
    assert [batch.num_rows for batch in source.batches()] == [10, 10, 10, 9]
    assert read(tmp_path / "table").to_pylist() == expected


def test_an_object_of_an_array_that_does_not_end_is_not_held(tmp_path, monkeypatch) -> None:
    (tmp_path / "table").write_text(json.dumps([{"a": "x"}, {"a": "y" * 5000}]))
    monkeypatch.setattr(jsonrows, "PIECE", 64)
    assert read(tmp_path / "table")["a"].to_pylist() == ["x", "y" * 5000]
    monkeypatch.setattr(jsonrows, "MAX_OBJECT", 1000)
    with pytest.raises(PlumblineError, match="object 2 of the array: expected a JSON object"):
        read(tmp_path / "table")


def test_one_object_is_one_row_and_an_array_that_goes_on_beyond_its_head_is_read_whole(tmp_path) -> None:
    (tmp_path / "table").write_text(json.dumps({"a": 1, "b": [2], "c": None}, indent=1))
    assert read(tmp_path / "table").to_pylist() == [{"a": "1", "b": "[2]", "c": None}]
    (tmp_path / "table").write_text(json.dumps([{"a": f"{i}" * 1000} for i in range(1000)]))
    assert read(tmp_path / "table")["a"].to_pylist() == [f"{i}" * 1000 for i in range(1000)]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_standard_input_reads_like_a_file_however_a_pipe_delivers(tmp_path, monkeypatch, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    with open_sink(str(path)) as write:
        write(pa.table({f"{'column' * 20} {i}": ["ä", None, "x\ny"] for i in range(1000)}))
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as pipe:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=pipe.stdout))
        assert read("-").equals(read(path))


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".feather"])
def test_compressed_files_and_folders_of_parts_read_as_what_is_in_them(tmp_path, suffix: str, pack) -> None:
    names = ["class", "1st", "a.b c", "é" * 300, "lambda"]
    whole = pa.table({name: [f"{name} {i}" for i in range(6)] for name in names})
    path, parts = tmp_path / f"table{suffix}", tmp_path / "parts"
    parts.mkdir()
    (parts / "_SUCCESS").touch()
    for target, table in ((path, whole), (parts / f"b{suffix}", whole.slice(2)), (parts / f"a{suffix}", whole[:2])):
        if suffix == ".feather":
            feather.write_feather(table, str(target))
        else:
            with open_sink(str(target)) as write:
                write(table)
        target.write_bytes(pack(target.read_bytes()))
    for place in (path, parts):
        source = open_source(str(place))
        assert source.names == tuple(names)
        for _ in range(2):
            assert pa.concat_tables(source.batches()).equals(whole)
    assert read(path, [f"{names[1]} 3"])[names[1]].null_count == 1
    if pack is not bytes:
        path.write_bytes(path.read_bytes()[:-9])
        with pytest.raises(PlumblineError, match=r"table.* cannot be read as .*(?i:trunc|end|corrupt)"):
            read(path)
    write_other_columns(parts / f"c{suffix}", suffix)
    with pytest.raises(
        PlumblineError, match=rf"c\{suffix}: expected the columns of .*a\{suffix}, column '1st' is not in both"
    ):
        read(parts)


def write_other_columns(path, suffix: str) -> None:
    """A part with a column too few."""
    table = pa.table({"class": ["x"], "a.b c": ["y"]})
    if suffix == ".feather":
        feather.write_feather(table, str(path))
    else:
        with open_sink(str(path)) as write:
            write(table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n\n ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{}\n", "found none"),
        (b"a,b\n", "header and no rows. Export it again$"),
        (b"a," * HEAD, "no rows in its first MiB"),
        (b"\na\nsecret\n", "found none"),
        (b"a,b,a\n1,secret,3\n", "'a' twice"),
        (b"a,,b\n1,secret\n", "line 2 has 2 fields, expected 3"),
        (b"a,b\n1,2\n1,secret,3\n", "line 3 has 3 fields, expected 2. Correct the file"),
        (b"a,b\n1,2\nsecret\n", "line 3 has 1 fields"),
        (b"a,b\n" + b"secret" * BLOCK + b",2\n", "longer than 1 MiB"),
        (b"PK\x03\x04secret\0", "workbook"),
        (b"PAR1secret", "Parquet"),
        (b"ARROW1secret", "Feather"),
        (zstd(b"a,b\n"), "no rows"),
        (b"a,b\nsecret,\x81\n", "cp1252"),
        ("a,b\nsecret,2\n".encode("utf-16")[:-1], "utf-16"),
        (b"\x7fELFsecret\0\0\0\0", "binary"),
        (b'{"a": "secret"}\n{"a": "\\ud800"}\n', "JSON lines"),
        (b"a,b\n1,2\n1;secret\n", "line 3 has 1 fields, expected 2, ';' is between"),
        (b"[]", "found none"),
        (b'[{"a": 1}, {"a": "secret"]', "object 2 of the array: expected a JSON object and , or ]"),
        (b'[{"a": 1}, "secret"]', "object 2 of the array"),
        (b'[{"a": "secret"},]', "object 2 of the array"),
        (b'[{"a": "secret"} {"a": 2}]', "object 1 of the array"),
        (b'[{"a": 1}', "object 1 of the array"),
        (b'[{"a": 1}] [{"a": "secret"}]', "expected nothing after the ] of"),
        (b'[{"a": "\xfc"}]', "read as a JSON array"),
        (b'[{"a": ' + b"[" * 10**5 + b"]}]", "object 1 of the array"),
        (b'{"a": ' + b"[" * 10**5, "line 1.*JSON object"),
        (b'[{"a": "' + b"x" * HEAD + b'"}]', "no object that ends in its first MiB, expected an object for each row"),
        (b'{"a": {"0": "secret"}, "b": {"0": 1}}', r"one JSON object of columns, .* to_json\(orient='records'\)"),
        (b"a,b\nsecret,2,3\n1,2,3\n", "every row has 3 fields, expected 2 .* begin line 1 with ','"),
        (
            b"a;b\nsecret;2;\n1;2;\n",
            "every row has 3 fields, expected 2 .*; the last is empty. End line 1 with ';', too",
        ),
        (b'a,b\n1,2\n1,"secret\n3,4\n', "a quote opened in line 3 is not closed"),
        (b'a,b\n1,"secret\n2,"y"\n3,z\n', "a quote opened in line 2 is not"),
        (b"version https://git-lfs", "git lfs pull"),
        (b"<!DOCTYPE html>\n<p>secret</p>", "a page of"),
        (b"# secret\na,b\n1,2\n", "line 2 has 2 fields, expected 1"),
        (b'a,b\n1,2\n"secret,1\n3,4\n', "lines 3 to 4 have 1 fields, expected 2, a quote may be open"),
        (b'{"a": 1}\n{"a": "secret"\n', "line 2.*JSON object"),
        (b'{"a": 1}\n["secret"]\n', "line 2.*JSON object"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line_without_a_value(tmp_path, content: bytes, message: str) -> None:
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(PlumblineError, match=rf"\A.*{message}.*\Z") as refusal:
        read(tmp_path / "table")
    assert "secret" not in str(refusal.value)

    for place, reason in {tmp_path: "a folder of files, found an empty", tmp_path / "no.csv": "nothing there"}.items():
        (tmp_path / "table").unlink(missing_ok=True)
        with pytest.raises(PlumblineError, match=f"expected a file or.*{reason}"):
            read(place)


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".parquet", "unpacks to more than 2 times its size, expected Parquet"),
        (".feather", "unpacks to more than 2 times its size, expected Feather"),
        (".jsonl", "line 2: longer than 0 MiB, expected one JSON object a line"),
    ],
)
def test_what_would_have_to_be_in_memory_and_has_no_end_is_refused(
    tmp_path, monkeypatch, suffix: str, words: str
) -> None:
    values = pa.table({"a": ["x", "y" * 2000]})
    path = tmp_path / f"table{suffix}"
    if suffix == ".feather":
        feather.write_feather(values, str(path), compression="uncompressed")
    else:
        with open_sink(str(path)) as write:
            write(values)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert read(path).equals(values)
    monkeypatch.setattr(sources, "MIN_UNPACKED", 0)
    monkeypatch.setattr(sources, "MAX_RATIO", 2)
    monkeypatch.setattr(jsonrows, "MAX_LINE", 1000)
    with pytest.raises(PlumblineError, match=words):
        read(path)
    if suffix != ".jsonl":  # what is not packed is not held, and a stream has no size to go by
        path.write_bytes(gzip.decompress(path.read_bytes()))
        assert read(path).equals(values)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet", "utf16.csv"])
def test_a_source_says_how_much_of_it_was_read_and_keeps_no_part_open(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(0)
    for number in range(2):
        frame, part = pd.DataFrame(random.normal(size=(150_000, 3))).add_prefix("x"), tmp_path / f"{number}.{suffix}"
        if suffix == "jsonl":
            frame.to_json(part, orient="records", lines=True)
        elif suffix == "parquet":
            frame.to_parquet(part)
        else:
            frame.to_csv(part, index=False, encoding="utf-16" if suffix.startswith("utf16") else None)
    source = open_source(str(tmp_path))
    assert source.progress() == 0
    shares, rows = [], 0
    for batch in source.batches():
        rows += batch.num_rows
        shares.append((source.progress(), rows / 300_000))
        assert len([fd for fd in psutil.Process().open_files() if fd.path.startswith(str(tmp_path))]) <= 1
    assert len(shares) > 3
    assert all(share == pytest.approx(of_rows, abs=0.08) for share, of_rows in shares), shares
    assert source.progress() == 1
