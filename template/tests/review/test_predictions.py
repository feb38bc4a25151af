"""A process that fits for a side: its replicas are counted as they are done, its last line is the reason it failed."""

import sys
from pathlib import Path

import pytest

from plumbline.process import start
from plumbline.review.commits import SideError
from plumbline.review.predictions import WorkerRun
from plumbline.review.sides import ContractError, Side
from plumbline.review.worker import OTHER_CONTRACT, Job

SIDE = Side("head", "0123456789abcdef")
JOB = Job(contract=1, replicas=(), folds=None, table=None, folder="")


def follow(code: str, folder: Path) -> list[str]:
    """Follow a process that runs this code, and return the notes of its progress; raises as the review does."""
    with (folder / "errors").open("w+", encoding="utf-8") as errors:
        run, notes = WorkerRun(SIDE, JOB, errors), list[str]()
        process = start([sys.executable, "-c", code], stdout=-1, stderr=errors)
        run.follow(process, lambda count=1, note="": notes.extend([note] * count))
        run.check(process)
    return notes


def test_each_replica_that_is_done_counts_and_nothing_else(tmp_path: Path) -> None:
    code = "print('x: replica 0 is done')\nprint('a line of a feature')\nprint('x: replica 3 is done')"
    assert follow(code, tmp_path) == ["head", "head"]


def test_much_that_is_printed_as_an_error_stops_nobody(tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(20000): print('a warning of a library', file=sys.stderr)\nprint('x is done')"
    assert follow(code, tmp_path) == ["head"]


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (1, SideError, "does not predict: why"),
        (OTHER_CONTRACT, ContractError, "has a version of plumbline.contract that this review does not support: why"),
    ],
)
def test_the_last_line_is_the_reason(tmp_path: Path, code: int, error: type[SideError], words: str) -> None:
    script = f"import sys\nprint('before', file=sys.stderr)\nprint('ERROR: why', file=sys.stderr)\nsys.exit({code})"
    with pytest.raises(SideError, match=words) as caught:
        follow(script, tmp_path)
    assert type(caught.value) is error
    assert caught.value.side == "head"
