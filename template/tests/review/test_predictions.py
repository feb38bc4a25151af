"""A process that fits for a side: its replicas are counted as they are done, its last line is the reason it failed."""

import sys
from pathlib import Path

import pytest
from plumbline.review.cells import OTHER, Work

from plumbline.process import start
from plumbline.review.sides import Failed, OtherContract, Side

SIDE = Side("head", "0123456789abcdef")


def followed(code: str, folder: Path) -> list[str]:
    """What was counted of a process that runs this code; raises as the review does."""
    with (folder / "errors").open("w+", encoding="utf-8") as errors:
        work, counted = Work(SIDE, {}, errors), list[str]()
        process = start([sys.executable, "-c", code], stdout=-1, stderr=errors)
        work.follow(process, lambda count=1, note="": counted.extend([note] * count))
        work.check(process)
    return counted


def test_each_replica_that_is_done_counts_and_nothing_else(tmp_path: Path) -> None:
    code = "print('x: replica 0 is done')\nprint('a line of a feature')\nprint('x: replica 3 is done')"
    assert followed(code, tmp_path) == ["head", "head"]


def test_much_that_is_printed_as_an_error_stops_nobody(tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(20000): print('a warning of a library', file=sys.stderr)\nprint('x is done')"
    assert followed(code, tmp_path) == ["head"]


@pytest.mark.parametrize(("code", "kind", "words"), [(1, Failed, "does not predict: why"),
                                                     (OTHER, OtherContract, "cannot be asked: why")])  # fmt: skip
def test_the_last_line_is_the_reason(tmp_path: Path, code: int, kind: type[Failed], words: str) -> None:
    script = f"import sys\nprint('before', file=sys.stderr)\nprint('ERROR: why', file=sys.stderr)\nsys.exit({code})"
    with pytest.raises(Failed, match=words) as caught:
        followed(script, tmp_path)
    assert type(caught.value) is kind
    assert caught.value.side == "head"
