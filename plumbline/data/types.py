"""Types of columns, from all of their values, and columns without a name."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import ARROW, type_of
from plumbline.data.tables import BOOLEAN_PAIRS, Source, convert
from plumbline.errors import TableError
from plumbline.findings import Findings, Kind, Severity
from plumbline.keys import Data, Params

_DATES = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_TIMESTAMPS = tuple(f"timestamp {date}{time}" for time in _TIMES for date in _DATES)
_BOOLEANS = [f"boolean {word}" for word, _ in BOOLEAN_PAIRS]
_ORDER = (*_BOOLEANS, "integer", "integer .0", "number", "timestamp", *_TIMESTAMPS)  # the first that all values fit
_FIRST_VALUES = 100  # tested first, since Arrow writes an error for each value of a batch that fails
_LEADING_ZERO = r"^\s*[+-]?0(\d|[xX])"  # 007 and 0x1F are identifiers
_LONG = r"^\s*[+-]?\d{16,}\s*$"  # as are integers with more digits than a double has
_IDENTIFIERS = {"integer": _LEADING_ZERO, "integer .0": _LEADING_ZERO, "number": f"{_LEADING_ZERO}|{_LONG}"}
_PATTERNS = {"integer": r"^[^.,]*$", "integer .0": r"^\s*[+-]?\d+[.,]0\s*$"}
_NUMBER = r"^\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*$"
_DATE = r"^\s*(\d{1,4}[-/. ]\w{1,9}[-/. ]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})\b"
_FEW_WORDS = 0.01  # a share of a column of numbers that is more likely a fault of the file than intended
_SHOWN_ROWS = 5  # in a message
_SHOWN_NAMES = 5  # in a message
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # pandas' name in Parquet and Feather for an index without one
_TEXT_WORDS = 3.0  # free text has at least so many words on average ...
_TEXT_DISTINCT = 0.5  # ... and so large a share of distinct values


class _TypeGuess:
    """The types that all values of a column fit, and the words in it while it is mostly numbers."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = list(kinds)
        self.rows = self.values = self.words = 0
        self.word_rows: list[int] = []
        self.is_mostly_numbers = True

    def update(self, batch: pa.ChunkedArray, decimal: str) -> None:
        values = len(batch) - batch.null_count
        for part in (batch.slice(0, _FIRST_VALUES), batch) if values else ():
            self.kinds = [kind for kind in self.kinds if _fits(part, kind, decimal)]
        self.values += values
        if self.is_mostly_numbers and "number" not in self.kinds:
            self._count_words(batch)
        self.rows += len(batch)

    def _count_words(self, batch: pa.ChunkedArray) -> None:
        is_word = pc.invert(pc.match_substring_regex(batch, _NUMBER))
        is_long = pc.match_substring_regex(batch, _LONG)
        positions = pc.indices_nonzero(pc.fill_null(pc.or_(is_word, is_long), False)).to_pylist()
        self.words += len(positions)
        self.word_rows += [self.rows + i + 1 for i in positions[: _SHOWN_ROWS - len(self.word_rows)]]
        has_identifiers = pc.any(pc.match_substring_regex(batch, _LEADING_ZERO)).as_py()
        is_mostly_numbers = self.values < _FIRST_VALUES or 2 * self.words <= self.values
        self.is_mostly_numbers = not has_identifiers and is_mostly_numbers

    @property
    def kind(self) -> str:
        kind = next(iter(self.kinds), "category") if self.values else "category"
        if kind == "integer .0":
            return "integer" if self.values < self.rows else "number"
        return "boolean" if kind.startswith("boolean") else kind

    @property
    def timestamp(self) -> str:
        return next((kind for kind in self.kinds if kind.startswith("timestamp")), "timestamp")


def infer_types(source: Source, name: str, data: Data, findings: Findings) -> dict[str, str]:
    """Return the type of each column.

    Parameters
    ----------
    source : Source
    name : str
        The source, for errors.
    data : Data
        Its types, ignore, target and time are used.
    findings : Findings

    Returns
    -------
    dict of str to str
        A type of the schema; text is "category". A timestamp that is not ISO 8601 is "timestamp FORMAT".

    Raises
    ------
    TableError
        Where a column has numbers and a few words, or the dates of data.time, or of a column in data.types, can be
        read in two ways.
    """
    overrides = {column: kind for column, kind in data.types.items() if column in source.names}
    if source.types is not None:
        return {column: type_of(arrow) for column, arrow in source.types.items()} | overrides
    untyped = {column for column in source.names if overrides.get(column, "timestamp") == "timestamp"}
    guesses = _guess_types(source, untyped, data.target)
    types: dict[str, str] = {}
    for column in source.names:
        if column not in guesses:
            types[column] = overrides[column]
            continue
        guess, is_override = guesses[column], column in overrides
        types[column] = guess.timestamp if is_override else guess.kind
        if not is_override:
            _check_words(guess, column, name, data.ignore, findings)
        _check_date_format(types[column], guess, column, is_override or column == data.time, findings)
    return types


def _guess_types(source: Source, columns: Collection[str], target: str) -> dict[str, _TypeGuess]:
    target_kinds = [kind for kind in _ORDER if kind not in _BOOLEANS[1:]]  # a target keeps words such as yes and no
    guesses = {name: _TypeGuess(target_kinds if name == target else _ORDER) for name in source.names if name in columns}
    for batch in source.batches():
        for name, guess in guesses.items():
            guess.update(batch.column(name), source.decimal)
    return guesses


def _check_words(guess: _TypeGuess, column: str, name: str, ignore: list[str], findings: Findings) -> None:
    is_mixed = guess.is_mostly_numbers and guess.kind == "category" and 0 < 2 * guess.words <= guess.values
    if not is_mixed or column in ignore:
        return
    rows = f"{', '.join(map(str, guess.word_rows))}{', ...' * (guess.words > _SHOWN_ROWS)}"
    words = f"{guess.words} of {guess.values} values are not numbers (rows {rows})"
    hint = f"if it is a missing-value marker, add it to data.missing; if not, set data.types: {{{column}: category}}"
    if guess.words <= _FEW_WORDS * guess.values:
        message = f"{name}, column {column!r}: expected numbers as in the rest, {words}"
        raise TableError(message, hint=f"Correct these rows; {hint}")
    evidence = f"{column!r} becomes a category: {words}; {hint}"
    findings.add(Kind.NON_NUMERIC, evidence, Severity.WARNING, rows=guess.words)


def _check_date_format(kind: str, guess: _TypeGuess, column: str, is_important: bool, findings: Findings) -> None:
    format_ = kind.partition(" ")[2]
    swap = kind.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")  # day and month
    if not format_:
        return
    if swap == kind or swap not in guess.kinds:
        findings.add(Kind.DATE_FORMAT, f"{column!r} is read as {format_}")
        return
    reason = f"every value can be read as {format_} and as {swap.partition(' ')[2]}"
    hint = f"Set data.types: {{{column}: {swap}}} or {{{column}: {kind}}}"
    if is_important:
        raise TableError(f"column {column!r}: expected one way to read its dates, {reason}", hint=hint)
    findings.add(Kind.DATE_FORMAT, f"{column!r} is read as {format_}: {reason}. {hint}", Severity.WARNING)


def _fits(values: pa.ChunkedArray, kind: str, decimal: str) -> bool:
    if kind in _BOOLEANS:  # words only: 0 and 1 are integers
        words = pc.utf8_lower(pc.utf8_trim_whitespace(values))
        pair = pa.array([*BOOLEAN_PAIRS[_BOOLEANS.index(kind)], None])
        return bool(pc.all(pc.is_in(words, pair), min_count=0).as_py())
    if kind in _IDENTIFIERS and pc.any(pc.match_substring_regex(values, _IDENTIFIERS[kind])).as_py():
        return False
    pattern = _DATE if kind in _TIMESTAMPS else _PATTERNS.get(kind)
    if pattern and not pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py():
        return False
    try:
        convert(values, kind, decimal)
    except pa.ArrowInvalid:
        return False
    return True


def is_free_text(values: pa.ChunkedArray, distinct: int) -> bool:
    """Return whether strings are free text rather than categories, by their words and distinct values.

    Examples
    --------
    >>> is_free_text(pa.chunked_array([["it rains all day", "it will be dry"]]), distinct=2)
    True
    """
    count = len(values) - values.null_count
    if count == 0 or values.type != ARROW["text"] or distinct < _TEXT_DISTINCT * count:
        return False
    spaces = pc.sum(pc.count_substring_regex(values, r"\s+")).as_py() or 0
    return bool(spaces / count + 1 >= _TEXT_WORDS)


def drop_row_counters(source: Source, params: Params, findings: Findings) -> tuple[Source, tuple[str, ...]]:
    """Drop columns that count the rows, and warn of columns without a name.

    Candidates are the first column, where it has no name, and an index of pandas. A column that params name stays.

    Returns
    -------
    source : Source
        Without row counters.
    indexes : tuple of str
        The candidates that remain: they identify rows where they are distinct.
    """
    data = params.data
    first = source.names[:1] if source.names[0] in source.unnamed_columns else ()
    candidates = tuple(name for name in source.names if name in first or _PANDAS_INDEX.fullmatch(name))
    configured = {data.target, data.key, data.group, data.time, data.weight}
    configured |= {*data.ignore, *data.types, *params.requirements.protected}
    counters = [name for name in candidates if name not in configured and _is_row_counter(source, name)]
    for name in counters:
        start = f"pandas' index {name!r}" if _PANDAS_INDEX.fullmatch(name) else "the first column has no name and"
        evidence = f"{start} counts the rows: dropped. To keep it: data.types: {{{name}: integer}}"
        findings.add(Kind.ROW_COUNTER, evidence, Severity.LEFT_OUT)
    names = tuple(name for name in source.names if name not in counters)
    unnamed = [name for name in names if name not in configured and name in (*source.unnamed_columns, *candidates)]
    if unnamed:
        _warn_unnamed(unnamed, findings)
    types = source.types and {name: source.types[name] for name in names}
    return replace(source, names=names, types=types), tuple(name for name in candidates if name in names)


def _warn_unnamed(names: list[str], findings: Findings) -> None:
    text = f"{', '.join(map(repr, names[:_SHOWN_NAMES]))}{', ...' * (len(names) > _SHOWN_NAMES)}"
    hint = f"Name them in the file, or leave them out: data.ignore: [{', '.join(names[:_SHOWN_NAMES])}]"
    evidence = f"{len(names)} in the file, called {text} here. {hint}"
    findings.add(Kind.UNNAMED, evidence, Severity.WARNING, columns=len(names))


def _is_row_counter(source: Source, name: str) -> bool:
    """Return whether a column has each integer from 0, or 1, once in any order, in the table or in each part."""
    parts = [_integers(part, name) for part in source.parts or (source,)]
    counts = [part for part in parts if part is not None]
    if len(counts) < len(parts):
        return False
    return all(map(_is_count, counts)) or _is_count(np.concatenate(counts))


def _integers(source: Source, name: str) -> np.ndarray | None:
    """Return the values of a column, None where one is not an integer."""
    arrays = []
    for batch in source.batches():
        values = batch.column(name)
        if pa.types.is_timestamp(values.type) or values.null_count:
            return None
        try:
            arrays.append(convert(values, "integer", source.decimal).to_numpy())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
    return np.concatenate(arrays) if arrays else np.empty(0, "int64")


def _is_count(values: np.ndarray) -> bool:
    sorted_values = np.sort(values)
    return len(values) > 0 and sorted_values[0] in (0, 1) and bool((np.diff(sorted_values) == 1).all())
