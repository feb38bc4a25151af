"""make repro: the automatic key, a missing source, inputs that change during the run, and files of a killed run."""

import py_compile
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline import versions
from plumbline.commands import repro
from plumbline.data.schema import Column, Schema
from plumbline.errors import ParamsError, report_errors
from plumbline.testing.projects import ROOT, Project, make_table
from template.tests.command import run_command

SOURCES = "There is data/source/lost.csv.dvc, data/source/second.csv, data/source/table.csv"
CASES: list[tuple[dict[str, Any], list[str], str]] = [  # a change to params, stages that run, error
    ({}, ["ingest"], "the automatic key is 'b' and was 'a' in git; rows would change sides"),
    ({"key": "b"}, ["all"], ""),
    ({"target": "a"}, ["all"], ""),
    ({"source": "data/source/second.csv"}, ["all"], ""),
    ({"source": "data/features.parquet"}, ["all"], ""),  # a stage makes it
    ({"source": "data/source/no.csv"}, [], SOURCES),
    ({"source": "data/source/lost.csv"}, [], "lost.csv.dvc points to it in a remote: dvc pull"),
]


@pytest.mark.parametrize(("change", "stages", "message"), CASES)
def test_another_automatic_key_of_the_same_table_or_no_source_stops(
    project: Project, change: dict, stages: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    runs: list[str] = []

    def run_dvc(_: str, stage: str = "all", key: str = "b", only: object = None) -> None:
        runs.append(stage)
        columns = [Column(name, "integer", "key" if name == key else "feature") for name in "ab"]
        text = Schema((*columns, Column("y", "number", "target")), 3, "regression").dumps()
        Path("data/schema.json").write_text(text, encoding="utf-8")

    run_dvc("repro", key="a")
    project.table(make_table(rows=3), target="y")
    for line in ("init -q", "add params.yaml data", "-c user.name=x -c user.email=x commit -qm x"):
        subprocess.run(["git", *line.split()], check=True)
    for name in ("second.csv", "lost.csv.dvc"):
        Path("data/source", name).touch()
    project.change(data=change)
    monkeypatch.setattr(repro, "_run_dvc", run_dvc)
    monkeypatch.setattr(repro, "_print_summary", lambda source: None)
    assert report_errors(lambda: run_command("repro")) == int(message != "")
    assert runs[1:] == stages
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == int(message != "")


@pytest.mark.parametrize("text", ["{}", "[]", "no JSON", '{"columns": [1]}'])
def test_a_committed_schema_that_is_none_has_no_key_to_compare(text: str) -> None:
    current = Schema((Column("a", "integer", "key"), Column("y", "number", "target")), 3, "regression").dumps()
    repro._check_key(text, current)
    with pytest.raises(ParamsError, match="the automatic key is 'a' and was None"):
        repro._check_key(current.replace('"key"', '"feature"'), current)


def test_digests_that_dvc_would_not_miss_are_written_first(project: Project, monkeypatch, capsys) -> None:
    """As after plumbline eject --back: for DVC, a folder that is no dependency any more is no change."""
    project.table(make_table(rows=3), target="y")
    Path("src/versions.json").write_text('{"train": "of an edited folder"}', encoding="utf-8")
    states: list[list[str]] = []
    monkeypatch.setattr(repro, "_run_dvc", lambda *arguments, **options: states.append(versions.disagreements()))
    monkeypatch.setattr(repro, "_print_summary", lambda source: None)
    assert run_command("repro") == 0
    assert states == [[]]
    assert "src/versions.json: another digest of " in capsys.readouterr().out


def test_without_git_nothing_runs_and_one_line_says_so(project: Project, monkeypatch, capsys) -> None:
    project.table(make_table(rows=3), target="y")
    monkeypatch.setenv("PATH", "")
    assert report_errors(lambda: run_command("repro")) == 1
    assert capsys.readouterr().err.startswith("ERROR: git is not on PATH: ")
    assert not Path("dvc.lock").exists()


@pytest.mark.parametrize(
    ("only", "expected"),
    [(None, "Running stage 'ingest':\nup to date\n"), (repro.PROGRESS, "Running stage 'ingest':\n")],
)
def test_dvcs_summary_of_the_first_stage_is_not_shown_and_its_failure_is(
    only: Any, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.py").write_text(
        """print("Running stage 'ingest':\\nup to date"); import sys; sys.exit(int(sys.argv[1]))"""
    )
    repro._run_dvc("0", only=only)
    assert capfd.readouterr().out == expected
    with pytest.raises(SystemExit, match="7"):
        repro._run_dvc("7", only=only)


LOCK = "schema: '2.0'\nstages:\n  ingest:\n    cmd: x\n    outs:\n    - path: data/table.parquet\n      md5: aaaa\n"


def commit(*paths: str) -> None:
    for line in ("init -q", f"add -f {' '.join(paths)}", "-c user.name=x -c user.email=x commit -qm x"):
        subprocess.run(["git", *line.split()], check=True)


@pytest.mark.parametrize("in_git", [True, False])
@pytest.mark.parametrize("text", ["", "schema: '2.0'\nstages:\n", LOCK[:40], LOCK[:50], "<<<<<<< a\n" + LOCK])
def test_what_a_killed_run_left_of_dvcs_own_files_is_mended(
    project: Project, text: str, in_git: bool, capsys: pytest.CaptureFixture
) -> None:
    project.table(make_table(rows=3))
    Path("dvc.lock").write_text(LOCK)
    commit("params.yaml", *["dvc.lock"] * in_git)
    repro.RWLOCK.parent.mkdir(parents=True)
    for content in ('{"write": {}}', '{"wri', ""):
        repro.RWLOCK.write_text(content)
        repro._repair_dvc_files()
        assert repro.RWLOCK.exists() == content.endswith("}")
    assert (Path("dvc.lock").read_text(), capsys.readouterr().out) == (LOCK, "")
    Path("dvc.lock").write_text(text)
    repro._repair_dvc_files()
    assert "replaced by that of HEAD" in capsys.readouterr().out
    assert (Path("dvc.lock").read_text() if in_git else Path("dvc.lock").exists()) == (LOCK if in_git else False)


def rewrite(path: str) -> Callable[[], object]:
    """Return a function that writes a file anew with the same content: in between it may have had another one."""
    return lambda: (content := Path(path).read_bytes(), Path(path).unlink(), Path(path).write_bytes(content))


def compile_module(path: Path) -> None:
    """Write what Python writes at the first import of a module."""
    py_compile.compile(str(path), doraise=True)
    assert [*path.parent.glob(f"__pycache__/{path.stem}.*.pyc")]


@pytest.mark.parametrize(
    ("change", "file"),
    [
        (rewrite("params.yaml"), "params.yaml"),
        (rewrite("data/source/table.csv"), "data/source/table.csv"),
        (lambda: Path("expectations/table.json").touch(), "expectations/table.json"),
        (lambda: Path("plumbline/leakage/new.py").touch(), "plumbline/leakage/new.py"),
        (lambda: Path("src/model.py").unlink(), "src/model.py"),
        (lambda: Path("plumbline/commands/share.py").touch(), "plumbline/commands/share.py"),
        (lambda: Path("src/environment.py").touch(), ""),
        (lambda: Path("metrics/metrics.json").touch(), ""),
        (lambda: Path("data/table.parquet").touch(), ""),
        (lambda: compile_module(Path("plumbline/params.py")), ""),
        (lambda: Path("expectations/.t.json.swp").touch(), ""),
    ],
)
@pytest.mark.parametrize("code", [0, 255])
def test_a_run_under_which_its_inputs_change_is_refused_and_its_lock_undone(
    project: Project, change: Callable, file: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    project.copy_code()
    project.table(make_table(rows=3), key=None)
    Path("dvc.lock").write_text(LOCK)
    commit("params.yaml", "dvc.lock")
    new_lock = LOCK.replace("aaaa", "bbbb")

    def run_dvc(*_: str) -> None:
        Path("dvc.lock").write_text(new_lock)
        change()
        if code:
            sys.exit(code)

    monkeypatch.setattr(repro, "_run_dvc", run_dvc)
    monkeypatch.setattr(repro, "_print_summary", lambda source: None)
    if code and not file:
        with pytest.raises(SystemExit):
            run_command("repro")
    else:
        assert report_errors(lambda: run_command("repro")) == int(file != "")
    assert Path("dvc.lock").read_text() == (LOCK if file else new_lock)
    error = capsys.readouterr().err
    assert (f"ERROR: {file} changed while the pipeline ran (changed files: 1)" in error) == (file != "")


def test_digests_that_are_missing_or_marked_by_a_merge_are_written_by_the_run(project: Project) -> None:
    project.copy_code()
    project.table(make_table(rows=60))
    Path("params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    versions.write()
    file, command = Path("src/versions.json"), [sys.executable, "-m", "dvc", "repro", "versions"]
    content = file.read_text()
    for line in ("git init -q", f"{sys.executable} -m dvc init -q"):
        subprocess.run(shlex.split(line), check=True)
    subprocess.run(command, check=True)
    for text in ("", f"<<<<<<< HEAD\n{content}=======\n{content}>>>>>>> branch\n"):
        file.write_text(text) if text else file.unlink()
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert (ran.returncode, file.read_text()) == (0, content), ran.stdout + ran.stderr
        assert "Running stage 'versions'" in ran.stdout
