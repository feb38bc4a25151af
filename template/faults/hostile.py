"""Hostile input: refused or harmless, nothing executed, memory bounded. Each case says what was seen, or raises."""

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

from plumbline.testing.projects import environment, make_table
from template.faults.sandbox import ROOT, finished, ran

ROOM = 700 << 20  # bytes beyond what is imported
UNPACKED = 1 << 30
# Reads each source; one line for each, whatever it holds.
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
TESTED = [
    ("a full disk, a folder that is read-only, Ctrl-C in each stage", "one line, all that was there as it was",
     "tests/test_interruptions.py", "test_a_stage_that_is_stopped_leaves_what_was_there"),
    ("a set-up that is killed at any of its steps", "no .venv passes for whole; the same command again fills it",
     "tests/test_environment.py", "test_a_set_up_that_was_killed_is_made_anew"),
    ("a model file with a forged type", "refused before anything is built",
     "tests/prediction/test_modelfile.py", "test_a_forged_type_is_refused_before_anything_is_built"),
    ("paths with .., links and parts that are links to outside; tags, aliases and depth in the three YAML files",
     "refused in one line", "tests/test_errors.py", "test_bad_input_gets_one_line_and_leaves_what_was_there"),
    ("markup in names and values", "text in report and card",
     "tests/packaging/test_card.py",
     "test_numbers_are_those_of_the_metrics_and_text_of_the_data_means_nothing_but_itself"),
    ("a worktree of a review that git did not finish", "made anew",
     "tests/review/test_sides.py", "test_half_a_worktree_is_made_anew"),
    ("half a dvc.lock, half a list of who works on what", "HEAD's lock; an empty list",
     "tests/commands/test_repro.py", "test_what_a_killed_run_left_of_dvcs_own_files_is_mended"),
    ("an input that is edited during make repro", "refused in one line, HEAD's lock",
     "tests/commands/test_repro.py", "test_a_run_under_which_its_inputs_change_is_refused_and_its_lock_undone"),
    ("a hostile artifact for the comment workflow", "refused in words of our own",
     "tests/workflows/test_post.py", "test_a_hostile_artifact_is_refused_in_words_of_our_own"),
]  # fmt: skip


def read(*paths: Path) -> list[str]:
    """What is said of each source by one process with little memory."""
    command = [sys.executable, "-c", READ, str(ROOM), *map(str, paths)]
    ran = subprocess.run(command, cwd=ROOT, env=environment(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1"),
                         capture_output=True, encoding="utf-8", check=False, timeout=600)  # fmt: skip
    lines = ran.stderr.splitlines()
    assert ran.returncode == 0, f"it ended with {ran.returncode}: {ran.stderr[-2000:]}"
    assert len(lines) == len(paths), f"more than a line each: {ran.stderr[:2000]}"
    return lines


def bombs(folder: Path, unpacked: int = UNPACKED) -> str:
    """Many times what it weighs: members of a packed file may follow on each other."""
    part = 1 << 26
    starts = {"zeros.gz": b"", "parquet.gz": b"PAR1", "feather.gz": b"ARROW1", "line.jsonl.gz": b'{"a": 1}\n{"a": "',
              "field.csv.gz": b'a,b\n1,2\n1,"', "zeros.xz": b""}  # fmt: skip
    paths = []
    for name, start in starts.items():
        pack = lzma.compress if name.endswith(".xz") else gzip.compress
        fill = pack((b"x" if b'"' in start else b"\0") * part)
        paths.append(folder / name)
        paths[-1].write_bytes((pack(start) if start else b"") + fill * (unpacked // part))
    lines = read(*paths)
    assert all(line.startswith("ERROR: ") for line in lines), lines
    assert not any("not enough memory" in line for line in lines), lines
    ratio = unpacked // max(path.stat().st_size for path in paths)
    return f"{len(lines)} of {len(paths)} refused, {unpacked >> 30 or 1} GiB each, at least {ratio} times their size"


def footers(folder: Path, count: int = 200) -> str:
    """Bytes of a Parquet's footer, or its length, are others."""
    file, chance = io.BytesIO(), random.Random(9)  # noqa: S311
    pq.write_table(pa.Table.from_pandas(make_table()), file)
    whole = file.getvalue()
    size = int.from_bytes(whole[-8:-4], "little")
    lengths = [0, size - 1, size + 1, len(whole), 2**31 - 1, 2**32 - 1]
    made = [whole[:-8] + length.to_bytes(4, "little") + b"PAR1" for length in lengths]
    for _ in range(count - len(made)):
        lying = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            lying[len(whole) - 8 - chance.randrange(1, size)] = chance.randrange(256)
        made.append(bytes(lying))
    paths = [folder / f"{number}.parquet" for number in range(len(made))]
    for path, content in zip(paths, made, strict=True):
        path.write_bytes(content)
    lines = read(*paths)
    refused = sum(line.startswith("ERROR: ") for line in lines)
    assert refused >= len(lengths), lines
    assert all(line.startswith(("ERROR: ", "read ")) for line in lines), lines
    return f"{refused} of {count} refused, the others read as a table; no crash"


def members(folder: Path) -> str:
    box = finished(folder)
    (wheel,) = (box.project / "dist").glob("*.whl")
    module = wheel.name.split("-")[0]
    model, golden = f"{module}/prediction/model.skops", f"{module}/prediction/golden.jsonl"
    changes: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        "coefficients": (model, lambda content: changed_arrays(content)),
        "a forged type": (model, lambda content: members_with(content, b'"LogisticRegression"', b'"Popen"')),
        "half a model": (model, lambda content: content[: len(content) // 2]),
        "an answer": (golden, lambda content: content.replace(b'"yes"', b'"no"')),
    }
    for number, (what, (name, change)) in enumerate(changes.items()):
        place = folder / f"wheel-{number}"
        place.mkdir()
        with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(place / wheel.name, "w") as new:
            for member in old.namelist():
                content = old.read(member)
                assert member != name or change(content) != content, f"{what}: nothing was changed"
                new.writestr(member, change(content) if member == name else content)
        checked = subprocess.run([sys.executable, "-m", f"{module}.prediction.cli", "check"], cwd=place, check=False,
                                 env=environment(PYTHONPATH=str(place / wheel.name)), capture_output=True,
                                 encoding="utf-8")  # fmt: skip
        found = (checked.returncode, checked.stderr.count("\n"), checked.stderr[:7])
        assert found == (1, 1, "ERROR: "), f"{what}: {checked.stdout}{checked.stderr}"
    return f"its own check refuses {len(changes)} of {len(changes)}: {', '.join(changes)}"


def members_with(content: bytes, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            made.writestr(name, archive.read(name).replace(old, new))
    return out.getvalue()


def changed_arrays(content: bytes) -> bytes:
    """Every array of numbers in a model file, a little larger."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            held = archive.read(name)
            if name.endswith(".npy"):
                array, written = np.load(io.BytesIO(held), allow_pickle=False), io.BytesIO()
                np.save(written, array * 1.5 if array.dtype.kind == "f" else array, allow_pickle=False)
                held = written.getvalue()
            made.writestr(name, held)
    return out.getvalue()


def formulas(folder: Path) -> str:
    box = ran(folder).copy(folder / "formulas")
    table = make_table()
    table["colour"] = [FORMULAS[i % len(FORMULAS)] for i in range(len(table))]
    box.table(table.rename(columns={"x1": "=1+1"}))
    for stage in ("ingest", "featurize", "train", "evaluate", "package"):
        box.run(f"src.stages.{stage}")
    kept = pq.read_table(box.project / "data/table.parquet")
    assert kept["colour"].to_pylist() == table["colour"].tolist(), "a value is another"
    assert str(kept.schema.field("colour").type) == "string"
    page = (box.project / "data/report.html").read_text(encoding="utf-8")
    assert 'href="http://x.invalid' not in page
    card = (box.project / "metrics/model-card.md").read_text(encoding="utf-8")
    assert "](http://x.invalid" not in card
    json.loads((box.project / "metrics/slices.json").read_text(encoding="utf-8"))
    return "text from the table to the package, and text in report and card"


CASES: dict[str, tuple[str, Callable[[Path], str]]] = {
    "bombs": ("a packed source that unpacks to gigabytes", bombs),
    "footers": ("a Parquet with a lying footer", footers),
    "wheel": ("a wheel with a changed member", members),
    "formulas": ("formulas of spreadsheets as names and values", formulas),
}
