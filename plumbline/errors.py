"""What cannot be done, said in one line; a traceback is for bugs only."""

import difflib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb


class Refusal(Exception):
    """Bad input or a state that forbids to go on: its text says what, where, expected, found, and what to do next."""


def nearest_name(given: str, names: Iterable[str]) -> str | None:
    """The name that may have been meant, whatever its case; None where none is near."""
    cases = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(given.casefold(), cases, n=1, cutoff=0.5)
    return cases[near[0]] if near else None


def raised_in(file: str, error: Exception) -> str:
    """Where in a user's file an error was raised, and which; its words only where they name code and not values."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename.endswith(Path(file).name)]
    names_code = isinstance(error, KeyError | AttributeError | NameError | TypeError | ImportError)
    words = f": {error}" if names_code else ""
    if isinstance(error, SyntaxError):
        lines, words = [error.lineno], f": {error.msg}"
    return f"{file}{f', line {lines[-1]}' if lines else ''}: raised {type(error).__name__}{words}. {_cure(error)}"


def _cure(error: Exception) -> str:
    """What to do about an error that a file of the user's raised."""
    if not isinstance(error, ModuleNotFoundError):
        return "Mend it"
    if str(error.name).startswith("src.learning"):  # what src/model.py imported before plumbline was a package
        return "It lies in plumbline now: write from plumbline.columns import columns"
    return "Mend it, or add the package to dependencies in pyproject.toml, then make lock"


def guarded(main: Callable[[], int], hint: Callable[[], str] = str, failed: int = 1) -> int:
    """Runs a command; a Refusal, Ctrl-C, a full disk or memory, a closed pipe become one line, which `hint` ends."""
    try:
        code = main()
        sys.stdout.flush()  # a closed pipe shows itself here and not at exit
        return code
    except BrokenPipeError:  # whoever read the output has enough: there is nothing to say, and nothing to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failed
    except Refusal as error:
        line = str(error)
    except KeyboardInterrupt:
        line = "stopped by Ctrl-C; nothing half-written was kept. Run it again"
    except MemoryError as error:
        line = (
            f"not enough memory: {str(error) or 'an allocation failed'}. Close other programs, or take a larger machine"
        )
    except OSError as error:
        line = f"{error.filename or 'a file'}: {error.strerror or error}. Free or mend it and run again"
    said = f"{' '.join(line.split())}{hint()}"
    print(f"ERROR: {said.replace('?. ', '? ')}", file=sys.stderr)
    return failed
