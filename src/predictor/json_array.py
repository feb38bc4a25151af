"""A JSON array of objects, read object by object: what is held is a block of it, or its longest object."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from .refusal import Refusal

BLOCK = 1 << 20  # characters read at once
LONGEST = 1 << 26  # characters of an object
MARK = re.compile(r"\S")


class _Text:
    """The array's text, of which a block is held, or an object."""

    def __init__(self, stream: Any) -> None:
        self.stream = io.TextIOWrapper(stream, "utf-8-sig")
        self.held, self.at = "", 0

    def mark(self) -> str:
        """The next character that is no blank, passed over; "" at the end."""
        while not (found := MARK.search(self.held, self.at)):
            self.held, self.at = self.stream.read(BLOCK), 0
            if not self.held:
                return ""
        self.at = found.end()
        return found[0]

    def row(self) -> dict | None:
        """The object that begins at the last mark; None where that is none, or does not end."""
        self.at -= 1
        while True:
            try:
                value, self.at = json.JSONDecoder().raw_decode(self.held, self.at)
                return value if isinstance(value, dict) else None
            except RecursionError:
                return None
            except ValueError:  # it may go on in the next block
                self.held, self.at = self.held[self.at :], 0
                more = self.stream.read(max(BLOCK, len(self.held))) if len(self.held) < LONGEST else ""
                if not more:
                    return None
                self.held += more


def elements(name: str, stream: Any) -> Iterator[dict]:
    """The objects of the array that `stream` (of bytes) holds; raises Refusal at the first that is none."""
    text = _Text(stream)
    text.mark()  # the opening bracket
    number, mark = 0, text.mark()
    while mark != "]" or number:
        number += 1
        row = text.row() if mark == "{" else None
        after = text.mark() if row is not None else ""
        if row is None or after not in (",", "]"):
            raise Refusal(f"{name}, object {number} of the array: expected a JSON object and , or ] after it, in UTF-8")
        yield row
        if after == "]":
            break
        mark = text.mark()
    if text.mark():
        raise Refusal(f"{name}: expected nothing after the ] of the JSON array. Write one array, or one object a line")
