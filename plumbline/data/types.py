"""Types, settled on whole columns: what a CSV's text can be read as, whether words are categories or free text.

Before that, columns without a name: what merely counts rows is dropped, any other has the name of its position.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import ARROW, type_of
from plumbline.data.tables import PAIRS, Source, convert
from plumbline.errors import PlumblineError
from plumbline.findings import Findings, Kind, Severity
from plumbline.keys import Data, Params

DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%d.%m.%y",
         "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
FORMATS = tuple(f"timestamp {date}{time}" for time in TIMES for date in DATES)
FLAGS = [f"boolean {word}" for word, _ in PAIRS]
ORDER = (*FLAGS, "integer", "integer .0", "number", "timestamp", *FORMATS)  # the first that every value fits
FIRST = 100  # values that rule most types out: Arrow words an error for each value of a batch that fails
ZERO = r"^\s*[+-]?0(\d|[xX])"  # 007 and 0x1F are names
LONG = r"^\s*[+-]?\d{16,}\s*$"  # and so is what is whole and has more digits than a double keeps
NAMES = {"integer": ZERO, "integer .0": ZERO, "number": f"{ZERO}|{LONG}"}
FORMS = {"integer": r"^[^.,]*$", "integer .0": r"^\s*[+-]?\d+[.,]0\s*$"}
NUMBER = r"^\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*$"
DATE = r"^\s*(\d{1,4}[-/. ]\w{1,9}[-/. ]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})\b"
FEW_WORDS = 0.01  # of a column of numbers: more likely a fault of the file than what the column holds
SHOWN = 5  # row numbers in a message
PANDAS = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name in Parquet and Feather
NAMED = 5  # names in a message
WORDS_OF_TEXT = 3.0  # free text: this many words on average ...
DISTINCT_OF_TEXT = 0.5  # ... and this share of the values distinct


class _Column:
    """What one column of text can still be read as, and, while most of it is numbers, the words among them."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = list(kinds)
        self.rows = self.filled = self.words = 0
        self.where: list[int] = []
        self.numbers = True

    def see(self, values: pa.ChunkedArray, decimal: str) -> None:
        filled = len(values) - values.null_count
        for part in (values.slice(0, FIRST), values) if filled else ():
            self.kinds = [kind for kind in self.kinds if _fits(part, kind, decimal)]
        self.filled += filled
        if self.numbers and "number" not in self.kinds:
            self._count(values)
        self.rows += len(values)

    def _count(self, values: pa.ChunkedArray) -> None:
        word = pc.invert(pc.match_substring_regex(values, NUMBER))
        long = pc.match_substring_regex(values, LONG)
        positions = pc.indices_nonzero(pc.fill_null(pc.or_(word, long), False)).to_pylist()
        self.words += len(positions)
        self.where += [self.rows + i + 1 for i in positions[: SHOWN - len(self.where)]]
        names = pc.any(pc.match_substring_regex(values, ZERO)).as_py()
        self.numbers = not names and (self.filled < FIRST or 2 * self.words <= self.filled)

    def kind(self) -> str:
        found = next(iter(self.kinds), "category") if self.filled else "category"
        if found == "integer .0":
            return "integer" if self.filled < self.rows else "number"
        return "boolean" if found.startswith("boolean") else found


def storage_types(source: Source, name: str, data: Data, findings: Findings) -> dict[str, str]:
    """Each column's type as it is kept: of the schema's, words as "category" until they are counted.

    A timestamp that is not in ISO 8601 has its format behind it: "timestamp %d.%m.%Y". params: types, which override,
    ignore, target, time. An error for a column of numbers but for a few words, and for a date that matters and
    can be read in two ways.
    """
    overrides = {column: kind for column, kind in data.types.items() if column in source.names}
    if source.types is not None:
        return {column: type_of(arrow) for column, arrow in source.types.items()} | overrides
    guessed = _guessed(source, {n for n in source.names if overrides.get(n, "timestamp") == "timestamp"}, data.target)
    storage: dict[str, str] = {}
    for column in source.names:
        if column not in guessed:
            storage[column] = overrides[column]
            continue
        guess = guessed[column]
        if column in overrides:
            storage[column] = next((kind for kind in guess.kinds if kind.startswith("timestamp")), "timestamp")
        else:
            storage[column] = guess.kind()
            _judge_words(guess, column, name, data.ignore, findings)
        matters = column in overrides or column == data.time
        _judge_format(storage[column], guess, column, matters, findings)
    return storage


def _guessed(source: Source, columns: set[str], target: str) -> dict[str, _Column]:
    own = [kind for kind in ORDER if kind not in FLAGS[1:]]  # a target keeps its words, but for true and false
    guessed = {name: _Column(own if name == target else ORDER) for name in source.names if name in columns}
    for batch in source.batches():
        for name, guess in guessed.items():
            guess.see(batch.column(name), source.decimal)
    return guessed


def _judge_words(guess: _Column, column: str, name: str, ignore: list[str], findings: Findings) -> None:
    odd = guess.numbers and guess.kind() == "category" and 0 < 2 * guess.words <= guess.filled
    if not odd or column in ignore:
        return
    rows = ", ".join(map(str, guess.where))
    words = f"{guess.words} of {guess.filled} values are no numbers (rows {rows}{', ...' * (guess.words > SHOWN)})"
    cure = f"list the word in data.missing if it means no value, or state data.types: {{{column}: category}}"
    if guess.words <= FEW_WORDS * guess.filled:
        raise PlumblineError(
            f"{name}, column {column!r}: expected numbers as in the rest, {words}. Fix the file, or {cure}"
        )
    findings.add(Kind.NON_NUMERIC, f"{column!r} is read as words: {words}; {cure}", Severity.WARNING, rows=guess.words)


def _judge_format(kind: str, guess: _Column, column: str, matters: bool, findings: Findings) -> None:
    form = kind.partition(" ")[2]
    swapped = kind.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
    if not form:
        return
    if swapped == kind or swapped not in guess.kinds:
        findings.add(Kind.DATE_FORMAT, f"{column!r} is read as {form}")
        return
    both = f"every value can be read as {form} and as {swapped.partition(' ')[2]}"
    cure = f"State it: data.types: {{{column}: {swapped}}}, or {kind}"
    if matters:
        raise PlumblineError(f"column {column!r}: expected one way to read its dates, {both}. {cure}")
    findings.add(Kind.DATE_FORMAT, f"{column!r} is read as {form}: {both}. {cure}", Severity.WARNING)


def _fits(values: pa.ChunkedArray, kind: str, decimal: str) -> bool:
    if kind in FLAGS:  # words only: 0 and 1 are integers
        words = pc.utf8_lower(pc.utf8_trim_whitespace(values))
        return pc.all(pc.is_in(words, pa.array([*PAIRS[FLAGS.index(kind)], None])), min_count=0).as_py()
    if kind in NAMES and pc.any(pc.match_substring_regex(values, NAMES[kind])).as_py():
        return False
    form = DATE if kind in FORMATS else FORMS.get(kind)
    if form and not pc.all(pc.match_substring_regex(values, form), min_count=0).as_py():
        return False
    try:
        convert(values, kind, decimal)
    except pa.ArrowInvalid:
        return False
    return True


def is_free_text(values: pa.ChunkedArray, distinct: int) -> bool:
    """Sentences rather than levels, by the number of words and of distinct values."""
    filled = len(values) - values.null_count
    if filled == 0 or values.type != ARROW["text"] or distinct < DISTINCT_OF_TEXT * filled:
        return False
    spaces = pc.sum(pc.count_substring_regex(values, r"\s+")).as_py() or 0
    return spaces / filled + 1 >= WORDS_OF_TEXT


def settle_unnamed(source: Source, params: Params, findings: Findings) -> tuple[Source, tuple[str, ...]]:
    """The source without row counters, and those of its columns that name rows where they are distinct.

    These are the first column, if it has no name, and pandas' own index. params: what names one keeps it.
    """
    first = source.names[:1] if source.names[0] in source.unnamed else ()
    indexes = tuple(name for name in source.names if name in first or PANDAS.fullmatch(name))
    data = params.data
    stated = {data.target, data.key, data.group, data.time, data.weight}
    stated |= {*data.ignore, *data.types, *params.requirements.protected}
    counters = [name for name in indexes if name not in stated and counts_rows(source, name)]
    for name in counters:
        what = f"pandas' index {name!r}" if PANDAS.fullmatch(name) else "the first column has no name and"
        words = f"{what} counts the rows: dropped. To keep it: data.types: {{{name}: integer}}"
        findings.add(Kind.ROW_COUNTER, words, Severity.LEFT_OUT)
    kept = tuple(name for name in source.names if name not in counters)
    odd = [name for name in kept if name not in stated and name in (*source.unnamed, *indexes)]
    if odd:
        shown = f"{', '.join(map(repr, odd[:NAMED]))}{', ...' * (len(odd) > NAMED)}"
        cure = f"Name them in the file, or leave them out: data.ignore: [{', '.join(odd[:NAMED])}]"
        words = f"{len(odd)} in the file, called {shown} here. {cure}"
        findings.add(Kind.UNNAMED, words, Severity.WARNING, columns=len(odd))
    types = source.types and {name: source.types[name] for name in kept}
    return replace(source, names=kept, types=types), tuple(name for name in indexes if name in kept)


def counts_rows(source: Source, name: str) -> bool:
    """Whether the column has each number from 0, or from 1, once, in any order: in the whole table or in each part."""
    parts = [_numbers(part, name) for part in source.parts or (source,)]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return False
    return all(map(_is_counter, whole)) or _is_counter(np.concatenate(whole))


def _numbers(source: Source, name: str) -> np.ndarray | None:
    """The column's whole numbers, None where it holds anything else."""
    found = []
    for batch in source.batches():
        values = batch.column(name)
        if pa.types.is_timestamp(values.type) or values.null_count:
            return None
        try:
            found.append(convert(values, "integer", source.decimal).to_numpy())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
    return np.concatenate(found) if found else np.empty(0, "int64")


def _is_counter(values: np.ndarray) -> bool:
    ordered = np.sort(values)
    return len(ordered) > 0 and ordered[0] in (0, 1) and bool((np.diff(ordered) == 1).all())
