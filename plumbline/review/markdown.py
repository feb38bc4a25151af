"""Text that a stranger may have written, as Markdown that means nothing but itself; standard library only.

Names stand in code spans, where GitHub links nothing, mentions nobody and draws nothing. Of a sentence the plain words
stay text, all others become code.
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

NAME, SENTENCE = 60, 400  # characters shown
PLAIN = re.compile(
    r"""["(]?(?:[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|[+-]?\d[\d,]*(?:\.\d+)?%?)[.,;:!?)"]{0,3}|[=+/%\u2013-][.,;:)]{0,3}"""
)
COMMIT = re.compile(r"[0-9a-f]{7,40}", re.IGNORECASE)  # GitHub links what may be one
HIDDEN = "\ufffd"  # instead of a character that is not seen or that turns the text around


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def short(value: Any) -> str:
    """As in plumbline/findings.py, which needs more than the standard library; - for what is no number."""
    found = number(value)
    return "-" if found is None else f"{float(f'{found:.4g}'):,g}"


def probability(value: Any) -> str:
    """A p value: below 0.0001 its size says nothing."""
    found = number(value)
    return "< 0.0001" if found is not None and found < 0.0001 else short(value)


def clean(value: Any, most: int = NAME) -> str:
    """One line of at most so many characters, none of them hidden."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):  # numbers of 5,000 digits, maps of 1,000 levels
        text = HIDDEN
    seen = "".join(" " if c.isspace() else HIDDEN if unicodedata.category(c)[0] == "C" else c for c in text[: 4 * most])
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def code(value: Any, most: int = NAME) -> str:
    text = clean(value, most).replace("`", "'").replace("|", "¦")
    return f"`{text or '(empty)'}`"


def sentence(value: Any) -> str:
    """Never at the start of a line: 1. would be a list there."""
    words = clean(value, SENTENCE).split() if isinstance(value, str) else []
    return " ".join(
        " ".join(run) if plain else code(" ".join(run), SENTENCE) for plain, run in groupby(words, key=_plain)
    )


def ended(value: Any) -> str:
    """A sentence with its full stop."""
    said = sentence(value)
    return said if not said or said[-1] in ".:!?" else f"{said}."


def _plain(word: str) -> bool:
    return bool(PLAIN.fullmatch(word)) and not COMMIT.fullmatch(word.strip("\"'().,;:!?"))


def commit(value: Any) -> str:
    return code(value[:9]) if isinstance(value, str) and COMMIT.fullmatch(value) else "`(no commit)`"


def listed(names: Iterable[Any], most: int = 10) -> str:
    """Names with commas, the first ones when they are many."""
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(map(code, found[:most])) + more


def table(head: list[str], rows: Iterable[list[str]], most: int = 30) -> str:
    """Cells must be Markdown already; of long tables the first rows."""
    found = list(rows)
    if not found:
        return ""
    more = f"\n\nAnd {len(found) - most:,} more, in `result.json`." if len(found) > most else ""
    return "\n".join(_lines([head, ["---"] * len(head), *found[:most]])) + more


def _lines(rows: Iterable[list[str]]) -> Iterator[str]:
    return (f"| {' | '.join(row)} |" for row in rows)


def folded(title: str, *blocks: str) -> str:
    """Nothing where there is nothing to fold; the title is our own words."""
    kept = [block for block in blocks if block]
    return "\n\n".join([f"<details><summary>{title}</summary>", *kept, "</details>"]) if kept else ""
