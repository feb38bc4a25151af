"""A commit on main: run, pushed where there is a remote, kept where git has the table; what is missing is said."""

import os
from pathlib import Path

import pytest

from plumbline.commands import deliver
from plumbline.errors import report_errors
from plumbline.reproducibility.remote import RemoteAnswer
from template.tests.bake.conftest import git
from template.tests.command import command

RAN: list[str] = []


class Repository:
    """A repository whose commands are written down and end in the codes of `codes`, by their last word."""

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

    def remote(self, url: str) -> None:
        self.commit(".dvc/config", f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}")

    def pointer(self) -> None:
        self.commit("data/source/table.csv.dvc", "outs: []")

    def run(self, *module: str) -> int:
        RAN.append(" ".join(module))
        if module == ("plumbline", "repro") and "lock" in self.codes:
            (self.folder / "dvc.lock").write_text("another\n")
        return self.codes.get(module[-1], 0)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    (tmp_path / "work").mkdir()
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    made = Repository(tmp_path / "work")
    monkeypatch.setattr(deliver, "start", made.run)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setattr(deliver, "query_remotes", lambda hashes: {"": ANSWERS[made.answer]})
    made.answer = "here"
    RAN.clear()
    return made


ANSWERS = {
    "here": RemoteAnswer("u", []),
    "denied": RemoteAnswer("u", [], "HTTP 403", is_denied=True),
    "silent": RemoteAnswer("u", [], "no answer within 15 s"),
}


def delivered(capsys: pytest.CaptureFixture[str], code: int = 0, *words: str) -> tuple[str, str]:
    """What is said, and what the next step is told."""
    assert report_errors(lambda: command("deliver", *words)) == code
    path = Path(os.environ["GITHUB_OUTPUT"])
    return "".join(capsys.readouterr()), path.read_text() if path.exists() else ""


def test_without_a_remote_it_runs_fills_and_keeps(repository: Repository, capsys) -> None:
    repository.commit("x", "second")
    said, told = delivered(capsys)
    assert RAN == ["plumbline repro", "plumbline review HEAD^1", "dvc gc --workspace --force --quiet"]
    assert (said, told) == ("delivered\n", "keep=true\n")


def test_the_first_commit_has_none_before_it(repository: Repository, capsys) -> None:
    assert delivered(capsys) == ("delivered\n", "keep=true\n")
    assert not [command for command in RAN if "review" in command]


def test_a_remote_gets_the_results_and_what_it_holds_alone_is_kept_nowhere_else(repository: Repository, capsys) -> None:
    repository.remote("../../store")
    assert delivered(capsys)[1] == "keep=true\n"
    assert RAN[:2] == ["plumbline repro", "dvc push"]
    RAN.clear()
    repository.pointer()
    said, _ = delivered(capsys)
    assert Path(os.environ["GITHUB_OUTPUT"]).read_text() == "keep=true\nkeep=false\n"
    assert RAN == [
        "dvc pull data/source/table.csv.dvc",
        "plumbline repro",
        "dvc push",
        "plumbline review HEAD^1",
    ]
    assert "nothing kept" in said


@pytest.mark.parametrize(("answer", "says"), [("denied", "refused access: HTTP 403"), ("silent", "gave no answer")])
def test_a_remote_that_cannot_be_reached_is_no_fault_of_the_commit(repository, capsys, answer, says) -> None:
    repository.remote("s3://bucket")
    repository.answer = answer
    assert delivered(capsys)[1] == "keep=true\n"  # git has the table
    assert "dvc push" not in RAN
    RAN.clear()
    repository.pointer()
    said, _ = delivered(capsys)
    assert says in said
    assert said.startswith("::warning::nothing was run: git has a pointer to the table, and remote storage ")
    assert RAN == []


def test_a_pointer_without_a_remote_and_a_pull_that_fails(repository: Repository, capsys) -> None:
    repository.pointer()
    assert "no remote is the default" in delivered(capsys)[0]
    repository.remote("../../store")
    repository.codes["data/source/table.csv.dvc"] = 1
    assert "dvc pull failed" in delivered(capsys)[0]
    assert RAN == ["dvc pull data/source/table.csv.dvc"]


@pytest.mark.parametrize(("codes", "code", "says"), [
    ({"repro": 1}, 1, ""), ({"push": 1}, 0, "::warning::dvc push failed"), ({"HEAD^1": 1}, 0, "delivered"),
    ({"HEAD^1": 2}, 0, "::warning::the review of this commit could not be made"),
    ({"lock": 1}, 0, "::warning::this run wrote another dvc.lock")])  # fmt: skip
def test_what_is_red_and_what_is_said(repository: Repository, capsys, codes, code: int, says: str) -> None:
    repository.remote("../../store")
    repository.codes |= codes
    assert delivered(capsys, code)[0].startswith(says)
    assert ("dvc push" in RAN) == (not codes.keys() & {"repro", "lock"})


def test_only_the_newest_cells_are_kept(repository: Repository, capsys) -> None:
    for number in range(deliver.CELLS + 2):
        path = Path(f".review/cells/{number}")
        path.mkdir(parents=True)
        os.utime(path, (number, number))
    delivered(capsys)
    assert sorted(int(path.name) for path in Path(".review/cells").iterdir()) == list(range(2, deliver.CELLS + 2))


def test_the_secret_becomes_dvcs_own_file_for_this_account_alone(repository: Repository, capsys, monkeypatch) -> None:
    repository.remote("https://host/path")
    monkeypatch.setenv(deliver.CREDENTIALS, "['remote \"storage\"']\n    password = secret")
    said, _ = delivered(capsys)
    assert deliver.PRIVATE.read_text().endswith("password = secret\n")
    assert deliver.PRIVATE.stat().st_mode & 0o777 == 0o600
    assert "secret" not in said


def test_bring_alone_says_by_its_code_whether_the_table_is_here(repository: Repository, capsys) -> None:
    assert delivered(capsys, 0, "bring") == ("", "")
    repository.pointer()
    assert delivered(capsys, 1, "bring")[0].startswith(
        "ERROR: git has a pointer to the table, and no remote is the default."
    )
    (repository.folder / ".dvc/config").write_text("[core\n")
    assert delivered(capsys, 1, "bring")[0].startswith("ERROR: .dvc/config cannot be read")
    assert RAN == []
