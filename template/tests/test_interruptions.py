"""A stage that fails or is stopped leaves complete files, and prints the command that restores the committed run."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline import paths
from plumbline.findings import Findings
from plumbline.pipeline.stage import RESTORE
from plumbline.testing.projects import STAGES, Project
from template.tests.runs import has_lost_outputs, is_documented, read_outputs, run_stage

CHECKOUT = "python3 -m src.environment dvc checkout"
LOSSES: list[tuple[Callable[[], Any], str]] = [  # a change of a committed run, and the command that undoes it
    (lambda: None, ""),
    (lambda: Path("metrics/metrics.json").write_text("{}"), "git restore metrics"),
    (lambda: Path("metrics/new.json").write_text("{}"), ""),
    (lambda: Path("data/model.skops").unlink(), CHECKOUT),
    (lambda: [Path(f"{at}/data/model.skops").unlink() for at in (".", ".dvc/cache/files/md5/aa")], ""),
    (
        lambda: [Path(f"data/{out}").unlink() for out in ("model.skops", "schema.json")],
        f"git restore data/schema.json && {CHECKOUT}",
    ),
    (lambda: Path("dvc.lock").write_text("stages:"), f"git restore dvc.lock && {CHECKOUT}"),
    (
        lambda: [Path(name).unlink() for name in ("dvc.lock", ".dvc/cache/files/md5/aa/data/table.parquet")],
        f"git restore dvc.lock && {CHECKOUT} --allow-missing",
    ),
]


@pytest.mark.parametrize(("lose", "command"), LOSSES)
def test_the_command_that_restores_a_committed_run_is_printed_where_something_is_lost(
    lose: Callable[[], Any], command: str, run_copy: Project
) -> None:
    lose()
    Path("data/source/table.csv").unlink()
    message = run_stage("ingest")[1]
    assert message.rstrip().partition(RESTORE)[2] == command
    if command:
        assert message.count("\n") == 1


def test_an_experiment_in_a_copy_of_its_own_has_lost_nothing(run_copy: Project, monkeypatch) -> None:
    folder = run_copy.folder / ".dvc/tmp/exps/standalone/tmp1"
    shutil.copytree(run_copy.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("tmp"))
    Path("data/model.skops").unlink()
    Path("data/source/table.csv").unlink()
    assert RESTORE in run_stage("ingest")[1]
    monkeypatch.chdir(folder)
    Path("data/model.skops").unlink()
    Path("data/source/table.csv").unlink()
    assert RESTORE not in run_stage("ingest")[1]


def test_a_run_that_is_not_committed_cannot_be_restored(run_copy: Project) -> None:
    Path("data/source/table.csv").unlink()
    Path("metrics/metrics.json").unlink()
    assert RESTORE in run_stage("ingest")[1]
    shutil.rmtree(".git")
    assert RESTORE not in run_stage("ingest")[1]
    subprocess.run(["git", "init", "-q"], check=True)
    assert RESTORE not in run_stage("ingest")[1]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("cause", ["Ctrl-C", "no memory", "a read-only folder", "a full disk"])
def test_a_stage_that_is_stopped_leaves_what_was_there(
    cause: str, stage: str, run_copy: Project, finished_run: Path, monkeypatch
) -> None:
    limits: dict[str, Any] = {}
    if cause == "Ctrl-C":  # after the last of its work
        monkeypatch.setattr(Findings, "write", lambda _: os.kill(os.getpid(), signal.SIGINT))
    elif cause == "no memory":
        monkeypatch.setattr(Findings, "write", lambda _: bytearray(1 << 62))
    elif cause == "a full disk":
        limits["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    else:
        monkeypatch.setattr(paths, "checks", lambda _: "/sys/checks.json")  # where not even root can write
    stages = STAGES[STAGES.index(stage) :]
    before = read_outputs(*stages)
    code, message = run_stage(stage, **limits)
    assert (code, message.count("\n")) == (1, 1), message
    assert message.startswith("ERROR: ")
    assert (RESTORE in message) == has_lost_outputs(finished_run)
    assert read_outputs(*stages) == before
    assert is_documented(message), f"plumbline/docs/errors.md has no such message: {message}"
