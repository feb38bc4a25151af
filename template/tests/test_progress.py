"""A bar with count and remaining time in a terminal; elsewhere not a byte of it, and what is printed stays as it is."""

import re
import subprocess
import sys

import pytest

from plumbline.testing.projects import ROOT, environment
from template.tests.terminal import posix
from template.tests.terminal import run_in_terminal as in_terminal

# rich would fold it, take out the first mark, draw the second and colour the rest.
LINE = "see [bold]docs[/bold] :smile: " + "x" * 150 + " 'a' 17"
CODE = f"""
import sys, time
from plumbline.progress import progress
with progress("fits", 3) as advance:
    for name in ("base", "head", "head"):
        time.sleep(0.4)
        print({LINE!r})
        advance(note=name)
        time.sleep(0.2)
    print({LINE!r}, end="", flush=True)  # a part of a line, which rich would read as markup
print("done", "rich" in sys.modules)
"""
RUN = [sys.executable, "-c", CODE]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def lines(output: str) -> list[str]:
    """The lines, without what moves the cursor and colours them; each state of the bar is one."""
    return [line.strip() for line in re.split(r"[\r\n]+", ESCAPES.sub("", output)) if line.strip()]


@posix
@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_shows_count_remaining_time_and_a_note_and_lines_stand_above(env: dict[str, str]) -> None:
    output, _ = in_terminal(RUN, env, cwd=ROOT)
    output_lines = lines(output)
    assert output_lines.count(LINE) == 4, "a line is folded or eaten"
    assert output_lines[-1] == "done True"
    bars = [line for line in output_lines if line.startswith("fits")]
    assert re.fullmatch(r"fits .* 0/3 -:--:-- left", bars[0])
    assert [line for line in bars if re.search(r" 1/3 0:00:0[12] left base$", line)]
    assert [line for line in bars if re.search(r" 2/3 0:00:01 left head$", line)]
    assert output.endswith("\x1b[2Kdone True\r\n"), "the bar is still there"
    assert bool(re.search(r"\x1b\[[0-9;]*3\d[;m]", output)) == (not env), "colours"


@posix
def test_what_is_printed_into_a_pipe_goes_there_while_the_terminal_shows_the_bar() -> None:
    output, pipe = in_terminal(RUN, cwd=ROOT, stdout=subprocess.PIPE)
    assert pipe == f"{LINE}\n" * 3 + f"{LINE}done True\n"
    assert any(" 2/3 0:00:01 left head" in line for line in lines(output))
    assert "docs" not in output


@posix
@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"CI": "true"}])
def test_a_terminal_that_cannot_or_that_nobody_looks_at_gets_the_lines_alone(env: dict[str, str]) -> None:
    output, _ = in_terminal(RUN, env, cwd=ROOT)
    assert output == f"{LINE}\r\n" * 3 + f"{LINE}done False\r\n"


def test_without_a_terminal_nothing_is_added_and_rich_is_not_imported() -> None:
    env = environment(FORCE_COLOR="1", TTY_COMPATIBLE="1")
    ran = subprocess.run(RUN, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=True)
    assert (ran.stdout, ran.stderr) == (f"{LINE}\n" * 3 + f"{LINE}done False\n", "")


@posix
def test_an_error_takes_the_bar_away_first() -> None:
    code = """
from plumbline.errors import PlumblineError, report_errors
from plumbline.progress import progress
def main():
    with progress("fits", 3) as advance:
        advance()
        raise PlumblineError("no", hint="Stop")
report_errors(main)
"""
    output, _ = in_terminal([sys.executable, "-c", code], cwd=ROOT)
    assert output.endswith("\x1b[2KERROR: no. Stop\r\n")
    assert "\x1b[?25h" in output, "the cursor is still hidden"
