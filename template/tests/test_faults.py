"""A share of what template/faults.md reports, and that a kill comes at its moment."""

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
from template.records import read_records

WRITES = "import pathlib; p = pathlib.Path('.a.part'); p.write_text('new'); p.replace('a'); pathlib.Path('b').touch()"


@pytest.mark.parametrize(
    ("number", "kind", "files"),
    [
        (1, "before", {"a": "old"}),
        (1, "half", {"a": "old", ".a.part": ""}),
        (2, "before", {"a": "old", ".a.part": "new"}),
        (2, "after", {"a": "new"}),
        (9, "before", {"a": "new", "b": ""}),
    ],
)
def test_a_kill_comes_at_its_moment(tmp_path: Path, number: int, kind: str, files: dict[str, str]) -> None:
    (home := tmp_path / "home").mkdir()
    (home / "a").write_text("old")
    (tmp_path / "sitecustomize.py").write_bytes(MOMENT.read_bytes())
    log = tmp_path / "log"
    variables = environment(PYTHONPATH=str(tmp_path), FAULT=f"{log}:{number}:{kind}", FAULT_HOME=str(home))
    ran = subprocess.run([sys.executable, "-c", WRITES], cwd=home, env=variables, start_new_session=True, check=False)
    assert ran.returncode == (0 if number == 9 else -signal.SIGKILL)
    assert {path.name: path.read_text() for path in home.iterdir()} == files
    assert log.read_text().splitlines()[:2] == ["write .a.part", "rename a"][: min(number, 2)]


def test_the_page_says_what_the_drills_found_and_none_failed() -> None:
    records = read_records(faults.RECORDS)
    assert sorted(records) == sorted(faults.NAMES)
    assert faults.PAGE.read_text(encoding="utf-8") == faults.render_page(records)
    counts = [
        re.match(r"(\d+) of (\d+) ", records[name]["result"]) for name in faults.NAMES if name.startswith("kill ")
    ]
    assert [sum(int(match[i]) for match in counts if match) for i in (1, 2)] == [30, 30]
    assert not any("failed" in record["result"] for record in records.values())
    for _, _, file, test in hostile.TESTS:
        assert f"def {test}(" in (ROOT / "template" / file).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [("package", 0), ("package", 2), ("push", 0)])
def test_a_killed_command_ends_with_the_same_bytes_the_second_time(name: str, number: int, folder: Path) -> None:
    kills.kill(name, folder, *kills.choose_moments(name, folder, 9)[number])


@pytest.mark.slow
def test_a_changed_wheel_is_refused_and_lying_footers_crash_nothing(folder: Path) -> None:
    hostile.check_changed_wheels(folder)
    hostile.read_footers(folder, 100)


def test_half_a_file_under_an_outputs_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("before", "old"), ("box", "ne")):
        (path := tmp_path / name / "project/metrics/metrics.json").parent.mkdir(parents=True)
        path.write_text(content)
        (tmp_path / name / "project/dvc.yaml").write_text("stages: {s: {outs: [metrics/metrics.json]}}")
    before, box = (kills.Sandbox(tmp_path / name) for name in ("before", "box"))
    with pytest.raises(AssertionError, match="half a file has its final name: metrics/"):
        kills.check_files(box, before, kills.Reference(0, {"outputs": {}}, [], 1.0))
    (path := tmp_path / "box/remote/files/md5/ab" / ("c" * 30)).parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(AssertionError, match="half an object"):
        box.objects("remote")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")
