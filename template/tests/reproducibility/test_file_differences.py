"""The first difference of two files, as deep as their format allows."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression

from plumbline.prediction.modelfile import dumps
from plumbline.reproducibility.file_differences import first_difference, json_differences


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)  # pandas would write NaN as null
    return out.getvalue()


def archive(content: dict[str, bytes], year: int = 2000, rights: int = 0o644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, inside in content.items():
            member = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            member.external_attr = rights << 16
            target.writestr(member, inside)
    return out.getvalue()


def model(strength: float) -> bytes:
    return dumps({"pipeline": LogisticRegression(C=strength)})


def array(*values: int) -> bytes:
    out = io.BytesIO()
    np.save(out, np.array(values))
    return out.getvalue()


NAN = float("nan")
CASES = [
    ("t.parquet", parquet(a=[1, 2], b=[NAN, 2.0]), parquet(a=[1, 2], b=[NAN, 7.5]), "column b, row 1", "2.0 and 7.5"),
    ("t.parquet", parquet(a=[1]), parquet(a=["x"]), "the columns or their types: a", ""),
    ("t.parquet", parquet(a=[1]), parquet(a=[1, 1]), "1 and 2 rows", ""),
    ("t.parquet", parquet(a=[1.0]), b"no table", "byte ", ""),
    ("m.json", b'{"a": [1, {"b": 2}]}', b'{"a": [1, {"b": 3}]}', "a[1].b", "2 and 3"),
    ("m.json", b'{"a": 1}', b'{"a": 1, "z": 2}', "z: only in one of the two", ""),
    ("m.json", b'{"a":1}', b'{"a": 1}', "the file: the order of its keys, or blanks", ""),
    ("w.whl", archive({"a": b"1", "b.json": b"[1]"}), archive({"a": b"1", "b.json": b"[2]"}),
     "member b.json, [0]", "1 and"),
    ("w.whl", archive({"a": b"1"}), archive({"c": b"1"}), "member a: only in one of the two", ""),
    ("w.whl", archive({"a": b"1"}), archive({"a": b"1"}, year=2001), "member a: its time stamp", ""),
    ("w.whl", archive({"a": b"1"}), archive({"a": b"1"}, rights=0o600), "member a: its rights", ""),
    ("w.whl", archive({"a": b"1", "b": b""}), archive({"b": b"", "a": b"1"}), "the order of the members", ""),
    ("w.whl", archive({"m.skops": model(1.0)}), archive({"m.skops": model(2.0)}),
     "member m.skops, member schema.json, (dict).content.pipeline (LogisticRegression).content (dict).content.C",
     "'1.0' and '2.0'"),
    ("a.npy", array(1, 2), array(1, 3), "element 1", "2) and"),
    ("a.npy", array(1, 2), array(1), "int64[2] and int64[1]", ""),
    ("t.txt", b"one\ntwo", b"one\nthree", "line 2", "'two' and 'three'"),
    ("t.bin", b"\xff\x00\x01", b"\xff\x00\x02", "byte 2 of 3", ""),
    ("t.bin", b"\xff\x00", b"\xff\x00\x02", "byte 2 of 2", ""),
]  # fmt: skip


@pytest.mark.parametrize("show", [True, False])
@pytest.mark.parametrize(("name", "old", "new", "where", "values"), CASES)
def test_first_difference(
    name: str, old: bytes, new: bytes, where: str, values: str, show: bool, tmp_path: Path
) -> None:
    for folder, content in (("old", old), ("new", new)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(content)
    difference = first_difference(tmp_path / "old" / name, tmp_path / "new" / name, show)
    assert difference.startswith(where)
    if values:
        assert (values in difference) is show
    assert first_difference(tmp_path / "old", tmp_path / "new", show) == f"{name}, {difference}"
    (tmp_path / "new" / "more").touch()
    assert first_difference(tmp_path / "new", tmp_path / "old", show).startswith(min(name, "more"))


def test_the_metadata_of_a_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    for name, kind in (("old", "snappy"), ("new", "zstd")):
        frame.to_parquet(tmp_path / f"{name}.parquet", compression=kind)
    difference = first_difference(tmp_path / "old.parquet", tmp_path / "new.parquet", True)
    assert difference == "no value: the metadata, or how the rows are laid out"


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ({"a": 0.123456}, {"a": 0.123457}, []),
        ({"a": 0.123456}, {"a": 0.123458}, ["a"]),
        ({"a": 1234560.0}, {"a": 1234570.0}, []),
        ({"a": 123456.0}, {"a": 123457}, []),
        ({"a": 1234560}, {"a": 1234561}, ["a"]),  # a count is exact
        ({"a": [-1.0, "x", None, 3]}, {"a": [-1.0, "x", None, 3]}, []),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": 0.0}]}, ["a[1].b"]),
        ([1.0], [1.0, 2.0], [""]),
        ({"a": "x"}, {}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({"a": 1.0}, {"b": 1.0}, ["a", "b"]),
        ({"a": True}, {"a": 1.0000001}, ["a"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": 0.0}, {"a": -0.0}, []),
        ({"a": 0.0}, {"a": 1e-9}, ["a"]),
        ({"a": 0.5}, {"a": float("nan")}, ["a"]),
        ({"a": 0.5}, {"a": 10**400}, ["a"]),
    ],
)
def test_numbers_may_differ_by_one_unit_of_the_sixth_digit(old: object, new: object, keys: list[str]) -> None:
    assert [key for key, _, _ in json_differences(old, new)] == keys
    assert {key for key, _, _ in json_differences(new, old)} == {*keys}
