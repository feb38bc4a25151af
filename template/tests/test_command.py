"""The command line: its help, errors for wrong names and arguments, and how it starts in a .venv."""

import subprocess
import sys
from pathlib import Path

import pytest

from plumbline import __version__, environment
from plumbline.__main__ import COMMANDS, main
from plumbline.testing.projects import ROOT


def run_main(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int | str | None, str, str]:
    """Return the exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as exit_:
        main([*words])
    return exit_.value.code, *capsys.readouterr()


def test_every_command_has_a_module_and_every_module_a_command() -> None:
    modules = {path.stem for path in (ROOT / "plumbline/commands").glob("*.py")} - {"__init__"}
    assert modules == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_then_more_then_each_argument(name: str, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    code, output, _ = run_main(capsys, name, "--help")
    usage, first, arguments = output.split("\n\n", 2)
    assert code == 0
    assert usage.startswith(f"usage: plumbline {name}")
    assert first[0].isupper()
    assert "\n" not in first, "one line says what it does"
    assert first[-1] in ".?)"
    lines = [line for line in arguments.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert lines
    assert [line for line in lines if "  " not in line.strip()] == [], "an argument without help"
    assert "Add nothing" not in output


def test_its_own_help_names_each_command_and_the_exit_codes(capsys) -> None:
    for words in ([], ["--help"], ["-h"]):
        code, output, _ = run_main(capsys, *words)
        assert code == 0
        assert [name for name in COMMANDS if f"\n  {name} " not in output] == []
        assert "exit codes:\n  0 " in output


WRONG = [
    (["reprod"], "plumbline: no command 'reprod'. Did you mean 'repro'? See plumbline --help"),
    (["Review"], "plumbline: no command 'Review'. Did you mean 'review'? See plumbline --help"),
    (["xyzzy"], "plumbline: no command 'xyzzy'. See plumbline --help"),
    (["--"], "plumbline: unrecognized arguments: --. See plumbline --help"),
    (["--fast"], "plumbline: unrecognized arguments: --fast. See plumbline --help"),
    (["versions", "--explian"], "plumbline versions: unrecognized arguments: --explian. See plumbline versions --help"),
    (["release"], "plumbline release: the following arguments are required: NAME@vX.Y.Z. See plumbline release --help"),
]


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_a_wrong_name_or_argument_is_one_line(words: list[str], line: str, capsys) -> None:
    assert run_main(capsys, *words) == (2, "", f"ERROR: {line}\n")


def test_outside_of_a_project_one_line_says_where_to_go(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert [main(["params"]), main(["verify"])] == [1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"ERROR: dvc.yaml is not in {tmp_path}. Run this in the root of the project"] * 2


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["--force", "train"], ["--force", "train"]),
        (["--", "--force"], ["--force"]),
        ([], []),
        (["train", "--downstream", "--help"], ["train", "--downstream", "--help"]),
    ],
)
def test_options_of_repro_are_those_of_dvc_repro_in_their_order(words, arguments, monkeypatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("plumbline.commands.repro.run", lambda options: calls.append(options.dvc) or 0)
    assert main(["repro", *words]) == 0
    assert calls == [arguments]


def test_nothing_that_must_be_installed_is_needed_to_start_and_to_write_the_comment() -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); import plumbline.__main__ as m; sys.exit(m.main(['comment', '--help']))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    assert b"usage: plumbline comment" in subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a script of sh")
def test_the_script_runs_this_venvs_python_on_the_folder_in_the_root_and_passes_on_words_and_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "a röot $HOME"
    for folder in (root / ".venv/bin", root / "plumbline", tmp_path / "else/plumbline"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(root)
    environment.write_script()
    python = root / environment.INSIDE
    python.symlink_to(sys.executable)
    script = "import sys; print(*sys.argv[1:], sys.executable, sep='\\n'); sys.exit(7)\n"
    (root / "plumbline/__main__.py").write_text(script)
    (tmp_path / "else/plumbline/__main__.py").write_text("print('the installed package')\n")
    env = {"PYTHONPATH": str(tmp_path / "else"), "PATH": f"{python.parent}:{environment.os.environ['PATH']}"}
    for command in ("plumbline", "./.venv/bin/plumbline"):
        ran = subprocess.run([command, "a b", "*", "--ü"], env=env, capture_output=True, encoding="utf-8", check=False)
        *words, interpreter = ran.stdout.splitlines()
        assert (words, ran.returncode, ran.stderr) == (["a b", "*", "--ü"], 7, "")
        assert Path(interpreter).parent.resolve() == python.parent


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_answers_help_anywhere_and_all_but_docs_run_in_a_project_alone(
    name, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_main(capsys, name, "--help")[0] == 0
    required = {"release": ["model@v1.0.0"], "comment": ["folder"], "share": ["0.5"]}
    code = main([name, *required.get(name, [])])
    output = capsys.readouterr()
    if name == "docs":  # its pages are in the package
        assert (code, output.err) == (0, "")
    else:
        assert code in (1, 2)
        assert output == ("", f"ERROR: dvc.yaml is not in {tmp_path}. Run this in the root of the project\n")
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_package(capsys) -> None:
    assert run_main(capsys, "--version") == (0, f"plumbline {__version__}\n", "")
