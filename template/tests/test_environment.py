"""The environment: which Python, which extras, when .venv is used as it is; nothing is installed here."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from plumbline import environment, lock
from plumbline.errors import ProgramError
from src import environment as bootstrap

LOCK = "uv==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nuv-build==9.9 \\\n    --hash=sha256:cc\n"
LOCK += "dvc==3.1 \\\n    --hash=sha256:dd\n"
PROJECT = '[project]\ndependencies = [\n  "uv",\n]\n\n[project.optional-dependencies]\nremotes = ["dvc[s3]"]\n'
GROUPS = 'notebook = ["ipykernel"]\nplots = ["plotly"]\n'
CURRENT = "{}.{}".format(*sys.version_info[:2])
DIFFERENT = f"3.{25 - sys.version_info.minor}"  # 3.11 for 3.14, 3.12 for 3.13, and the other way round


def main(arguments: list[str]) -> int:
    """Fill .venv and run a module, as src/environment.py of the project in this folder does."""
    return environment.run_command(arguments, ".", ".")


def make_venv(path: Path, record: str) -> None:
    python = path / environment.INSIDE.relative_to(environment.VENV)
    python.parent.mkdir(parents=True)
    python.touch()
    (path / environment.RECORD.name).write_text(record)


def change_lock(project: str = PROJECT + GROUPS, more: str = "") -> None:
    """Write pyproject.toml and a lock of it, as make lock does."""
    Path("pyproject.toml").write_text(project)
    Path("requirements.lock").write_text(lock.header() + LOCK + more)


def write_config(version: str, python: Path, venv: str = ".venv") -> None:
    Path(venv, "pyvenv.cfg").write_text(f"home = {python.parent}\nversion = {version}.1\nexecutable = {python}\n")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were started in a project whose .venv is a link; only `venv` has an effect."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    for name in ("MPLCONFIGDIR", "UV_NO_CACHE", "VIRTUAL_ENV", "PATH", *environment.QUIET):  # main may set them
        monkeypatch.setenv(name, environment.os.environ.get(name, ""))
    change_lock()
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()
    make_venv(Path("else where"), environment.hash_inputs([]))
    Path(".venv").symlink_to("else where", target_is_directory=True)
    commands: list[list[str]] = []

    def run(command: list[str]) -> int:
        commands.append([*map(str, command)])
        if "venv" in command:
            shutil.rmtree(".venv", ignore_errors=True)
            make_venv(Path(".venv"), "")
            write_config(CURRENT, Path(sys.executable))
        return 0

    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "run_step", lambda what, command: environment.run(command))
    return commands


def find_module(command: list[str]) -> str:
    return command[command.index("-m") + 1]


def get_refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the line with which main stops."""
    capsys.readouterr()
    assert main([*arguments]) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_another_python_is_refused_in_one_line_that_an_old_one_can_read(capsys) -> None:
    ast.parse(Path(bootstrap.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))
    for version in ((3, 11, 0), (3, 14, 9)):
        bootstrap.check_version(version)
    for version in ((2, 7, 0), (3, 10, 9), (3, 15, 0)):
        with pytest.raises(SystemExit):
            bootstrap.check_version(version)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" cannot")[0] for line in lines] == [f"ERROR: Python {v}" for v in ("2.7", "3.10", "3.15")]
    assert all("expected 3.11 to 3.14" in line for line in lines)


def test_a_venv_is_used_as_it_is_even_through_a_link_until_lock_or_extras_change(commands: list) -> None:
    assert main(["some.module", "x"]) == 0
    assert commands == [[str(environment.INSIDE), "-m", "some.module", "x"]]
    assert not environment.is_ready(["gs"])
    assert not environment.is_ready([], ["notebook"])
    Path("requirements.lock").write_text(LOCK + "x==1\n")
    assert not environment.is_ready([])


@pytest.mark.parametrize(
    ("step", "python"), [("venv --clear", DIFFERENT), ("pip", DIFFERENT), ("pip", CURRENT), ("uv pip", CURRENT)]
)
def test_a_set_up_that_was_killed_is_made_anew(commands: list, step: str, python: str, monkeypatch) -> None:
    """The worst of it: .venv was whole, a clearing that stops half-way leaves Python and the record."""
    run = environment.run

    def run_until_killed(command: list[str]) -> int:
        if step in " ".join(map(str, command)):
            raise SystemExit
        return run(command)

    Path(".venv").unlink()
    make_venv(Path(".venv"), environment.hash_inputs([]) + "\n+plots\n")
    write_config(python, Path("gone"))
    Path(".dvc/config").write_text("['remote \"a\"']\n    url = s3://b\n")
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(environment, "run", run_until_killed)
        main([])
    assert not environment.is_ready([], ["plots"]), "what is left of .venv passes for the one before"
    assert not environment.is_ready(["s3"], ["plots"])
    commands.clear()
    assert main([]) == 0
    assert len(commands) == 3, "what was killed is not whole: it is made anew"
    assert environment.is_ready(["s3"], ["plots"])


def test_a_new_venv_has_pins_and_the_extras_of_the_remotes_and_leaves_alone_what_was_linked(commands: list) -> None:
    Path(".dvc/config").write_text("[core]\n    remote = a\n['remote \"a\"']\n    url = s3://b/c%20d\n")
    Path(".dvc/config.local").write_text("['remote \"b\"']\nurl = webdavs://x/y\n['remote \"c\"']\nurl = ../gs\n")
    assert main([]) == 0
    assert Path("else where/bin").exists() or Path("else where/Scripts").exists()
    make, uv, rest = commands
    assert Path(make[0]).is_relative_to(sys.base_prefix), "the Python of a .venv cannot make it anew"
    assert "--require-hashes" in uv
    assert lock.read_pin("uv") == "uv==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    script = environment.BIN / ("plumbline.bat" if environment.os.name == "nt" else "plumbline")
    assert "-m plumbline" in script.read_text()
    assert rest[-6:] == ["-r", "pyproject.toml", "-c", "requirements.lock", "dvc[s3]==3.1", "dvc[webdav]==3.1"]
    assert {"--no-sources", "--require-hashes"} <= {*rest}, "[tool.uv] and uv.toml can name other bytes"
    assert environment.is_ready(["s3", "webdav"])


def test_a_whole_venv_is_renewed_without_clearing_it_and_what_is_not_asked_for_goes(commands: list) -> None:
    main(["--extras=plots"])
    commands.clear()
    change_lock(more="x==1\n")
    main([])
    uv, rest = commands
    assert "pip" in uv
    assert "--exact" in rest
    assert environment.is_ready([], ["plots"])


def test_a_group_that_was_added_stays_until_it_is_taken_out(commands: list, capsys) -> None:
    main(["--extras=notebook"])
    assert commands[-1][-2:] == ["--extra", "notebook"]
    change_lock(more="x==1\n")
    main(["--any-python", "--extras=plots", "some.module"])
    assert commands[-2][-4:] == ["--extra", "notebook", "--extra", "plots"]
    assert environment.is_ready([], ["notebook", "plots"])
    count = len(commands)
    main([])
    assert len(commands) == count
    for name in ("remotes", "no-such"):
        assert get_refusal(capsys, f"--extras={name}") == (
            f"ERROR: EXTRAS names {name}: expected groups of pyproject.toml (notebook, plots), or none. Correct it"
        )
    change_lock(PROJECT)  # groups that are no more
    main([])
    assert "--extra" not in commands[-1]
    change_lock()
    main(["--extras=notebook"])
    main(["--extras=none"])
    assert "--extra" not in commands[-1]
    assert environment.is_ready([])


def test_venv_keeps_its_python_where_none_is_named_and_a_change_is_said(commands: list, capsys, tmp_path: Path) -> None:
    python = tmp_path / "another python"
    python.touch()
    write_config(DIFFERENT, python)
    with pytest.raises(SystemExit) as exit_:
        main(["--any-python", "--extras=plots", "some.module", "--any-python"])
    assert exit_.value.code == 0
    assert commands == [[str(python), "-m", "src.environment", "--extras=plots", "some.module", "--any-python"]]
    assert capsys.readouterr().out == ""
    environment.RECORD.write_text("0" * 64)  # of its lock and its Python
    main([])
    assert commands[1][1:] == ["-P", "-m", "venv", "--clear", ".venv"], "a Python that is named has its way"
    assert f".venv was Python {DIFFERENT}, is now {CURRENT}" in capsys.readouterr().out.splitlines()
    python.unlink()
    change_lock(more="x==1\n")
    write_config(DIFFERENT, python)
    main(["--any-python"])
    assert (
        f".venv was Python {DIFFERENT} ({python} does not exist any more), is now {CURRENT}"
        in capsys.readouterr().out.splitlines()
    )
    write_config("3.9", Path(__file__))  # the lock does not cover it any more
    main(["--any-python"])


def test_to_make_a_lock_uv_is_enough(commands: list) -> None:
    change_lock(more="x==1\n")
    main(["plumbline", "lock", ""])
    assert commands == [[str(environment.INSIDE), "-m", "plumbline", "lock", ""]], "a .venv of another lock has its uv"
    Path(".venv").unlink()
    commands.clear()
    for _ in range(2):
        main(["plumbline", "lock", "a b"])
    assert [find_module(command) for command in commands] == ["venv", "pip", "plumbline", "plumbline"]
    assert commands[-1][3:] == ["lock", "a b"], "the packages of UPGRADE are one word"
    assert not environment.is_ready([]), "uv alone passes for the whole"
    commands.clear()
    main([])
    assert [find_module(command) for command in commands] == ["venv", "pip", "uv"]


def test_what_the_lock_does_not_pin_is_not_installed(commands: list, capsys) -> None:
    Path("pyproject.toml").write_text(PROJECT.replace('"uv"', '"uv", "more"') + GROUPS)
    assert get_refusal(capsys, "plumbline", "repro").startswith(
        "ERROR: pyproject.toml asks for other packages than requirements.lo"
    )
    Path("pyproject.toml").write_text(PROJECT.replace('"uv",', '"uv" "more",'))
    assert get_refusal(capsys, "plumbline", "lock").startswith("ERROR: pyproject.toml cannot be read: ")
    Path("requirements.lock").unlink()
    assert get_refusal(capsys).endswith("or: git checkout HEAD -- requirements.lock")
    assert commands == []
    assert Path(".venv").is_symlink()


def test_a_machine_that_cannot_is_told_in_one_line(commands: list, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        assert get_refusal(capsys, "plumbline", "repro").startswith("ERROR: git is not on PATH: ")
    with monkeypatch.context() as patch:
        patch.setattr(environment.os, "access", lambda path, mode: path != ".")
        for arguments in (["plumbline", "repro"], ["plumbline", "lock"], []):
            assert f"{Path.cwd()} cannot be written" in get_refusal(capsys, *arguments)
        assert commands == []
        main(["plumbline", "report"])
        main(["pytest", "tests"])
        assert [command[2:] for command in commands] == [["plumbline", "report"], ["pytest", "tests"]]
    monkeypatch.setenv("CONDA_PREFIX", sys.base_prefix)
    change_lock(more="x==1\n")
    main([])
    assert f"conda's environment {sys.base_prefix} is active: " in capsys.readouterr().out


def test_a_home_that_cannot_be_written_costs_downloads_and_no_more(commands, capsys, tmp_path, monkeypatch) -> None:
    for name in ("XDG_CACHE_HOME", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").touch()  # no folder: even root cannot write there
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    main(["some.module"])
    assert capsys.readouterr().out == ""
    change_lock(more="x==1\n")
    main([])
    assert "the home folder cannot be written" in capsys.readouterr().out
    assert environment.os.environ["UV_NO_CACHE"] == "1"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert not environment._redirect_caches()
    monkeypatch.setattr(environment.os, "access", lambda path, mode: False)
    assert environment._redirect_caches()
    assert Path(environment.os.environ["MPLCONFIGDIR"]).is_relative_to(Path(".venv").resolve())


def test_a_step_shows_its_output_only_where_it_fails_and_a_full_disk_is_named(capsys, monkeypatch) -> None:
    talks = [sys.executable, "-c", "import sys; print('words'); sys.exit(int(sys.argv[1]))"]
    environment.run_step("talk", [*talks, "0"])
    assert capsys.readouterr() == ("", "")
    full = "above). The disk has 7 MB left: free some space, then run it again"
    for free, words in ((2**30, "above). Run it again"), (7 * 2**20, full)):
        monkeypatch.setattr(environment.shutil, "disk_usage", lambda folder, free=free: SimpleNamespace(free=free))
        with pytest.raises(ProgramError) as error:
            environment.run_step("talk", [*talks, "1"])
        assert capsys.readouterr().out.split() == ["words"]
        assert str(error.value).startswith("setup failed at this step: talk ")
        assert words in str(error.value)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_a_terminal_shows_one_line_that_is_rewritten() -> None:
    script = """
import pty, sys
sys.exit(pty.spawn([sys.executable, "-c", "from plumbline.environment import run_step as s; s('one', ['sleep', '2'])"]))
"""
    root = Path(environment.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, check=True)
    parts = [part.strip() for part in ran.stdout.decode().split("\r")]
    assert parts[:3] == ["", "setup: one, 0 s", "setup: one, 1 s"]
    assert b"\n" not in ran.stdout
