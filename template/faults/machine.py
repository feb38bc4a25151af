"""Faults of the machine: a disk, a cache, a clock, another process. Each case returns its result, or raises."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from plumbline.pipeline.stage import RESTORE
from plumbline.testing.projects import make_table
from template.faults.sandbox import REPRO, Sandbox, changed_sandbox, committed_sandbox, digest, finished_sandbox

YEARS = 20 * 365 * 86400
OTHER_DISK = "/dev/shm"  # noqa: S108, a disk in memory
# Run a stage with so many bytes more than its imports take; Arrow's threads are started before the limit is set.
LIMITED = """
import importlib, io, re, resource, sys
import pyarrow as pa
import pyarrow.csv, pyarrow.parquet
import src.features, src.model
from plumbline import versions
from plumbline.pipeline.stage import run
versions.check(sys.argv[1])  # its imports, too, come before the limit
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


def _limit_files(size: int) -> Callable[[], None]:
    """No file may become larger, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _finish(box: Sandbox, folder: Path) -> None:
    """Run the command again, and check that all is as without the fault."""
    box.run(*REPRO)
    state, expected = box.state(), finished_sandbox(folder).state()
    assert state == expected, [key for key in state if state[key] != expected[key]]
    box.check_lock()


def _fill_disk(folder: Path) -> str:
    box = changed_sandbox(folder).copy(folder / "full")
    box.write_table(make_table(rows=50_000))
    output = box.run(*REPRO, code=255, preexec_fn=_limit_files(1 << 20))
    assert "File too large" in output, output
    outputs = committed_sandbox(folder).outputs()
    assert all(digest == outputs[name] for name, digest in box.outputs().items())
    box.git("checkout", "-q", "data/source")
    _finish(box, folder)
    return "stopped with an error message; then the same bytes"


def _fill_remote(folder: Path) -> str:
    box = finished_sandbox(folder).copy(folder / "full-remote")
    (box.project / "big").write_bytes(os.urandom(1 << 21))
    box.run("dvc", "add", "-q", "big")
    output = box.run("dvc", "push", code=1, preexec_fn=_limit_files(1 << 20))
    assert "File too large" in output, output
    big = digest(box.project / "big")
    assert big not in box.objects("remote")
    box.run("dvc", "push")
    assert big in box.objects("remote")
    return "no incomplete object; then everything was pushed"


def _corrupt_cache(folder: Path) -> str:
    box = finished_sandbox(folder).copy(folder / "corrupt")
    name = box.outputs()["data/table.parquet"]
    path = box.project / ".dvc/cache/files/md5" / name[:2] / name[2:]
    for mode in (0o644, 0o444):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        path.chmod(mode)
        (box.project / "data/table.parquet").unlink()
        box.run("dvc", "checkout", code=None)
        if mode == 0o444:  # DVC trusts such an object: plumbline/docs/reliability.md says how to repair it
            assert box.outputs()["data/table.parquet"] != name, (
                "DVC checks its objects now: correct plumbline/docs/reliability.md"
            )
            shutil.rmtree(box.project / ".dvc/cache")
            (box.project / "dvc.lock").unlink()
        _finish(box, folder)
    return "detected if the object is writable; otherwise not detected by DVC; to fix it: plumbline docs reliability"


def _truncate_outputs(folder: Path) -> str:
    box = finished_sandbox(folder).copy(folder / "truncated")
    names = ("data/model.skops", "metrics/metrics.json", "data/features.parquet")
    for path in (box.project / name for name in names):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])
    output = box.run("dvc", "status")
    assert all(name in output for name in names), output
    _finish(box, folder)
    return f"DVC detects all {len(names)}; then the same bytes"


def _protect_cache(folder: Path) -> str:
    box = changed_sandbox(folder).copy(folder / "unwritable")
    box.run("dvc", "cache", "dir", "--local", "/sys/cache")  # where not even root can write
    output = box.run(*REPRO, code=None)
    assert "ERROR" in output, output
    box.run("dvc", "config", "--local", "--unset", "cache.dir")
    _finish(box, folder)
    return "DVC stops with an error message; with a writable cache the same bytes"


def _move_cache(folder: Path) -> str:
    box = changed_sandbox(folder).copy(folder / "other-disk")
    with tempfile.TemporaryDirectory(dir=OTHER_DISK) as cache:
        assert Path(cache).stat().st_dev != box.home.stat().st_dev, f"{OTHER_DISK} is not another file system"
        box.run("dvc", "cache", "dir", "--local", cache)
        box.run(*REPRO)
        assert box.outputs() == finished_sandbox(folder).outputs()
        assert "up to date" in box.run("dvc", "status")
    return "the same bytes"


def _turn_clock(folder: Path) -> str:
    box = changed_sandbox(folder).copy(folder / "clock")
    box.run(*REPRO, variables={"FAULT_CLOCK": str(-YEARS)})
    assert box.outputs() == finished_sandbox(folder).outputs()
    for path in (path for path in (box.project / "data").rglob("*") if path.is_file()):
        os.utime(path, (4e9, 4e9))
    output = box.run(*REPRO, variables={"FAULT_CLOCK": str(YEARS)})
    assert "Running stage" not in output, output
    _finish(box, folder)
    return "20 years back, then 20 years forward: the same bytes, and no stage runs again"


def _run_twice_at_once(folder: Path) -> str:
    box = changed_sandbox(folder).copy(folder / "two")
    processes = [box.start(REPRO), box.start(REPRO)]
    outputs = [process.communicate()[0] for process in processes]
    codes = [process.returncode for process in processes]
    for code, output in zip(codes, outputs, strict=True):
        assert code == 0 or "busy" in output or "lock" in output, output[-2000:]
        assert "Traceback" not in output, output[-2000:]
    _finish(box, folder)
    return f"{codes.count(0)} of 2 finished, the other stopped with an error message; then the same bytes"


def _check_out_during_run(folder: Path) -> str:
    box = changed_sandbox(folder).copy(folder / "checkout")
    process = box.start(REPRO)
    assert process.stdout
    for line in process.stdout:
        if line.startswith("train: fold 1/"):
            box.git("checkout", "-q", "-f", "HEAD~1")
            break
    output = process.communicate()[0]
    assert (process.returncode, "changed while the pipeline ran" in output) == (1, True), output
    lock = (box.project / "dvc.lock").read_bytes()
    assert lock == (committed_sandbox(folder).project / "dvc.lock").read_bytes(), "dvc.lock does not match the outputs"
    box.run(*REPRO)
    assert box.outputs() == committed_sandbox(folder).outputs()
    box.check_lock()
    return "refused in one line, dvc.lock is that of HEAD; then the bytes of the other branch"


def _run_limited(box: Sandbox, stage: str) -> tuple[int, str]:
    """Run a stage with little memory; its exit code and its errors."""
    command = [sys.executable, "-c", LIMITED, stage, str(1 << 21)]
    ran = subprocess.run(
        command,
        cwd=box.project,
        env=box.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return ran.returncode, ran.stderr


def _limit_memory(folder: Path) -> str:
    box = finished_sandbox(folder).copy(folder / "memory")
    box.git("commit", "-qam", "run")  # else the message says how to restore outputs before any is lost
    box.write_table(make_table(rows=100_000))
    stages, outputs = ("ingest", "featurize", "train", "evaluate"), box.outputs()
    for stage in stages:
        before = box.outputs()
        code, errors = _run_limited(box, stage)
        assert (code, errors.count("\n")) == (1, 1), f"{stage}: {errors[-2000:]}"
        assert errors.startswith("ERROR: not enough memory"), errors
        assert (RESTORE in errors) == (box.outputs() != outputs), errors
        assert box.outputs() == before, f"{stage} changed an output"
        if stage != stages[-1]:
            box.run(f"src.stages.{stage}")
    return f"one line in each of {', '.join(stages)}, and no file changed"


CASES: dict[str, tuple[str, Callable[[Path], str]]] = {
    "full disk": ("a full disk during make repro", _fill_disk),
    "full remote": ("a full disk during dvc push", _fill_remote),
    "corrupt cache": ("a corrupt object in the cache", _corrupt_cache),
    "truncated": ("outputs truncated to half of their size", _truncate_outputs),
    "unwritable cache": ("a cache without write permission", _protect_cache),
    "other disk": ("a cache on another file system", _move_cache),
    "clock": ("a clock that jumps", _turn_clock),
    "two": ("two make repro at the same time", _run_twice_at_once),
    "checkout": ("git checkout during a run", _check_out_during_run),
    "memory": ("not enough memory in a stage", _limit_memory),
}
