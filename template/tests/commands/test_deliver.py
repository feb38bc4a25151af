"""plumbline deliver runs a commit of main, pushes its results to a remote, and warns about what cannot be reached."""

import os
from pathlib import Path

import pytest

from plumbline.commands import deliver
from plumbline.errors import report_errors
from plumbline.reproducibility.remote import RemoteAnswer
from template.tests.bake.conftest import git
from template.tests.command import run_command

RUNS: list[str] = []


class Repository:
    """A repository; `run` records a command in RUNS and returns its code of `codes`, by its last word."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.codes = folder, dict[str, int]()
        git(folder, "init", "-q", "-b", "main")
        (folder / ".dvc").mkdir()
        (folder / ".dvc/config").write_text("")
        self.commit("dvc.lock", "one")

    def commit(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(f"{text}\n")
        git(self.folder, "add", "-A", "-f")
        git(self.folder, "commit", "-qm", name)

    def add_remote(self, url: str) -> None:
        self.commit(".dvc/config", f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}")

    def add_pointer(self) -> None:
        self.commit("data/source/table.csv.dvc", "outs: []")

    def run(self, *module: str) -> int:
        RUNS.append(" ".join(module))
        if module == ("plumbline", "repro") and "lock" in self.codes:
            (self.folder / "dvc.lock").write_text("another\n")
        return self.codes.get(module[-1], 0)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    (tmp_path / "work").mkdir()
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    repository = Repository(tmp_path / "work")
    monkeypatch.setattr(deliver, "_run_module", repository.run)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setattr(deliver, "query_remotes", lambda hashes: {"": ANSWERS[repository.answer]})
    repository.answer = "reachable"
    RUNS.clear()
    return repository


ANSWERS = {
    "reachable": RemoteAnswer("u", []),
    "denied": RemoteAnswer("u", [], "HTTP 403", is_denied=True),
    "silent": RemoteAnswer("u", [], "no answer within 15 s"),
}


def deliver_commit(capsys: pytest.CaptureFixture[str], code: int = 0, *words: str) -> tuple[str, str]:
    """Return the output, and the outputs for the next step of the workflow."""
    assert report_errors(lambda: run_command("deliver", *words)) == code
    path = Path(os.environ["GITHUB_OUTPUT"])
    return "".join(capsys.readouterr()), path.read_text() if path.exists() else ""


def test_without_a_remote_it_runs_fills_and_keeps(repository: Repository, capsys) -> None:
    repository.commit("x", "second")
    output, step = deliver_commit(capsys)
    assert RUNS == ["plumbline repro", "plumbline review HEAD^1", "dvc gc --workspace --force --quiet"]
    assert (output, step) == ("delivered\n", "keep=true\n")


def test_the_first_commit_has_none_before_it(repository: Repository, capsys) -> None:
    assert deliver_commit(capsys) == ("delivered\n", "keep=true\n")
    assert not [line for line in RUNS if "review" in line]


def test_a_remote_gets_the_results_and_what_it_holds_alone_is_kept_nowhere_else(repository: Repository, capsys) -> None:
    repository.add_remote("../../store")
    assert deliver_commit(capsys)[1] == "keep=true\n"
    assert RUNS[:2] == ["plumbline repro", "dvc push"]
    RUNS.clear()
    repository.add_pointer()
    output, _ = deliver_commit(capsys)
    assert Path(os.environ["GITHUB_OUTPUT"]).read_text() == "keep=true\nkeep=false\n"
    assert RUNS == [
        "dvc pull data/source/table.csv.dvc",
        "plumbline repro",
        "dvc push",
        "plumbline review HEAD^1",
    ]
    assert "caches are not kept" in output


@pytest.mark.parametrize(("answer", "message"), [("denied", "refused access: HTTP 403"), ("silent", "gave no answer")])
def test_a_remote_that_cannot_be_reached_is_no_fault_of_the_commit(repository, capsys, answer, message) -> None:
    repository.add_remote("s3://bucket")
    repository.answer = answer
    assert deliver_commit(capsys)[1] == "keep=true\n"  # git has the table
    assert "dvc push" not in RUNS
    RUNS.clear()
    repository.add_pointer()
    output, _ = deliver_commit(capsys)
    assert message in output
    assert output.startswith("::warning::nothing was run: git has a pointer to the table, and remote storage ")
    assert RUNS == []


def test_a_pointer_without_a_remote_and_a_pull_that_fails(repository: Repository, capsys) -> None:
    repository.add_pointer()
    assert "no remote is the default" in deliver_commit(capsys)[0]
    repository.add_remote("../../store")
    repository.codes["data/source/table.csv.dvc"] = 1
    assert "dvc pull failed" in deliver_commit(capsys)[0]
    assert RUNS == ["dvc pull data/source/table.csv.dvc"]


@pytest.mark.parametrize(
    ("codes", "code", "message"),
    [
        ({"repro": 1}, 1, ""),
        ({"push": 1}, 0, "::warning::dvc push failed"),
        ({"HEAD^1": 1}, 0, "delivered"),
        ({"HEAD^1": 2}, 0, "::warning::the review of this commit failed"),
        ({"lock": 1}, 0, "::warning::this run wrote another dvc.lock"),
    ],
)
def test_what_is_red_and_what_is_said(repository: Repository, capsys, codes, code: int, message: str) -> None:
    repository.add_remote("../../store")
    repository.codes |= codes
    assert deliver_commit(capsys, code)[0].startswith(message)
    assert ("dvc push" in RUNS) == (not codes.keys() & {"repro", "lock"})


def test_only_the_newest_cells_are_kept(repository: Repository, capsys) -> None:
    for number in range(deliver.MAX_CELLS + 2):
        path = Path(f".review/cells/{number}")
        path.mkdir(parents=True)
        os.utime(path, (number, number))
    deliver_commit(capsys)
    assert sorted(int(path.name) for path in Path(".review/cells").iterdir()) == list(range(2, deliver.MAX_CELLS + 2))


def test_the_secret_becomes_dvcs_own_file_for_this_account_alone(repository: Repository, capsys, monkeypatch) -> None:
    repository.add_remote("https://host/path")
    monkeypatch.setenv(deliver.CREDENTIALS, "['remote \"storage\"']\n    password = secret")
    output, _ = deliver_commit(capsys)
    assert deliver.CREDENTIALS_FILE.read_text().endswith("password = secret\n")
    assert deliver.CREDENTIALS_FILE.stat().st_mode & 0o777 == 0o600
    assert "secret" not in output


def test_bring_alone_says_by_its_code_whether_the_table_is_here(repository: Repository, capsys) -> None:
    assert deliver_commit(capsys, 0, "pull") == ("", "")
    repository.add_pointer()
    assert deliver_commit(capsys, 1, "pull")[0].startswith(
        "ERROR: git has a pointer to the table, and no remote is the default."
    )
    (repository.folder / ".dvc/config").write_text("[core\n")
    assert deliver_commit(capsys, 1, "pull")[0].startswith("ERROR: .dvc/config cannot be read")
    assert RUNS == []
