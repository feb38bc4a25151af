"""The result of an expectation on a table, and how a failure is described."""

from dataclasses import dataclass
from typing import Any

from plumbline.expectations.expectation import Expectation

_LIMITS = ("min_value", "max_value", "mostly", "type_", "type_list")  # arguments that a message repeats


@dataclass(frozen=True)
class Result:
    """The result of an expectation.

    Attributes
    ----------
    number : int
        The position in the suite, from 1.
    expectation : Expectation
    success : bool
    error : str or None
        Why it could not be computed.
    unexpected : int or None
        How many of `rows` do not fulfil it.
    rows : int or None
        None where distinct values were counted.
    observed : str
        What was observed in place of rows, in words; it has no value of a row.
    first_rows : tuple of int
        The numbers of the first rows that do not fulfil it, from 1.
    values : tuple
        The values in these rows, shown only where data.show_values allows it.
    """

    number: int
    expectation: Expectation
    success: bool = False
    error: str | None = None
    unexpected: int | None = None
    rows: int | None = None
    observed: str = ""
    first_rows: tuple[int, ...] = ()
    values: tuple[Any, ...] = ()


def describe_failure(result: Result, *, show_values: bool) -> str:
    """Return one line: which expectation, of which columns, how many rows, which ones, and why it was written."""
    expectation = result.expectation
    kwargs = expectation.kwargs
    limits = ", ".join(f"{key} {kwargs[key]}" for key in _LIMITS if key in kwargs)
    columns = ", ".join(map(repr, expectation.columns())) or "the table"
    text = f"{expectation.type} of {columns}{f' ({limits})' if limits else ''}"
    if result.error:
        return f"expectation {result.number}, {text}: {result.error}"
    if result.unexpected:
        total = "its distinct values" if result.rows is None else f"{result.rows:,} rows"
        text += f": {result.unexpected:,} of {total} do not"
        text += f", the first are rows {', '.join(map(str, result.first_rows))}" if result.first_rows else ""
    elif result.observed:
        text += f": {result.observed}"
    if show_values and result.values:
        values = (value if isinstance(value, tuple) else (value,) for value in result.values)
        text += f", with the values {', '.join(' and '.join(map(str, pair)) for pair in values)}"
    return f"{text} [{expectation.reason}]" if expectation.reason else text
