"""The user's own table: found, looked at, and laid down in git or behind a pointer as DVC itself writes it."""

import functools
import gzip
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from plumbline.data.sources import open_source
from template.bake import table as bake
from template.bake.answers import BakeError

TEXT = "id;größe;b\n" + "1;2,5;x\n" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "here").mkdir()
    return tmp_path


def bring(folder: Path, data: str, target: str = "größe") -> Path:
    answers = {"data": data, "target": target}
    bake.copy_table(answers, [str(folder / "here")], folder / "project")
    return folder / "project" / bake.source_path(answers)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", TEXT.encode()),
        ("with blanks & accénts.csv", TEXT.encode()),
        ("w.csv", TEXT.encode("cp1252")),
        ("u.tsv", TEXT.replace(";", "\t").encode("utf-16")),
        ("z.csv.gz", gzip.compress(TEXT.encode())),
        ("l.jsonl", '{"id": 1}\n{"größe": 2}\n'.encode()),
        ("p.parquet", b"PAR1 is not looked into"),
        ("wide.csv", (",".join(f"a column with a long name {i}" for i in range(20000)) + ",größe\n1\n").encode()),
        ("inside.csv", "a,b,c,d;größe\n1;2\n".encode()),
        ("mark.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("quoted.csv", '"id, 1","größe"\n1,2\n'.encode()),
        ("i.csv", ",größe\n0,2\n".encode()),
        ("array.json", '[{"id": {"größe": 1}},\n {"größe": 2}]'.encode()),
        ("cut.json", '[{"größe": 1}, {"a'.encode()),
        ("one.json", '{\n "id": 1,\n "größe": 2\n}'.encode()),
    ],
)
def test_a_table_comes_as_it_is(folder: Path, name: str, content: bytes) -> None:
    (folder / "here" / name).write_bytes(content)
    assert bring(folder, name).read_bytes() == content
    assert bring(folder, str(folder / "here" / name)).read_bytes() == content
    assert bring(folder, (folder / "here" / name).as_uri()).read_bytes() == content
    assert not list((folder / "project").rglob("*.dvc"))


def test_a_column_without_a_name_is_named_as_the_pipeline_names_it(folder: Path) -> None:
    for header in (",a,", "a,,b", '"",column_1,', ";;a", "column_2\t\tcolumn_2_"):
        path = folder / "here/t.csv"
        path.write_text(f"{header}\n" + "1,2,3\n".replace(",", next(mark for mark in ",;\t" if mark in header)))
        for name in open_source(str(path)).names:
            bring(folder, "t.csv", name)
        with pytest.raises(BakeError, match="has no such column"):
            bring(folder, "t.csv", "column_9")


def test_a_name_loses_only_what_a_path_or_a_shell_misreads(folder: Path) -> None:
    for answer, copy in (("a: b$(c).csv", "a_ b_(c).csv"), ("https://x/y/é%20z.csv?raw=1", "é z.csv"), ("d/", "d")):
        assert bake.source_path({"data": answer}) == f"data/source/{copy}"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("no.csv", None, "data is 'no.csv': nothing is there"),
        ("e.csv", b"", "e.csv is empty"),
        ("x.xlsx", b"PK", r"ends in .xlsx, expected one of .csv"),
        ("x", b"a,b", "ends in no suffix"),
        ("nul.csv", b"id,b\x00c,d\n", "has no such column"),
        ("t.csv", b"id,b\n1,2\n", "target is 'größe': t.csv has no such column, it has: id, b"),
        ("t.jsonl", b'{"id": 1}\n', "t.jsonl has no such column, it has: id"),
        ("t.json", '[{"id": {"größe": 1}}]'.encode(), "t.json has no such column, it has: id\\. Name"),
        ("i.csv", b",id,,column_3\n1,2,3,4\n", "no such column, it has: column_1, id, column_3_, column_3\\. Name"),
        ("bad.csv.gz", b"no gzip", "cannot be unpacked"),
        ("wide.csv", ",".join(f"c{i}" for i in range(30)).encode(), "c19 and 10 more"),
    ],
)
def test_what_is_no_table_with_the_target_is_refused(
    folder: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (folder / "here" / name).write_bytes(content)
    with pytest.raises(BakeError, match=rf"^ERROR: [^\n]*{words}[^\n]*$"):
        bring(folder, name)


@pytest.mark.parametrize("large", [False, True])
def test_a_folder_of_parts_comes_whole_and_anything_else_in_it_is_refused(
    folder: Path, large: bool, monkeypatch
) -> None:
    monkeypatch.setattr(bake, "MOST_IN_GIT", 10 if large else 10**6)
    parts = folder / "here/parts"
    parts.mkdir()
    for name in ("b.csv", "a.csv"):
        (parts / name).write_text(TEXT, encoding="utf-8")
    copy = bring(folder, "parts")
    assert sorted(path.name for path in copy.iterdir()) == ["a.csv", "b.csv"]
    assert copy.with_name("parts.dvc").exists() == large
    (parts / "c.jsonl").write_text("{}")
    with pytest.raises(BakeError, match="several formats"):
        bring(folder, "parts")
    (parts / "c.jsonl").unlink()
    (parts / "deeper").mkdir()
    with pytest.raises(BakeError, match="files and nothing else"):
        bring(folder, "parts")


def test_up_to_the_limit_a_table_goes_into_git(folder: Path, monkeypatch) -> None:
    assert bake.MOST_IN_GIT == 10 * 2**20  # as the pages say
    (folder / "here/a.csv").write_text(TEXT, encoding="utf-8")
    size = (folder / "here/a.csv").stat().st_size
    for limit, has_pointer in ((size, False), (size - 1, True)):
        monkeypatch.setattr(bake, "MOST_IN_GIT", limit)
        copy = bring(folder, "a.csv")
        assert copy.with_name("a.csv.dvc").exists() == has_pointer


@pytest.mark.parametrize("name", ["a b.csv", "parts"])
def test_a_large_table_gets_the_pointer_that_dvc_add_writes(folder: Path, name: str, monkeypatch) -> None:
    monkeypatch.setattr(bake, "MOST_IN_GIT", 10)
    answer = folder / "here" / name
    answer.parent.mkdir(exist_ok=True)
    if name == "parts":
        answer.mkdir()
        for part in ("b.csv", "a.csv"):
            (answer / part).write_text(TEXT + part + "\n", encoding="utf-8")
    else:
        answer.write_text(TEXT, encoding="utf-8")
    copy = bring(folder, name)
    pointer = copy.with_name(f"{copy.name}.dvc")
    text, ignore_text = pointer.read_text(encoding="utf-8"), copy.with_name(".gitignore").read_text(encoding="utf-8")
    for old in (pointer, copy.with_name(".gitignore")):
        old.unlink()
    subprocess.run(["git", "init", "-q"], cwd=folder / "project", check=True)
    for command in (["init", "-q"], ["add", "-q", str(copy.relative_to(folder / "project"))]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=folder / "project", check=True, env=os.environ)
    assert yaml.safe_load(text) == yaml.safe_load(pointer.read_text(encoding="utf-8"))
    assert ignore_text == copy.with_name(".gitignore").read_text(encoding="utf-8")


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder / "here"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_url_is_downloaded_and_one_that_gives_nothing_is_refused(folder: Path, address: str) -> None:
    (folder / "here/é z.csv").write_text(TEXT, encoding="utf-8")
    assert bring(folder, f"{address}/%C3%A9%20z.csv?raw=1").read_text(encoding="utf-8") == TEXT
    messages = {f"{address}/no.csv": "downloaded: (Not Found|File not found)", f"{address}/x.pdf": "ends in .pdf"}
    for answer, words in (messages | {"http://127.0.0.1:9/x.csv": "cannot be downloaded"}).items():
        with pytest.raises(BakeError, match=words):
            bring(folder, answer)
