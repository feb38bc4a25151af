"""Escape text for Markdown, so that nothing in it has a meaning; standard library only.

A stranger may have written the text. Names become code spans, in which GitHub makes no links, mentions or pictures.
In a sentence, plain words stay as they are and all others become code spans.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

from plumbline.formatting import short

NAME_LENGTH, SENTENCE_LENGTH = 60, 400  # characters
PLAIN = re.compile(
    r"""["(]?(?:[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|[+-]?\d[\d,]*(?:\.\d+)?%?)[.,;:!?)"]{0,3}|[=+/%\u2013-][.,;:)]{0,3}"""
)
COMMIT = re.compile(r"[0-9a-f]{7,40}", re.IGNORECASE)  # GitHub links anything that looks like a commit
HIDDEN = "\ufffd"  # replaces characters that are invisible or that change the direction of the text


def clean(value: object, max_length: int = NAME_LENGTH) -> str:
    r"""Return one line without invisible characters.

    Parameters
    ----------
    value : object
        A text as it is; anything else is written as JSON.
    max_length : int
        A longer line is cut, with an ellipsis at its end.

    Examples
    --------
    >>> clean("two\nlines")
    'two lines'
    >>> clean(None)
    'null'
    """
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):  # numbers of 5,000 digits, maps of 1,000 levels
        text = HIDDEN
    start = text[: 4 * max_length]
    visible = "".join(" " if c.isspace() else HIDDEN if unicodedata.category(c)[0] == "C" else c for c in start)
    line = " ".join(visible.split())
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def code(text: str, max_length: int = NAME_LENGTH) -> str:
    """Return a text as a code span.

    Examples
    --------
    >>> code("a `b` | c")
    "`a 'b' ¦ c`"
    """
    content = clean(text, max_length).replace("`", "'").replace("|", "¦")
    return f"`{content or '(empty)'}`"


def escape(sentence: str) -> str:
    """Return a sentence in which only plain words are outside code spans.

    The result must not be put at the start of a line, where "1." would begin a list.

    Examples
    --------
    >>> escape("see @somebody and <b>")
    'see `@somebody` and `<b>`'
    """
    words = clean(sentence, SENTENCE_LENGTH).split()
    return " ".join(
        " ".join(run) if is_plain else code(" ".join(run), SENTENCE_LENGTH)
        for is_plain, run in groupby(words, key=_is_plain)
    )


def escape_with_stop(sentence: str) -> str:
    """Return the escaped sentence, with a full stop unless it has an end of its own.

    Examples
    --------
    >>> escape_with_stop("all is well")
    'all is well.'
    """
    text = escape(sentence)
    return text if not text or text[-1] in ".:!?" else f"{text}."


def _is_plain(word: str) -> bool:
    return bool(PLAIN.fullmatch(word)) and not COMMIT.fullmatch(word.strip("\"'().,;:!?"))


def code_commit(text: str) -> str:
    """Return the first nine characters of a commit's hash as a code span."""
    return code(text[:9]) if COMMIT.fullmatch(text) else "`(no commit)`"


def code_list(names: Iterable[str], max_count: int = 10) -> str:
    """Return names as code spans with commas; of many only the first.

    Examples
    --------
    >>> code_list(["a", "b", "c"], max_count=2)
    '`a`, `b` and 1 more'
    """
    items = list(names)
    more = f" and {len(items) - max_count:,} more" if len(items) > max_count else ""
    return ", ".join(map(code, items[:max_count])) + more


def format_p_value(value: float | None) -> str:
    """Return a p value as text; below 0.0001 its size has no meaning.

    Examples
    --------
    >>> format_p_value(3e-9), format_p_value(0.04)
    ('< 0.0001', '0.04')
    """
    return "< 0.0001" if value is not None and value < 0.0001 else short(value)


def table(head: list[str], rows: Iterable[list[str]], max_rows: int = 30) -> str:
    """Return a table, or nothing where there are no rows.

    Parameters
    ----------
    head : list of str
        Names of the columns.
    rows : iterable of list of str
        The cells, which must be escaped.
    max_rows : int
        Of a longer table only the first rows are shown.
    """
    cells = list(rows)
    if not cells:
        return ""
    more = f"\n\nAnd {len(cells) - max_rows:,} more, in `result.json`." if len(cells) > max_rows else ""
    lines = [f"| {' | '.join(row)} |" for row in ([head, ["---"] * len(head), *cells[:max_rows]])]
    return "\n".join(lines) + more


def fold(title: str, *blocks: str) -> str:
    """Return blocks of Markdown that a click on the title unfolds; nothing where all are empty."""
    parts = [block for block in blocks if block]
    return "\n\n".join([f"<details><summary>{title}</summary>", *parts, "</details>"]) if parts else ""
