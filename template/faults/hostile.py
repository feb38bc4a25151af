"""Hostile input: refused or harmless, never executed, in bounded memory. Each case returns its result, or raises."""

import gzip
import io
import json
import lzma
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.packaging.wheel import read_module
from plumbline.testing.projects import environment, make_table
from template.faults.sandbox import ROOT, committed_sandbox, finished_sandbox

MEMORY = 700 << 20  # bytes more than the imports take
UNPACKED = 1 << 30  # bytes
# Read each source and print one line for it, whatever it holds.
READ = """
import re, resource, sys
from plumbline.errors import report_errors
from plumbline.data.sources import open_source
size = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[1]),) * 2)
for path in sys.argv[2:]:
    def main():
        print("read", sum(batch.num_rows for batch in open_source(path).batches()), file=sys.stderr)
        return 0
    report_errors(main)
"""
FORMULAS = ["=cmd|' /C calc'!A0", "@SUM(1+1)*cmd", "+1+1", "-2+3", '=HYPERLINK("http://x.invalid","y")']
TESTS = [  # the fault, the result, and the test that checks it
    (
        "a full disk, a folder that is read-only, Ctrl-C in each stage",
        "one line, and no file changed",
        "tests/test_interruptions.py",
        "test_a_stage_that_is_stopped_leaves_what_was_there",
    ),
    (
        "a set-up that is killed at any of its steps",
        "no incomplete .venv is used; the same command again completes it",
        "tests/test_environment.py",
        "test_a_set_up_that_was_killed_is_made_anew",
    ),
    (
        "a model file with a forged type",
        "refused before any object is created",
        "tests/prediction/test_modelfile.py",
        "test_a_forged_type_is_refused_before_anything_is_built",
    ),
    (
        "paths with .., links and parts that lead outside; tags, aliases and deep nesting in the three YAML files",
        "refused in one line",
        "tests/test_errors.py",
        "test_bad_input_gets_one_line_and_leaves_what_was_there",
    ),
    (
        "markup in names and values",
        "plain text in report and card",
        "tests/packaging/test_card.py",
        "test_numbers_are_those_of_the_metrics_and_text_of_the_data_means_nothing_but_itself",
    ),
    (
        "an incomplete worktree of a review",
        "created again",
        "tests/review/test_sides.py",
        "test_half_a_worktree_is_made_anew",
    ),
    (
        "an incomplete dvc.lock, an incomplete list of DVC's locks",
        "HEAD's lock; an empty list",
        "tests/commands/test_repro.py",
        "test_what_a_killed_run_left_of_dvcs_own_files_is_mended",
    ),
    (
        "an input that is edited during make repro",
        "refused in one line, HEAD's lock",
        "tests/commands/test_repro.py",
        "test_a_run_under_which_its_inputs_change_is_refused_and_its_lock_undone",
    ),
    (
        "a hostile artifact for the comment workflow",
        "refused with a message of the project",
        "tests/workflows/test_post.py",
        "test_a_hostile_artifact_is_refused_in_words_of_our_own",
    ),
]


def read_sources(*paths: Path) -> list[str]:
    """Read the sources in one process with little memory; return its line for each."""
    command = [sys.executable, "-c", READ, str(MEMORY), *map(str, paths)]
    variables = environment(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    ran = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", check=False, timeout=600
    )
    lines = ran.stderr.splitlines()
    assert ran.returncode == 0, f"exit code {ran.returncode}: {ran.stderr[-2000:]}"
    assert len(lines) == len(paths), f"not one line for each: {ran.stderr[:2000]}"
    return lines


def read_bombs(folder: Path, unpacked: int = UNPACKED) -> str:
    """Files that are many times as large when decompressed: a compressed file may have many members."""
    part = 1 << 26
    starts = {
        "zeros.gz": b"",
        "parquet.gz": b"PAR1",
        "feather.gz": b"ARROW1",
        "line.jsonl.gz": b'{"a": 1}\n{"a": "',
        "field.csv.gz": b'a,b\n1,2\n1,"',
        "zeros.xz": b"",
    }
    paths = []
    for name, start in starts.items():
        compress = lzma.compress if name.endswith(".xz") else gzip.compress
        fill = compress((b"x" if b'"' in start else b"\0") * part)
        paths.append(folder / name)
        paths[-1].write_bytes((compress(start) if start else b"") + fill * (unpacked // part))
    lines = read_sources(*paths)
    assert all(line.startswith("ERROR: ") for line in lines), lines
    assert not any("not enough memory" in line for line in lines), lines
    ratio = unpacked // max(path.stat().st_size for path in paths)
    return f"{len(lines)} of {len(paths)} refused, {unpacked >> 30 or 1} GiB each, at least {ratio} times their size"


def read_footers(folder: Path, count: int = 200) -> str:
    """Parquet files whose footer, or its length, has wrong bytes."""
    file, chance = io.BytesIO(), random.Random(9)  # noqa: S311
    pq.write_table(pa.Table.from_pandas(make_table()), file)
    content = file.getvalue()
    size = int.from_bytes(content[-8:-4], "little")
    lengths = [0, size - 1, size + 1, len(content), 2**31 - 1, 2**32 - 1]
    contents = [content[:-8] + length.to_bytes(4, "little") + b"PAR1" for length in lengths]
    for _ in range(count - len(contents)):
        corrupt = bytearray(content)
        for _ in range(chance.choice([1, 2, 8])):
            corrupt[len(content) - 8 - chance.randrange(1, size)] = chance.randrange(256)
        contents.append(bytes(corrupt))
    paths = [folder / f"{number}.parquet" for number in range(len(contents))]
    for path, data in zip(paths, contents, strict=True):
        path.write_bytes(data)
    lines = read_sources(*paths)
    refused = sum(line.startswith("ERROR: ") for line in lines)
    assert refused >= len(lengths), lines
    assert all(line.startswith(("ERROR: ", "read ")) for line in lines), lines
    return f"{refused} of {count} refused, the others read as a table; no crash"


def check_changed_wheels(folder: Path) -> str:
    """Wheels in which one file was changed."""
    box = finished_sandbox(folder)
    (wheel,) = (box.project / "dist").glob("*.whl")
    module = read_module(wheel)
    model, golden = f"{module}/prediction/model.skops", f"{module}/prediction/golden.jsonl"
    changes: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        "coefficients": (model, _scale_arrays),
        "a forged type": (model, _forge_type),
        "half a model": (model, lambda content: content[: len(content) // 2]),
        "an answer": (golden, lambda content: content.replace(b'"yes"', b'"no"')),
    }
    command = [sys.executable, "-m", f"{module}.prediction.cli", "check"]
    for number, (title, (name, change)) in enumerate(changes.items()):
        (home := folder / f"wheel-{number}").mkdir()
        copy = home / wheel.name
        copy.write_bytes(_change_member(wheel.read_bytes(), name, change))
        variables = environment(PYTHONPATH=str(copy))
        ran = subprocess.run(command, cwd=home, check=False, env=variables, capture_output=True, encoding="utf-8")
        result = (ran.returncode, ran.stderr.count("\n"), ran.stderr[:7])
        assert result == (1, 1, "ERROR: "), f"{title}: {ran.stdout}{ran.stderr}"
    return f"its command check refuses {len(changes)} of {len(changes)}: {', '.join(changes)}"


def _change_members(archive: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A zip archive with each member changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def _change_member(archive: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A zip archive with one member changed, which must differ then."""

    def change_one(member: str, content: bytes) -> bytes:
        if member != name:
            return content
        assert change(content) != content, f"{name}: nothing was changed"
        return change(content)

    return _change_members(archive, change_one)


def _forge_type(model: bytes) -> bytes:
    return _change_members(model, lambda _, content: content.replace(b'"LogisticRegression"', b'"Popen"'))


def _scale_arrays(model: bytes) -> bytes:
    """A model file in which every array of numbers is a little larger."""

    def scale(name: str, content: bytes) -> bytes:
        if not name.endswith(".npy"):
            return content
        array, out = np.load(io.BytesIO(content), allow_pickle=False), io.BytesIO()
        np.save(out, array * 1.5 if array.dtype.kind == "f" else array, allow_pickle=False)
        return out.getvalue()

    return _change_members(model, scale)


def keep_formulas(folder: Path) -> str:
    """Formulas in the table, through all stages."""
    box = committed_sandbox(folder).copy(folder / "formulas")
    table = make_table()
    table["colour"] = [FORMULAS[i % len(FORMULAS)] for i in range(len(table))]
    box.write_table(table.rename(columns={"x1": "=1+1"}))
    for stage in ("ingest", "featurize", "train", "evaluate", "package"):
        box.run(f"src.stages.{stage}")
    rows = pq.read_table(box.project / "data/table.parquet")
    assert rows["colour"].to_pylist() == table["colour"].tolist(), "a value has changed"
    assert str(rows.schema.field("colour").type) == "string"
    page = (box.project / "data/report.html").read_text(encoding="utf-8")
    assert 'href="http://x.invalid' not in page
    card = (box.project / "metrics/model-card.md").read_text(encoding="utf-8")
    assert "](http://x.invalid" not in card
    json.loads((box.project / "metrics/slices.json").read_text(encoding="utf-8"))
    return "plain text from the table to the package, and in report and card"


CASES: dict[str, tuple[str, Callable[[Path], str]]] = {
    "bombs": ("a compressed source that unpacks to gigabytes", read_bombs),
    "footers": ("a Parquet file with a false footer", read_footers),
    "wheel": ("a wheel with a changed member", check_changed_wheels),
    "formulas": ("spreadsheet formulas as names and values", keep_formulas),
}
