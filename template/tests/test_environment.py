"""The environment: which Python, which extras, when .venv is used as it is; nothing is installed here."""

import ast
import shutil
import sys
from pathlib import Path

import pytest

from src import environment

LOCK = "# head\nuv==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nuv-build==9.9 \\\n    --hash=sha256:cc\n"


def make_venv(path: Path, record: str) -> None:
    python = path / Path(environment.INSIDE).relative_to(environment.VENV)
    python.parent.mkdir(parents=True)
    python.touch()
    (path / environment.RECORD).write_text(record)


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands asked for, in a project whose .venv is a link; only the one that makes a .venv does a thing."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("requirements.lock", LOCK), ("pyproject.toml", ""), (".dvc/config", "")):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    make_venv(Path("else where"), environment.lock_hash([]))
    Path(".venv").symlink_to("else where", target_is_directory=True)
    commands: list[list[str]] = []

    def run(command: list[str]) -> int:
        commands.append(command)
        if "venv" in command:
            shutil.rmtree(".venv", ignore_errors=True)
            make_venv(Path(".venv"), "")
        return 0

    monkeypatch.setattr(environment, "run", run)
    return commands


def test_another_python_is_refused_in_one_line_that_an_old_one_can_read(capsys) -> None:
    ast.parse(Path(environment.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))
    for version in ((3, 11, 0), (3, 14, 9)):
        environment.check_version(version)
    for version in ((2, 7, 0), (3, 10, 9), (3, 15, 0)):
        with pytest.raises(SystemExit):
            environment.check_version(version)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" cannot")[0] for line in lines] == [f"ERROR: Python {v}" for v in ("2.7", "3.10", "3.15")]
    assert all("expected 3.11 to 3.14" in line for line in lines)


def test_a_venv_is_used_as_it_is_even_through_a_link_until_lock_or_extras_change(ran: list) -> None:
    assert environment.main(["some.module", "x"]) == 0
    assert ran == [[environment.INSIDE, "-m", "some.module", "x"]]
    assert not environment.is_ready(["gs"])
    Path("requirements.lock").write_text(LOCK + "x==1\n")
    assert not environment.is_ready([])


@pytest.mark.parametrize("step", ["venv --clear", "pip", "uv pip"])
def test_a_set_up_that_was_killed_is_made_anew(ran: list, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst of it: .venv was whole, a clearing that stops half-way leaves Python and the record."""
    whole = environment.run

    def killed(command: list[str]) -> int:
        if step in " ".join(command):
            raise SystemExit
        return whole(command)

    Path(".venv").unlink()
    make_venv(Path(".venv"), environment.lock_hash([]))
    Path(".dvc/config").write_text("['remote \"a\"']\n    url = s3://b\n")
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(environment, "run", killed)
        environment.main([])
    assert not environment.is_ready([]), "what is left of .venv passes for the one before"
    assert not environment.is_ready(["s3"])
    ran.clear()
    assert environment.main([]) == 0
    assert len(ran) == 3
    assert environment.is_ready(["s3"])


def test_a_new_venv_has_pins_and_the_extras_of_the_remotes_and_leaves_alone_what_was_linked(ran: list) -> None:
    Path(".dvc/config").write_text("[core]\n    remote = a\n['remote \"a\"']\n    url = s3://b/c%20d\n")
    Path(".dvc/config.local").write_text("['remote \"b\"']\nurl = webdavs://x/y\n['remote \"c\"']\nurl = ../gs\n")
    assert environment.main([]) == 0
    assert Path("else where/bin").exists() or Path("else where/Scripts").exists()
    make, uv, rest = ran
    assert Path(make[0]).is_relative_to(sys.base_prefix), "the Python of a .venv cannot make it anew"
    assert "--require-hashes" in uv
    assert environment.pin("uv") == "uv==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    assert rest[-6:] == ["-r", "pyproject.toml", "-c", "requirements.lock", "dvc[s3]", "dvc[webdav]"]
    assert environment.is_ready(["s3", "webdav"])
