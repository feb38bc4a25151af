"""The command: what it says of itself, of a wrong name and of wrong arguments, and how it is started in a .venv."""

import subprocess
import sys
from pathlib import Path

import pytest

from plumbline import __version__
from plumbline.__main__ import COMMANDS, main
from plumbline.testing.projects import ROOT
from src import environment


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int | str | None, str, str]:
    """The exit code, and what stands on standard output and on standard error."""
    with pytest.raises(SystemExit) as ended:
        main([*words])
    return ended.value.code, *capsys.readouterr()


def test_every_command_has_a_module_and_every_module_a_command() -> None:
    modules = {path.stem for path in (ROOT / "plumbline/commands").glob("*.py")} - {"__init__"}
    assert modules == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_then_more_then_each_argument(name: str, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    code, shown, _ = said(capsys, name, "--help")
    usage, first, arguments = shown.split("\n\n", 2)
    assert code == 0
    assert usage.startswith(f"usage: plumbline {name}")
    assert first[0].isupper()
    assert "\n" not in first, "one line says what it does"
    assert first[-1] in ".?)"
    listed = [line for line in arguments.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert listed
    assert [line for line in listed if "  " not in line.strip()] == [], "an argument without help"
    assert "It takes none" not in shown


def test_its_own_help_names_each_command_and_the_exit_codes(capsys) -> None:
    for words in ([], ["--help"], ["-h"]):
        code, shown, _ = said(capsys, *words)
        assert code == 0
        assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []
        assert "exit codes:\n  0 " in shown


WRONG = [
    (["reprod"], "plumbline: no command 'reprod'. Did you mean 'repro'? What there is: plumbline --help"),
    (["Review"], "plumbline: no command 'Review'. Did you mean 'review'? What there is: plumbline --help"),
    (["xyzzy"], "plumbline: no command 'xyzzy'. What there is: plumbline --help"),
    (["--"], "plumbline: unrecognized arguments: --. What there is: plumbline --help"),
    (["--fast"], "plumbline: unrecognized arguments: --fast. What there is: plumbline --help"),
    (["versions", "--explian"],
     "plumbline versions: unrecognized arguments: --explian. What there is: plumbline versions --help"),
    (["release"],
     "plumbline release: the following arguments are required: NAME@vX.Y.Z. What there is: plumbline release --help"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_a_wrong_name_or_argument_is_one_line(words: list[str], line: str, capsys) -> None:
    assert said(capsys, *words) == (2, "", f"ERROR: {line}\n")


def test_outside_of_a_project_one_line_says_where_to_go(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert [main(["params"]), main(["verify"])] == [1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"ERROR: dvc.yaml is not in {tmp_path}: run this in the project's root"] * 2


@pytest.mark.parametrize(("given", "handed"), [
    (["--force", "train"], ["--force", "train"]), (["--", "--force"], ["--force"]), ([], []),
    (["train", "--downstream", "--help"], ["train", "--downstream", "--help"])])  # fmt: skip
def test_options_of_repro_are_those_of_dvc_repro_in_their_order(given, handed, monkeypatch) -> None:
    got: list[list[str]] = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("plumbline.commands.repro.run", lambda options: got.append(options.dvc) or 0)
    assert main(["repro", *given]) == 0
    assert got == [handed]


def test_nothing_that_must_be_installed_is_needed_to_start_and_to_write_the_comment() -> None:
    bare = [sys.executable, "-I", "-S", "-c", "import sys; sys.path.insert(0, '.'); import plumbline.__main__ as m; "
            "sys.exit(m.main(['comment', '--help']))"]  # fmt: skip
    assert b"usage: plumbline comment" in subprocess.run(bare, cwd=ROOT, capture_output=True, check=True).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a script of sh")
def test_the_script_runs_this_venvs_python_on_the_folder_in_the_root_and_hands_on_words_and_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "a röot $HOME"
    for folder in (root / ".venv/bin", root / "plumbline", tmp_path / "else/plumbline"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(root)
    environment.write_script()
    python = root / environment.INSIDE
    python.symlink_to(sys.executable)
    talks = "import sys; print(*sys.argv[1:], sys.executable, sep='\\n'); sys.exit(7)\n"
    (root / "plumbline/__main__.py").write_text(talks)
    (tmp_path / "else/plumbline/__main__.py").write_text("print('that of the packages')\n")
    env = {"PYTHONPATH": str(tmp_path / "else"), "PATH": f"{python.parent}:{environment.os.environ['PATH']}"}
    for command in ("plumbline", "./.venv/bin/plumbline"):
        ran = subprocess.run([command, "a b", "*", "--ü"], env=env, capture_output=True, encoding="utf-8", check=False)
        *words, runs = ran.stdout.splitlines()
        assert (words, ran.returncode, ran.stderr) == (["a b", "*", "--ü"], 7, "")
        assert Path(runs).parent.resolve() == python.parent


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_answers_help_anywhere_and_runs_in_a_project_alone(name, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(capsys, name, "--help")[0] == 0
    needed = {"release": ["model@v1.0.0"], "comment": ["folder"], "share": ["0.5"]}
    assert main([name, *needed.get(name, [])]) in (1, 2)
    assert capsys.readouterr() == ("", f"ERROR: dvc.yaml is not in {tmp_path}: run this in the project's root\n")
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_package(capsys) -> None:
    assert said(capsys, "--version") == (0, f"plumbline {__version__}\n", "")
