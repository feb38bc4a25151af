"""The look that the report and the page of a review share: a style sheet, and macros for tables and figures."""

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from plumbline.formatting import short

_NUMBER = r"-?\d[\d,.]*(e[+-]?\d+)?"
_NUMBERS = re.compile(rf"|-|nan|{_NUMBER}( %)?( to {_NUMBER})?( \({_NUMBER} to {_NUMBER}\))?")  # also with an interval


def make_environment(folder: Path) -> Environment:
    """Return an environment that loads the templates of a folder, look.css and look.html.j2.

    Parameters
    ----------
    folder : Path
        Where the template of the page is.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
    )
    environment.filters["short"] = short
    environment.filters["numeric_columns"] = numeric_columns
    return environment


def numeric_columns(rows: Sequence[Sequence[object]]) -> list[bool]:
    """Return for each column of a table whether all of its values are numbers, or numbers with intervals.

    Examples
    --------
    >>> numeric_columns([["log_loss", "0.1035", "0.04 to 0.2"], ["f1", "-", "0.9 to 1"]])
    [False, True, True]
    """
    return [all(_NUMBERS.fullmatch(str(value)) for value in column) for column in zip(*rows, strict=True)]
