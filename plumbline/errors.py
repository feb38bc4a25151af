"""Errors that a user can put right: one line that says what, where, expected, found and what to do next.

A traceback is for faults of the program alone.
"""

import difflib
import errno
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb


class PlumblineError(Exception):
    """What the user, and not a programmer, can put right; `report_errors` shows it as one line.

    Parameters
    ----------
    message : str
        What is wrong: the place, what was expected and what was found, without a full stop at the end.
    hint : str
        What to do next: a sentence, or the question "Did you mean ...?".

    Attributes
    ----------
    exit_code : int
        What a command ends with, at least.

    Examples
    --------
    >>> print(ParamsError("params.yaml: model.folds is 1, expected a whole number from 2 to 20", hint="Change it"))
    params.yaml: model.folds is 1, expected a whole number from 2 to 20. Change it
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message.removesuffix('.')}. {self.hint}" if self.hint else self.message


class UsageError(PlumblineError):
    """A command was called with arguments that do not fit."""

    exit_code = 2


class ParamsError(PlumblineError):
    """params.yaml lacks a key, or a value in it does not fit."""


class TableError(PlumblineError):
    """A source cannot be read as a table, or its columns or rows are not what is needed."""


class ProjectError(PlumblineError):
    """Another file of the project is missing, cannot be read, or contradicts the rest."""


class UserCodeError(PlumblineError):
    """src/features.py or src/model.py raised an error, or returned what cannot be used."""


class ModelError(PlumblineError):
    """A model cannot be fitted, stored, loaded, or asked for predictions."""


class LeakageError(PlumblineError):
    """A feature, or the split, gives the target away."""


class ProgramError(PlumblineError):
    """A program that was started (git, dvc, uv) failed."""


class ServiceError(PlumblineError):
    """A service on the network refused a request, or did not answer."""


class InconclusiveError(PlumblineError):
    """A question (is it reproducible? is it better?) could not be answered."""

    exit_code = 2


def clean_line(text: str) -> str:
    r"""Return one line that neither a terminal nor the log of GitHub's runner takes for a command.

    The runner obeys `::` at the start of a line and `##[` anywhere in it.

    Examples
    --------
    >>> clean_line("a\n::error::b ##[group]")
    'a ::error::b # #[group]'
    """
    characters = (" " if c.isspace() else "\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)
    line = "".join(characters).replace("##[", "# #[")
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar of `names`, whatever its case, or None where none is similar.

    Examples
    --------
    >>> nearest_name("Traget", ["target", "source"])
    'target'
    """
    by_case = {candidate.casefold(): candidate for candidate in names}
    matches = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=0.5)
    return by_case[matches[0]] if matches else None


def user_code_error(file: str, error: Exception) -> UserCodeError:
    """Return the error for one that a file of the user's raised: its place, its class and what to do.

    Its text is part of the message only where it names code and no values of rows.
    """
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename.endswith(Path(file).name)]
    names_code = isinstance(error, KeyError | AttributeError | NameError | TypeError | ImportError)
    text = f": {error}" if names_code else ""
    if isinstance(error, SyntaxError):
        lines, text = [error.lineno], f": {error.msg}"
    where = f"{file}, line {lines[-1]}" if lines else file
    return UserCodeError(f"{where}: raised {type(error).__name__}{text}", hint=_remedy(error))


def _remedy(error: Exception) -> str:
    """What to do about an error that a file of the user's raised."""
    if not isinstance(error, ModuleNotFoundError):
        return "Fix it"
    if str(error.name).startswith("src.learning"):  # what src/model.py imported before plumbline was a package
        return "It is in plumbline now: write from plumbline.columns import columns"
    return "Fix it, or add the package to dependencies in pyproject.toml, then run make lock"


def report_errors(main: Callable[[], int], hint: Callable[[], str] = str, failed: int = 1) -> int:
    """Run a command and print an error as one line on stderr.

    Parameters
    ----------
    main : callable
        Returns the exit code.
    hint : callable
        Returns what is added to the line.
    failed : int
        The exit code of an error whose own is lower.

    Returns
    -------
    int
        The exit code. A PlumblineError, Ctrl-C, a full disk or memory and a closed pipe do not leave this function as
        exceptions.
    """
    code = failed
    try:
        result = main()
        sys.stdout.flush()  # a closed pipe is noticed here and not at exit
        return result
    except BrokenPipeError:  # whoever read the output has enough: there is nothing to print or to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failed
    except PlumblineError as error:
        line, code = str(error), max(failed, error.exit_code)
    except KeyboardInterrupt:
        line = "stopped by Ctrl-C; no file was left incomplete. Run it again"
    except MemoryError as error:
        reason = str(error) or "an allocation failed"
        line = f"not enough memory: {reason}. Close other programs, or use a larger machine"
    except OSError as error:
        remedy = "Free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Fix it"
        line = f"{error.filename or 'a file'}: {error.strerror or error}. {remedy}, then run again"
    text = f"{' '.join(line.split())}{hint()}"
    print(clean_line(f"ERROR: {text.replace('?. ', '? ')}"), file=sys.stderr)
    return code
