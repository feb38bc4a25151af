"""A share of what template/faults.md holds, and that the drills strike when they say so."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT, environment
from template.faults import __main__ as faults
from template.faults import hostile, kills
from template.faults.sandbox import MOMENT

WRITES = "import pathlib; p = pathlib.Path('.a.part'); p.write_text('new'); p.replace('a'); pathlib.Path('b').touch()"


@pytest.mark.parametrize(("number", "kind", "left"), [
    (1, "before", {"a": "old"}), (1, "half", {"a": "old", ".a.part": ""}),
    (2, "before", {"a": "old", ".a.part": "new"}), (2, "after", {"a": "new"}),
    (9, "before", {"a": "new", "b": ""})])  # fmt: skip
def test_the_blow_falls_at_its_moment(tmp_path: Path, number: int, kind: str, left: dict[str, str]) -> None:
    (home := tmp_path / "home").mkdir()
    (home / "a").write_text("old")
    (tmp_path / "sitecustomize.py").write_bytes(MOMENT.read_bytes())
    log = tmp_path / "log"
    given = environment(PYTHONPATH=str(tmp_path), FAULT=f"{log}:{number}:{kind}", FAULT_HOME=str(home))
    ran = subprocess.run([sys.executable, "-c", WRITES], cwd=home, env=given, start_new_session=True, check=False)
    assert ran.returncode == (0 if number == 9 else -signal.SIGKILL)
    assert {path.name: path.read_text() for path in home.iterdir()} == left
    assert log.read_text().splitlines()[:2] == ["write .a.part", "rename a"][: min(number, 2)]


def test_the_page_says_what_the_drills_found_and_none_failed() -> None:
    kept = json.loads(faults.KEPT.read_text(encoding="utf-8"))
    assert sorted(kept) == sorted(faults.NAMES)
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(kept)
    counts = [re.match(r"(\d+) of (\d+) ", kept[name]["found"]) for name in faults.NAMES if name.startswith("kill ")]
    assert [sum(int(found[i]) for found in counts if found) for i in (1, 2)] == [30, 30]
    assert not any("failed" in found["found"] for found in kept.values())
    for _, _, where, test in hostile.TESTED:
        assert f"def {test}(" in (ROOT / "template" / where).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "at"), [("package", 0), ("package", 2), ("push", 0)])
def test_a_killed_command_ends_with_the_same_bytes_the_second_time(name: str, at: int, folder: Path) -> None:
    kills.kill(name, folder, *kills.points(name, folder, 9)[at])


@pytest.mark.slow
def test_a_changed_wheel_is_refused_and_lying_footers_crash_nothing(folder: Path) -> None:
    hostile.members(folder)
    hostile.footers(folder, 100)


def test_half_a_file_under_an_outputs_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("before", "old"), ("box", "ne")):
        (path := tmp_path / name / "project/metrics/metrics.json").parent.mkdir(parents=True)
        path.write_text(content)
        (tmp_path / name / "project/dvc.yaml").write_text("stages: {s: {outs: [metrics/metrics.json]}}")
    before, box = (kills.Sandbox(tmp_path / name) for name in ("before", "box"))
    with pytest.raises(AssertionError, match="half a file stands under its name: metrics/"):
        kills.whole_files(box, before, kills.Undisturbed(0, {"outputs": {}}, [], 1.0))
    (held := tmp_path / "box/remote/files/md5/ab" / ("c" * 30)).parent.mkdir(parents=True)
    held.touch()
    with pytest.raises(AssertionError, match="half an object"):
        box.stored("remote")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")
