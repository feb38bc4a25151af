"""Files are written whole or not at all, and JSON so that a difference in git can be read."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import PlumblineError

_waiting: list[tuple[Path, Path]] | None = None  # files that are whole and have not got their names yet


@contextmanager
def together() -> Iterator[None]:
    """What `replacing` makes inside gets its name at the end: all of it, or nothing when something went wrong."""
    global _waiting
    made: list[tuple[Path, Path]] = []
    _waiting = made
    try:
        yield
        for temporary, target in made:
            temporary.replace(target)
    finally:
        _waiting = None
        for temporary, _ in made:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path`; renamed to it when all went well, removed when not: never half a file."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    try:
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if _waiting is None:
        temporary.replace(target)
    else:
        _waiting.append((temporary, target))


def rounded(value: Any) -> Any:
    """Floats at six significant digits, so that what stands in git is the same on every system; null for no number."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def write_text(path: str, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str, content: Any) -> None:
    """One line for each entry of a list or map at the top, so that a difference in git can be read."""

    def text(value: Any) -> str:
        return json.dumps(rounded(value), ensure_ascii=False)

    if isinstance(content, dict):
        opening, closing, lines = "{", "}", [f" {text(key)}: {text(value)}" for key, value in content.items()]
    else:
        opening, closing, lines = "[", "]", [f" {text(item)}" for item in content]
    write_text(path, opening + "\n" + ",\n".join(lines) + "\n" + closing + "\n")


def read_json(path: Path, none: str) -> Any:
    """What a file of people's holds, strictly; none: what it is not when it cannot be read."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
            raise ValueError(f"the key {twice[0]!r} stands twice in one map")  # JSON keeps the last without a word
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        words = "it is empty" if not error.doc.strip() else f"line {error.lineno} is no JSON ({error.msg})"
    except UnicodeError:
        words = "it is not in UTF-8"
    except RecursionError:
        words = "it is nested too deep"
    except ValueError as error:
        words = str(error)
    raise PlumblineError(f"{path.as_posix()}: {none}: {words}. Fix it, or bring it back: git restore {path.as_posix()}")
