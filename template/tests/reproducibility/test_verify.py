"""verify on states that real commands made: the state, the reason, the hint, and that the hint helps."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import pytest
from dvc.cli import main as dvc_command

from plumbline.reproducibility.dvc_files import read_mapping
from plumbline.reproducibility.hashes import hash_file, hash_path
from plumbline.reproducibility.report import CANNOT_TELL, NOT_PUSHED, STALE, Finding
from plumbline.reproducibility.verify import FRESH, NO_RUN, Verification, verify
from plumbline.testing.projects import ROOT, environment
from template.tests.reproducibility.conftest import COMMIT, Tiny
from template.tests.reproducibility.states import REPRO, STALE_PART, STATES, STORE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of DVC, run in this process
CODES = {FRESH: 0, NO_RUN: 0, STALE: 1, NOT_PUSHED: 1, CANNOT_TELL: 2}


def find_hint(report: Verification, reason: str) -> str:
    """The hint of the finding with this reason."""
    hints = [finding.hint for finding in report.findings if re.search(reason, str(finding))]
    assert hints, report.lines()
    return hints[0]


@pytest.fixture(autouse=True)
def stage_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the process that asks a remote starts in the tiny project


def verify_project(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Verification:
    monkeypatch.chdir(tiny.folder)
    return verify()


@pytest.mark.parametrize("name", STATES)
def test_states(name: str, copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    state = STATES[name]
    tiny = copy(state.base)
    tiny.sh(state.commands)
    report = verify_project(tiny, monkeypatch)
    assert (report.state, report.exit_code) == (state.state, CODES[state.state]), report.lines()
    assert report.lines()[0].startswith(state.state)
    if CODES[state.state] == 0:
        assert report.findings == ()
        return
    hint = find_hint(report, state.reason)
    assert hint.startswith(state.hint)
    assert all(str(finding).endswith(f"Next: {finding.hint}") for finding in report.findings)
    if (command := state.repair or hint) == REPRO:  # what the Makefile calls, without a process that imports DVC anew
        assert dvc_command(["repro"]) == 0
    else:
        tiny.sh(command)
    assert verify().state == FRESH, verify().lines()


def test_a_clone_without_data_is_fresh_where_all_was_pushed(copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy("pushed")
    clone = tiny.clone()
    report = verify_project(clone, monkeypatch)
    assert report.state == FRESH, report.lines()
    assert any("parts, one by one" in line for line in report.skipped_checks)
    assert any("objects by name in store" in line for line in report.checks)
    tiny.sh("mv ../store ../gone")
    report = verify()
    assert (report.state, report.exit_code) == (CANNOT_TELL, 2), report.lines()
    assert "there is no such folder here" in str(report.findings[0])
    assert verify(ask_remote=False).state == FRESH
    assert "whether it was pushed: --no-remote" in verify(ask_remote=False).skipped_checks


def test_a_file_of_a_pushed_folder_that_is_gone(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    """dvc push and dvc status -c look at the folder's listing alone."""
    tiny = copy("pushed")
    oid = hash_file(f"{tiny.folder}/parts/two.txt")
    (tiny.folder / "../store/files/md5" / oid[:2] / oid[2:]).unlink()
    report = verify_project(tiny, monkeypatch)
    assert report.state == NOT_PUSHED
    assert [finding.message.split(" is not")[0] for finding in report.findings] == ["parts/two.txt"]
    assert "Everything is up to date" in tiny.sh("dvc push")
    delete = re.fullmatch("delete (.*) in the remote, then dvc push", report.findings[0].hint)
    assert delete
    tiny.sh(f"rm ../store/{delete[1]} && dvc push")
    assert verify().state == FRESH


def test_what_one_push_brings_is_one_line(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = copy()
    tiny.sh(STORE)
    (finding,) = verify_project(tiny, monkeypatch).findings
    assert re.fullmatch(
        r"6 objects are not in remote store \(.*store\): data/model.txt, data/note.txt, data/source/big.csv and 3 more",
        finding.message,
    )
    assert (finding.expected, finding.hint) == ("", "dvc push")
    tiny.sh("dvc push -q data/model.txt parts")
    (finding,) = verify().findings
    assert finding.message.endswith(": data/note.txt, data/table.txt")
    tiny.sh("rm -r .dvc/cache/files")
    (finding,) = verify().findings
    assert finding.hint == "dvc push in the clone that made it, or make repro && dvc push"


def test_issue_11099_without_the_listing_and_what_dvc_says(copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy("inside")
    tiny.sh(STALE_PART + " && " + STORE + " && dvc push -q" + COMMIT)
    clone = tiny.clone()
    assert "didn't change, skipping\nData and pipelines are up to date" in clone.sh("dvc repro --allow-missing --dry")
    report = verify_project(clone, monkeypatch)
    assert (report.state, report.exit_code) == (CANNOT_TELL, 2), report.lines()
    hint = find_hint(report, "the listing of parts is not in the cache here")
    assert hint == "dvc fetch parts/one.txt"
    clone.sh(hint)
    assert find_hint(verify(), "score: parts/one.txt changed since the run") == REPRO


@pytest.mark.parametrize(
    ("code", "word", "reason"),
    [
        (200, FRESH, ""),
        (403, CANNOT_TELL, "refused access: HTTP 403 Forbidden. Next: log in, or set the credentials"),
        (401, CANNOT_TELL, "refused access: HTTP 401 Unauthorized. Next: log in, or set the credentials"),
        (404, NOT_PUSHED, "objects are not in remote web .*: data/model.txt, "),
        (500, CANNOT_TELL, "gave no answer: HTTP 500"),
        (0, CANNOT_TELL, "gave no answer: .*Connect call failed"),
    ],
)
def test_answers_of_a_server(code: int, word: str, reason: str, copy, server, monkeypatch) -> None:
    """fsspec turns each of the failures into FileNotFoundError, which DVC takes for "not in the remote"."""
    tiny = copy()
    url = server(code) if code else "http://127.0.0.1:1"
    with (tiny.folder / ".dvc/config.local").open("w") as file:  # as dvc remote add --local writes it
        file.write(
            f"[core]\n    remote = web\n['remote \"web\"']\n    url = {url.replace('//', '//someone:secret@')}\n"
        )
    report = verify_project(tiny, monkeypatch)
    assert report.state == word, report.lines()
    assert not reason or find_hint(report, reason)
    assert "secret" not in "".join(report.lines())


def test_a_remote_that_does_not_answer_in_time(copy, server, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = copy()
    tiny.sh(f"dvc remote add -q -d web {server(200)}")
    report = verify(tiny.folder, timeout=0.01)
    assert find_hint(report, "gave no answer: no answer within").startswith("look at its url")


def test_what_is_not_committed_is_said(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = copy()
    assert verify_project(tiny, monkeypatch).uncommitted_files == ()
    tiny.sh("echo 2 >> code/train.txt && echo 2 > code/lib/new.txt && echo 2 > code/other.txt && make repro")
    report = verify()
    assert report.state == FRESH
    assert sorted(report.uncommitted_files) == ["code/lib/new.txt", "code/train.txt", "dvc.lock", "metrics/score.json"]
    tiny.sh("true" + COMMIT)
    assert verify().uncommitted_files == ()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("dvc.lock", "- a list\n"),
        ("dvc.lock", "schema: '2.0'\nstages: [train]\n"),
        ("dvc.lock", "schema: '2.0'\nstages: {one: all is well}\n"),
        ("dvc.lock", "schema: '2.0'\nstages: {one: {cmd: true, outs: [7]}}\n"),
        ("dvc.lock", "schema: '2.0'\nstages: {one: {cmd: true, deps: {path: a}}}\n"),
        ("dvc.lock", "schema: '2.0'\nstages: {one: {cmd: true, outs: [{path: [1]}]}}\n"),
        ("dvc.lock", "schema: '2.0'\nstages: {one: {cmd: true, params: {params.yaml: [a]}}}\n"),
        ("dvc.lock", "schema: '2.0'\nstages: 2026-02-30\n"),
        ("dvc.lock", "[" * 5000),
        ("dvc.yaml", "[" * 5000),
        ("dvc.yaml", "stages: {one: python}\n"),
        ("dvc.yaml", "stages: [1]\n"),
        ("dvc.yaml", "vars: 7\nstages: {}\n"),
        ("dvc.yaml", "stages: {one: {cmd: python, deps: null}}\n"),
        ("dvc.yaml", "stages: {one: {cmd: python, outs: 7}}\n"),
        ("dvc.yaml", "stages: {one: {cmd: python, params: [7]}}\n"),
        ("data/table.dvc", "outs: [7]\n"),
        ("params.yaml", "- a list\n"),
    ],
)
def test_what_dvc_never_writes_is_stale_in_one_line(file: str, content: str, copy, monkeypatch) -> None:
    monkeypatch.chdir(copy().folder)
    Path(file).write_text(content)
    report = verify(ask_remote=False)
    (finding,) = report.findings
    assert (report.exit_code, finding.message.split()[0]) == (1, file)


def every_file(*folders: Path) -> dict[str, str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and ".git/" not in str(path)]
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_command_moves_no_data_and_writes_only_its_report(copy: Callable[..., Tiny]) -> None:
    clone = copy("pushed").clone()
    store = clone.folder.parent / "store"
    before = every_file(clone.folder, store)
    output = clone.sh("python -m plumbline verify")
    assert output.startswith("fresh: dvc.lock matches these files\nchecked: ")
    assert "not checked: whether the data behind the hashes exists" in output
    assert every_file(clone.folder, store) == before
    clone.sh("echo 2 >> code/train.txt")
    output = clone.sh("python -m plumbline verify --no-remote --json report.json", 1)
    report = json.loads((clone.folder / "report.json").read_text(encoding="utf-8"))
    assert (report["state"], report["exit_code"]) == (STALE, 1)
    assert report["findings"][0]["message"] == "train: code/train.txt changed since the run"
    assert report["findings"][0]["hint"] == REPRO
    assert report["skipped_checks"]
    page = (ROOT / "plumbline/docs/reproducibility.md").read_text(encoding="utf-8")
    names = {"state", "exit_code", *(field.name for field in fields(Verification))}
    assert set(report) == names
    assert set(report["findings"][0]) == {field.name for field in fields(Finding)}
    assert all(f"`{name}`" in page for name in names | set(report["findings"][0]))
    clone.sh("rm dvc.yaml")
    assert "Run this in the root of the project" in clone.sh("python -m plumbline verify", 2)


def test_hashes_are_those_that_dvc_makes(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders in folders, names that sort otherwise with their separators, one that is ignored, line ends."""
    tiny = copy()
    tiny.sh(
        "mkdir -p f/a f/a-b && echo 1 > f/a/x && echo 2 > f/a-b/x && echo 3 > f/ü && printf '\\r\\n' > f/crlf"
        " && echo p > f/p.pyc && dvc add -q f"
    )
    monkeypatch.chdir(tiny.folder)
    (entry,) = read_mapping("f.dvc")["outs"]
    assert hash_path("f") == entry["md5"]


def test_a_folder_that_holds_outputs_is_known_without_them(copy: Callable[..., Tiny], monkeypatch) -> None:
    """A dependency on data, which has a file of git, a pointer and its file, and outputs of two stages."""
    tiny = copy()
    tiny.sh(
        "printf '  all: {cmd: ls data > all.txt, deps: [data, parts], outs: [all.txt]}\n' >> dvc.yaml && make repro"
        + COMMIT
    )
    assert verify_project(tiny.clone(), monkeypatch).state == FRESH
    tiny.sh("echo 2 >> code/train.txt && dvc repro -q train" + COMMIT)
    (clone_folder := tiny.folder.parent / "other").mkdir()
    tiny.sh(f"git clone -q . {clone_folder}")
    report = verify_project(Tiny(clone_folder), monkeypatch)
    assert find_hint(report, "all: data changed since the run") == REPRO


def test_this_repository_is_fresh_at_its_head(tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    ran = subprocess.run(
        [sys.executable, "-m", "plumbline", "verify"],
        cwd=tmp_path / "clone",
        env=environment(),
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.stdout.startswith("fresh: "), ran.stdout + ran.stderr
    assert ran.returncode == 0
