"""How programs are run, and what is reported where one fails."""

import sys
from pathlib import Path

import pytest

from plumbline import process
from plumbline.errors import ProgramError


def test_an_error_of_git_has_the_command_its_reason_and_a_hint(tmp_path: Path) -> None:
    with pytest.raises(
        ProgramError, match=r"^git rev-parse HEAD: fatal: not a git repository .*\. Run that command"
    ) as error:
        process.git("rev-parse", "HEAD", cwd=tmp_path)
    assert error.value.hint
    assert process.git("rev-parse", "HEAD", cwd=tmp_path, strict=False) == ""


def test_a_program_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(ProgramError, match=r"did not end within 0\.1 s\. Run it again"):
        process.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.1)


def test_output_that_is_not_utf8_is_replaced_and_input_is_passed() -> None:
    code = r"import sys; sys.stdout.buffer.write(sys.stdin.read().encode() + b'\xff'); sys.exit(3)"
    result = process.run([sys.executable, "-c", code], stdin="ü")
    assert (result.returncode, result.stdout, result.stderr) == (3, "ü\N{REPLACEMENT CHARACTER}", "")


def test_names_of_files_survive_git_and_are_printable(tmp_path: Path) -> None:
    process.git("init", "-q", cwd=tmp_path)
    Path(tmp_path, "caf\udce9").touch()
    name = process.git("ls-files", "-oz", cwd=tmp_path).removesuffix("\0")
    assert Path(tmp_path, name).is_file()
    assert process.replace_surrogates(name) == "caf\N{REPLACEMENT CHARACTER}"
