"""The machine's faults: a disk, a cache, a clock, another process. Each case says what was seen, or raises."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plumbline.pipeline.stage import RESTORE
from plumbline.testing.projects import make_table
from template.faults.sandbox import REPRO, Sandbox, changed, digest, finished, ran

YEARS = 20 * 365 * 86400
OTHER = "/dev/shm"  # noqa: S108, a disk in memory
# A stage's main with so many bytes beyond what it has imported; Arrow's threads are there before that.
LIMITED = """
import importlib, io, re, resource, sys
import pyarrow as pa
import pyarrow.csv, pyarrow.parquet
import src.features, src.model
from plumbline import versions
from plumbline.pipeline.stage import run
versions.check(sys.argv[1])  # what that needs is there before, too
main = importlib.import_module(f"src.stages.{sys.argv[1]}").main
pa.set_cpu_count(1); pa.set_io_thread_count(1)
file = io.BytesIO()
pa.parquet.write_table(pa.table({"x": [1]}), file)
next(pa.parquet.ParquetFile(file).iter_batches()), pa.parquet.read_table(file)
pa.csv.read_csv(io.BytesIO(b"a,b" + bytes([10])))
size = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[2]),) * 2)
run(sys.argv[1], main)
"""


def full(size: int) -> Callable[[], None]:
    """No file may become larger: as a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def as_finished(box: Sandbox, folder: Path) -> None:
    """The command again, and all is as where nothing happened."""
    box.run(*REPRO)
    found, expected = box.same(), finished(folder).same()
    assert found == expected, [key for key in found if found[key] != expected[key]]
    box.agrees()


def full_disk(folder: Path) -> str:
    box = changed(folder).copy(folder / "full")
    box.table(make_table(rows=50_000))
    said = box.run(*REPRO, code=255, preexec_fn=full(1 << 20))
    assert "File too large" in said, said
    known = ran(folder).outputs()
    assert all(found == known[name] for name, found in box.outputs().items())
    box.git("checkout", "-q", "data/source")
    as_finished(box, folder)
    return "stopped in words; then the same bytes"


def full_remote(folder: Path) -> str:
    box = finished(folder).copy(folder / "full-remote")
    (box.project / "big").write_bytes(os.urandom(1 << 21))
    box.run("dvc", "add", "-q", "big")
    said = box.run("dvc", "push", code=1, preexec_fn=full(1 << 20))
    assert "File too large" in said, said
    big = digest(box.project / "big")
    assert big not in box.stored("remote")
    box.run("dvc", "push")
    assert big in box.stored("remote")
    return "no half object; then all of it was pushed"


def corrupt_cache(folder: Path) -> str:
    box = finished(folder).copy(folder / "corrupt")
    name = box.outputs()["data/table.parquet"]
    held = box.project / ".dvc/cache/files/md5" / name[:2] / name[2:]
    for mode in (0o644, 0o444):
        held.chmod(0o644)
        held.write_bytes(held.read_bytes()[:-1] + b"?")
        held.chmod(mode)
        (box.project / "data/table.parquet").unlink()
        box.run("dvc", "checkout", code=None)
        if mode == 0o444:  # DVC trusts such an object: what docs/reliability.md says must cure it
            assert box.outputs()["data/table.parquet"] != name, "DVC looks into its objects now: say so in the docs"
            shutil.rmtree(box.project / ".dvc/cache")
            (box.project / "dvc.lock").unlink()
        as_finished(box, folder)
    return "found where the object can be written; else not seen by DVC, and fixed as docs/reliability.md says"


def truncated(folder: Path) -> str:
    box = finished(folder).copy(folder / "truncated")
    names = ("data/model.skops", "metrics/metrics.json", "data/features.parquet")
    for path in (box.project / name for name in names):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])
    said = box.run("dvc", "status")
    assert all(name in said for name in names), said
    as_finished(box, folder)
    return f"dvc sees all {len(names)}; then the same bytes"


def unwritable_cache(folder: Path) -> str:
    box = changed(folder).copy(folder / "unwritable")
    box.run("dvc", "cache", "dir", "--local", "/sys/cache")  # where not even root can write
    said = box.run(*REPRO, code=None)
    assert "ERROR" in said, said
    box.run("dvc", "config", "--local", "--unset", "cache.dir")
    as_finished(box, folder)
    return "DVC stops in words; with a cache that can be written the same bytes"


def other_disk(folder: Path) -> str:
    box = changed(folder).copy(folder / "other-disk")
    with tempfile.TemporaryDirectory(dir=OTHER) as cache:
        assert Path(cache).stat().st_dev != box.home.stat().st_dev, f"{OTHER} is no other file system"
        box.run("dvc", "cache", "dir", "--local", cache)
        box.run(*REPRO)
        assert box.outputs() == finished(folder).outputs()
        assert "up to date" in box.run("dvc", "status")
    return "the same bytes"


def clock(folder: Path) -> str:
    box = changed(folder).copy(folder / "clock")
    box.run(*REPRO, environment={"FAULT_CLOCK": str(-YEARS)})
    assert box.outputs() == finished(folder).outputs()
    for path in (path for path in (box.project / "data").rglob("*") if path.is_file()):
        os.utime(path, (4e9, 4e9))
    said = box.run(*REPRO, environment={"FAULT_CLOCK": str(YEARS)})
    assert "Running stage" not in said, said
    as_finished(box, folder)
    return "20 years back, then 20 years on: the same bytes, and nothing runs a second time"


def two_at_once(folder: Path) -> str:
    box = changed(folder).copy(folder / "two")
    both = [box.start(REPRO), box.start(REPRO)]
    said = [process.communicate()[0] for process in both]
    codes = [process.returncode for process in both]
    for code, words in zip(codes, said, strict=True):
        assert code == 0 or "busy" in words or "lock" in words, words[-2000:]
        assert "Traceback" not in words, words[-2000:]
    as_finished(box, folder)
    return f"{codes.count(0)} of 2 finished, the other was refused in words; then the same bytes"


def checkout(folder: Path) -> str:
    box = changed(folder).copy(folder / "checkout")
    process = box.start(REPRO)
    assert process.stdout
    for line in process.stdout:
        if line.startswith("train: fold 1/"):
            box.git("checkout", "-q", "-f", "HEAD~1")
            break
    said = process.communicate()[0]
    assert (process.returncode, "changed while the pipeline ran" in said) == (1, True), said
    lock = (box.project / "dvc.lock").read_bytes()
    assert lock == (ran(folder).project / "dvc.lock").read_bytes(), "dvc.lock says what is not so"
    box.run(*REPRO)
    assert box.outputs() == ran(folder).outputs()
    box.agrees()
    return "refused in a line, dvc.lock is HEAD's; then the bytes of the other branch"


def memory(folder: Path) -> str:
    box = finished(folder).copy(folder / "memory")
    box.git("commit", "-qam", "run")  # else there is something to bring back before anything is lost
    box.table(make_table(rows=100_000))
    stages, committed = ("ingest", "featurize", "train", "evaluate"), box.outputs()
    for stage in stages:
        before = box.outputs()
        command: dict[str, Any] = {"cwd": box.project, "env": box.environment(), "encoding": "utf-8", "timeout": 300}
        limited = subprocess.run([sys.executable, "-c", LIMITED, stage, str(1 << 21)], capture_output=True,
                                 check=False, **command)  # fmt: skip
        assert (limited.returncode, limited.stderr.count("\n")) == (1, 1), f"{stage}: {limited.stderr[-2000:]}"
        assert limited.stderr.startswith("ERROR: not enough memory"), limited.stderr
        assert (RESTORE in limited.stderr) == (box.outputs() != committed), limited.stderr
        assert box.outputs() == before, f"{stage} left something else"
        if stage != stages[-1]:
            box.run(f"src.stages.{stage}")
    return f"one line in each of {', '.join(stages)}, and all that was there as it was"


CASES: dict[str, tuple[str, Callable[[Path], str]]] = {
    "full disk": ("a full disk during make repro", full_disk),
    "full remote": ("a full disk during dvc push", full_remote),
    "corrupt cache": ("a corrupt object in the cache", corrupt_cache),
    "truncated": ("outputs cut to half of their size", truncated),
    "unwritable cache": ("a cache that cannot be written", unwritable_cache),
    "other disk": ("a cache on another file system", other_disk),
    "clock": ("a clock that jumps", clock),
    "two": ("two make repro at once", two_at_once),
    "checkout": ("git checkout during a run", checkout),
    "memory": ("no memory left in a stage", memory),
}
