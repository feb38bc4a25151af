"""verify on states that real commands made: the word, the reason, the cure, and that the cure cures."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from src.reproducibility import remote
from src.reproducibility.pipeline import file_hash, load, on_disk
from src.reproducibility.verify import CANNOT_TELL, FRESH, NO_RUN, NOT_PUSHED, STALE, Report, verify
from template.tests.reproducibility.conftest import COMMIT, Tiny
from tests.conftest import ROOT, environment

CODES = {FRESH: 0, NO_RUN: 0, STALE: 1, NOT_PUSHED: 1, CANNOT_TELL: 2}
OURS = "git checkout HEAD~ -- "
FORCE = "dvc repro --force --single-item "
REPRO, DROP = "make repro", "rm dvc.lock && make repro"
STORE = "mkdir ../store && dvc remote add -q -d store ../store"


@dataclass(frozen=True)
class State:
    """`commands` make it; `repair` is what a person types where the cure is words and not a command."""

    commands: str
    word: str = STALE
    reason: str = ""
    cure: str = REPRO
    repair: str = ""
    base: str = "project"


def edit(file: str, old: str, new: str) -> str:
    return f"sed -i 's|{old}|{new}|' {file}{COMMIT}"


def script(text: str) -> str:
    return f'python -c "{text}"{COMMIT}'


CUT = "import re; t = open('{0}').read(); open('{0}', 'w').write(re.sub(r'(?ms)^  {1}:.*?(?=^  [a-z]|\\Z)', '', t))"
HASHED = (
    "import re; t = open('dvc.lock').read(); "
    "open('dvc.lock', 'w').write(re.sub('({0}\\n.*\\n +md5: )...', r'\\g<1>000', t, count={1}))"
)
STALE_PART = "echo more >> data/source/big.csv && dvc add -q data/source/big.csv && dvc repro -q parts" + COMMIT

STATES = {
    "fresh": State("true", FRESH),
    "code changed": State(
        "echo 2 >> code/ingest.txt" + COMMIT, reason="ingest: code/ingest.txt is not what the run saw"
    ),
    "code in a folder changed": State("echo 2 >> code/lib/sub/b.txt" + COMMIT, reason="code/lib is not what the run"),
    "a file came into a folder": State("echo 2 > code/lib/new.txt", reason="code/lib is not what the run saw"),
    "a file that .dvcignore names came": State("echo 2 > code/lib/new.pyc", FRESH),
    "a file that .dvcignore names is in git": State("echo 2 > code/lib/new.pyc" + COMMIT, FRESH),
    "a file was renamed in a folder": State("git mv code/lib/a.txt code/lib/c.txt && sed -i s/a.txt/c.txt/ dvc.yaml"
                                            + COMMIT, reason="code/lib is not what the run saw"),
    "a parameter changed": State(edit("params.yaml", "x: 1", "x: 2"), reason="a.x changed: expected 1, found 2"),
    "a parameter of a group changed": State(edit("params.yaml", "1, 2", "1, 3"), reason="params.yaml, b changed"),
    "a parameter has another type": State(edit("params.yaml", "x: 1", "x: true"), cure=FORCE + "ingest",
                                          reason="a.x changed: expected 1, found True"),
    "a parameter that no stage reads": State(edit("params.yaml", "unread: 5", "unread: 6"), FRESH),
    "a parameter is written otherwise": State(edit("params.yaml", "1e-3", "0.001"), FRESH),
    "a parameter is gone": State(edit("params.yaml", "x: 1, ", ""), reason="params.yaml, a.x is not there",
                                 cure="put it back, then make repro", repair=OURS + "params.yaml"),
    "a parameter in another file changed": State(edit("pyproject.toml", "tiny", "small"),
                                                 reason="pyproject.toml, project.name changed: expected tiny"),
    "another key of that file": State(edit("pyproject.toml", '"1"', '"2"'), FRESH),
    "a stage reads one more parameter": State(edit("dvc.yaml", "a.rate", "a.rate, a.unread"),
                                              reason="a.unread is not in dvc.lock"),
    "a stage reads one parameter less": State(edit("dvc.yaml", "a.rate, ", ""), cure=FORCE + "ingest",
                                              reason="ingest: parameter params.yaml, a.rate is left over"),
    "the source is another": State("cp data/source/t.csv data/source/u.csv && sed -i s/t.csv/u.csv/ params.yaml"
                                   + COMMIT, reason="data/source/u.csv, found data/source/t.csv of the same content"),
    "a command changed": State(edit("dvc.yaml", "echo note", "echo Note"), reason="train: its command changed"),
    "a name from vars": State("sed -i 's|echo note|echo ${n.b}|' dvc.yaml && echo 'vars: [v.yaml]' >> dvc.yaml && "
                              "echo 'n: {b: note}' > v.yaml" + COMMIT, FRESH),
    "a dependency came": State(edit("dvc.yaml", "deps: .data/table.txt", "deps: [params.yaml, data/table.txt"),
                               reason="train: dependency params.yaml is not in dvc.lock"),
    "a dependency went": State(edit("dvc.yaml", ", code/lib]", "]"), cure=FORCE + "ingest",
                               reason="ingest: dependency code/lib is left over in dvc.lock"),
    "a dependency was renamed": State("git mv code/train.txt code/fit.txt && sed -i s/train.txt/fit.txt/ dvc.yaml"
                                      + COMMIT, reason="code/fit.txt, found code/train.txt of the same content"),
    "a dependency was deleted": State("rm code/train.txt", reason="train: code/train.txt is a dependency",
                                      cure="git checkout HEAD -- code/train.txt"),
    "a dependency was deleted in a commit": State("rm code/train.txt" + COMMIT, repair=OURS + "code/train.txt",
                                                  reason="code/train.txt is a dependency", cure="put code/train.txt"),
    "an output was renamed": State(edit("dvc.yaml", "data/model.txt", "data/fitted.txt"),
                                   reason="train: output data/fitted.txt is not in dvc.lock"),
    "an output went": State(edit("dvc.yaml", ", data/note.txt]", "]"), cure=FORCE + "train",
                            reason="train: output data/note.txt is left over in dvc.lock"),
    "the lock was edited, an output": State(script(HASHED.format("data/model.txt", 1)),
                                            reason="data/model.txt is not what the run saw"),
    "the lock was edited, a dependency": State(script(HASHED.format("code/train.txt", 1)),
                                               reason="train: code/train.txt is not what the run saw"),
    "the lock was edited, in agreement": State(
        script(HASHED.format("data/model.txt", 0)), NOT_PUSHED, "data/model.txt is not in remote store",
        "dvc push in the clone that made it, or make repro && dvc push", "make repro && dvc push", "pushed"),
    "the lock was edited, in agreement, no remote": State(script(HASHED.format("data/model.txt", 0)), FRESH),
    "the lock lacks a stage": State(script(CUT.format("dvc.lock", "train")), reason="dvc.lock has no stage train"),
    "a stage was added": State("printf '  new: {cmd: cp code/train.txt new.txt, outs: [new.txt]}\\n' >> dvc.yaml"
                               + COMMIT, reason="dvc.lock has no stage new"),
    "the lock has a stage left over": State(script(CUT.format("dvc.yaml", "score")), cure=DROP,
                                            reason="dvc.lock has a stage score left over"),
    "the pointer changed": State("echo 2 >> data/source/big.csv && dvc add -q data/source/big.csv" + COMMIT,
                                 reason="parts: data/source/big.csv is not what the run saw"),
    "a reviewed output was edited": State("echo 2 >> metrics/score.json", reason="metrics/score.json is not what the",
                                          cure="git checkout HEAD -- metrics/score.json"),
    "a reviewed output was edited in a commit": State("echo 2 >> metrics/score.json" + COMMIT,
                                                      reason="score: metrics/score.json is not what the run wrote"),
    "a reviewed output is gone": State("git rm -q metrics/score.json", reason="expected .*, found none",
                                       cure="git checkout HEAD -- metrics/score.json"),
    "the lock is gone": State("rm dvc.lock", reason="dvc.lock is gone", cure="git checkout HEAD -- dvc.lock"),
    "the lock is gone in a commit": State("rm dvc.lock" + COMMIT, reason="dvc.lock is not here, results are"),
    "no run yet": State("git rm -q dvc.lock data/schema.json metrics/score.json" + COMMIT, NO_RUN),
    "no dvc.yaml of this": State(edit("dvc.yaml", "data.source}", "data.sauce}"), cure="mend dvc.yaml", repair=OURS
                                 + "dvc.yaml", reason=r"names \$\{data.sauce\}, which is no text or number"),
    "a lock in tatters": State("head -c 700 dvc.lock > l && mv l dvc.lock" + COMMIT, reason="", cure=REPRO),
    "stages in a loop": State("printf '  loop:\\n    foreach: [a]\\n    do: {cmd: echo, outs: []}\\n' >> dvc.yaml"
                              + COMMIT, CANNOT_TELL, "loop: uses foreach", "dvc pull && dvc status loop",
                              OURS + "dvc.yaml"),
    "a frozen stage": State("dvc freeze train && echo 2 >> code/train.txt", FRESH),
    "issue 11099": State(STALE_PART + " && rm -r parts", reason="score: parts/one.txt is not what", base="inside"),
    "issue 11099, another file of the folder": State(
        "echo 2 >> code/parts.txt && dvc repro -q parts" + COMMIT + " && rm -r parts", FRESH, base="inside"),
    "never pushed": State(STORE, NOT_PUSHED, "data/model.txt is not in remote store", "dvc push"),
    "never pushed, the folder is not made": State("dvc remote add -q -d store ../store", NOT_PUSHED,
                                                  "data/source/big.csv is not in remote", "dvc push"),
    "never pushed, and code changed": State(STORE + " && echo 2 >> code/train.txt", STALE, "train: code/train.txt is",
                                            REPRO, "make repro && dvc push"),
    "partly pushed": State(STORE + " && dvc push -q data/model.txt parts", NOT_PUSHED, "data/table.txt is not in",
                           "dvc push"),
    "pushed": State("true", FRESH, base="pushed"),
    "pushed, then a new run": State("echo 2 >> code/train.txt && dvc repro -q" + COMMIT, NOT_PUSHED,
                                    "data/model.txt is not in remote store", "dvc push", base="pushed"),
    "an output that is not to be pushed": State(
        STORE + " && sed -i 's|data/note.txt.|data/note.txt: {push: false}]|' dvc.yaml && dvc push -q", FRESH),
    "settings that DVC cannot read": State("cp .dvc/config ../c && echo '[core' >> .dvc/config", CANNOT_TELL,
                                           ".dvc/config cannot be read", "mend .dvc/config", "cp ../c .dvc/config"),
    "no default remote": State("dvc remote add -q store ../store && dvc push -q -r store", CANNOT_TELL,
                               "there are remotes .store. and none is the default", "dvc remote default store"),
    "no client for the remote": State("dvc remote add -q -d store gs://bucket/path", CANNOT_TELL,
                                      "but requires 'dvc-gs'", "make setup", "dvc remote remove store"),
    "marks of a conflict": State(
        "rm .gitattributes" + COMMIT + "; git merge other || true", reason="dvc.lock has marks of a merge conflict",
        cure="git checkout --ours dvc.lock && make repro", base="branches"),
    "marks of a conflict in a commit": State(
        "rm .gitattributes" + COMMIT + "; (git merge other || true)" + COMMIT, cure=DROP, base="branches",
        reason="dvc.lock has marks of a merge conflict"),
    "marks in params.yaml": State(edit("params.yaml", "a:", "<<<<<<< HEAD\\na:"), repair=OURS + "params.yaml",
                                  reason="params.yaml has marks of a merge conflict", cure="mend params.yaml"),
    "merging, before the run": State("git merge other || true", base="branches",
                                     reason="train: code/train.txt is not what the run saw"),
    "merged without a run": State("(git merge other || true)" + COMMIT, base="branches",
                                  reason="train: code/train.txt is not what the run saw"),
    "merged with theirs": State("(git merge other || git checkout -q --theirs dvc.lock)" + COMMIT, base="branches",
                                reason="parts: code/parts.txt is not what the run saw"),
    "merged, one side had no run": State("git checkout -qb other && echo 2 > README" + COMMIT + " && git checkout -q "
                                         "main && echo 2 >> code/train.txt && dvc repro -q" + COMMIT
                                         + " && git merge -q other", FRESH),
    "rebasing": State("git checkout -q other && dvc checkout -q && (git rebase main || true)", base="branches",
                      reason="train: code/train.txt is not what the run saw"),
    "a run was reverted": State("echo 2 >> code/train.txt && dvc repro -q" + COMMIT + " && git revert --no-edit HEAD",
                                FRESH),
}  # fmt: skip


def finding(report: Report, reason: str) -> str:
    """The cure of the finding with this reason."""
    cures = [one.cure for one in report.findings if re.search(reason, str(one))]
    assert cures, report.lines()
    return cures[0]


@pytest.fixture(autouse=True)
def stage_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the process that asks a remote starts in the tiny project


def asked(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tiny.folder)
    return verify()


@pytest.mark.parametrize("name", STATES)
def test_states(name: str, copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    state = STATES[name]
    tiny = copy(state.base)
    tiny.sh(state.commands)
    report = asked(tiny, monkeypatch)
    assert (report.word, report.code) == (state.word, CODES[state.word]), report.lines()
    assert report.lines()[0].startswith(state.word)
    if CODES[state.word] == 0:
        assert report.findings == []
        return
    cure = finding(report, state.reason)
    assert cure.startswith(state.cure)
    assert all(str(one).endswith(f"Next: {one.cure}") for one in report.findings)
    tiny.sh(state.repair or cure)
    assert verify().word == FRESH, verify().lines()


def test_a_clone_without_data_is_fresh_where_all_was_pushed(copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy("pushed")
    clone = tiny.clone()
    report = asked(clone, monkeypatch)
    assert report.word == FRESH, report.lines()
    assert any("parts, one by one" in line for line in report.not_checked)
    assert any("objects by name in store" in line for line in report.checked)
    tiny.sh("mv ../store ../gone")
    report = verify()
    assert (report.word, report.code) == (CANNOT_TELL, 2), report.lines()
    assert "there is no such folder here" in str(report.findings[0])
    assert verify(ask_remote=False).word == FRESH
    assert "whether it was pushed: --no-remote" in verify(ask_remote=False).not_checked


def test_a_file_of_a_pushed_folder_that_is_gone(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    """dvc push and dvc status -c look at the folder's listing alone."""
    tiny = copy("pushed")
    oid = file_hash(f"{tiny.folder}/parts/two.txt")
    (tiny.folder / "../store/files/md5" / oid[:2] / oid[2:]).unlink()
    report = asked(tiny, monkeypatch)
    assert report.word == NOT_PUSHED
    assert [one.what.split(" is not")[0] for one in report.findings] == ["parts/two.txt"]
    assert "Everything is up to date" in tiny.sh("dvc push")
    delete = re.fullmatch("delete (.*) in the remote, then dvc push", report.findings[0].cure)
    assert delete
    tiny.sh(f"rm ../store/{delete[1]} && dvc push")
    assert verify().word == FRESH


def test_issue_11099_without_the_listing_and_what_dvc_says(copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy("inside")
    tiny.sh(STALE_PART + " && " + STORE + " && dvc push -q" + COMMIT)
    clone = tiny.clone()
    assert "didn't change, skipping\nData and pipelines are up to date" in clone.sh("dvc repro --allow-missing --dry")
    report = asked(clone, monkeypatch)
    assert (report.word, report.code) == (CANNOT_TELL, 2), report.lines()
    cure = finding(report, "the listing of parts is not in the cache here")
    assert cure == "dvc fetch parts/one.txt"
    clone.sh(cure)
    assert finding(verify(), "score: parts/one.txt is not what the run saw") == REPRO


@pytest.mark.parametrize(
    ("code", "word", "reason"),
    [
        (200, FRESH, ""),
        (403, CANNOT_TELL, "refused us: HTTP 403 Forbidden. Next: log in, or set the credentials"),
        (401, CANNOT_TELL, "refused us: HTTP 401 Unauthorized. Next: log in, or set the credentials"),
        (404, NOT_PUSHED, "data/model.txt is not in remote web"),
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
    report = asked(tiny, monkeypatch)
    assert report.word == word, report.lines()
    assert not reason or finding(report, reason)
    assert "secret" not in "".join(report.lines())


def test_a_remote_that_does_not_answer_in_time(copy, server, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = copy()
    tiny.sh(f"dvc remote add -q -d web {server(200)}")
    monkeypatch.setattr(remote, "SECONDS", 0.01)
    report = asked(tiny, monkeypatch)
    assert finding(report, "gave no answer: no answer within").startswith("look at its url")


def test_what_is_not_committed_is_said(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = copy()
    assert asked(tiny, monkeypatch).not_committed == []
    tiny.sh("echo 2 >> code/train.txt && echo 2 > code/lib/new.txt && echo 2 > code/other.txt && make repro")
    report = verify()
    assert report.word == FRESH
    assert sorted(report.not_committed) == ["code/lib/new.txt", "code/train.txt", "dvc.lock", "metrics/score.json"]
    tiny.sh("true" + COMMIT)
    assert verify().not_committed == []


def every_file(*folders: Path) -> dict[str, str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and ".git/" not in str(path)]
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_command_moves_no_data_and_writes_only_its_report(copy: Callable[..., Tiny]) -> None:
    clone = copy("pushed").clone()
    store = clone.folder.parent / "store"
    before = every_file(clone.folder, store)
    said = clone.sh("python -m src.reproducibility verify")
    assert said.startswith("fresh: dvc.lock is of these files\nchecked: ")
    assert "not checked: that the bytes behind the hashes exist" in said
    assert every_file(clone.folder, store) == before
    clone.sh("echo 2 >> code/train.txt")
    said = clone.sh("python -m src.reproducibility verify --no-remote --json report.json", 1)
    report = json.loads((clone.folder / "report.json").read_text(encoding="utf-8"))
    assert (report["word"], report["exit"]) == (STALE, 1)
    assert report["findings"][0]["what"] == "train: code/train.txt is not what the run saw"
    assert report["findings"][0]["cure"] == REPRO
    assert report["not_checked"]
    clone.sh("rm dvc.yaml")
    assert "run this in the project's root" in clone.sh("python -m src.reproducibility verify", 1)


def test_hashes_are_those_that_dvc_makes(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders in folders, names that sort otherwise with their separators, one that is ignored, line ends."""
    tiny = copy()
    tiny.sh("mkdir -p f/a f/a-b && echo 1 > f/a/x && echo 2 > f/a-b/x && echo 3 > f/ü && printf '\\r\\n' > f/crlf"
            " && echo p > f/p.pyc && dvc add -q f")  # fmt: skip
    monkeypatch.chdir(tiny.folder)
    (entry,) = load("f.dvc")["outs"]
    assert on_disk("f") == entry["md5"]


def test_a_folder_that_holds_outputs_is_known_without_them(copy: Callable[..., Tiny], monkeypatch) -> None:
    """A dependency on data, which has a file of git, a pointer and its file, and outputs of two stages."""
    tiny = copy()
    tiny.sh("printf '  all: {cmd: ls data > all.txt, deps: [data, parts], outs: [all.txt]}\n' >> dvc.yaml && make repro"
            + COMMIT)  # fmt: skip
    assert asked(tiny.clone(), monkeypatch).word == FRESH
    tiny.sh("echo 2 >> code/train.txt && dvc repro -q train" + COMMIT)
    (other := tiny.folder.parent / "other").mkdir()
    tiny.sh(f"git clone -q . {other}")
    report = asked(Tiny(other), monkeypatch)
    assert finding(report, "all: data is not what the run saw") == REPRO


def test_this_repository_is_fresh_at_its_head(tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    ran = subprocess.run(
        [sys.executable, "-m", "src.reproducibility", "verify"], cwd=tmp_path / "clone", env=environment(),
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert ran.stdout.startswith("fresh: "), ran.stdout + ran.stderr
    assert ran.returncode == 0
