"""Write files completely or not at all, and JSON so that people can read a diff in git."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from .errors import ProjectError

# Complete files under temporary names, and the names that they get when `transaction` ends.
_pending: ContextVar[list[tuple[Path, Path]] | None] = ContextVar("pending", default=None)


@contextmanager
def transaction() -> Iterator[None]:
    """Rename all files that `replacing` writes inside at the end: all of them, or none where an error was raised."""
    renames: list[tuple[Path, Path]] = []
    token = _pending.set(renames)
    try:
        yield
        for temporary, target in renames:
            temporary.replace(target)
    finally:
        _pending.reset(token)
        for temporary, _ in renames:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` at the end, or remove it where an error was raised.

    No reader ever sees an incomplete file. Inside `transaction` the renaming waits for its end.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is created.

    Yields
    ------
    Path
        Where to write.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    try:
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    renames = _pending.get()
    if renames is None:
        temporary.replace(target)
    else:
        renames.append((temporary, target))


def round_floats(value: Any) -> Any:
    """Return `value` with each float at six significant digits, and None for NaN and infinities.

    So what is in git is the same on every system.

    Examples
    --------
    >>> round_floats({"a": [1 / 3, float("nan")]})
    {'a': [0.333333, None]}
    """
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: round_floats(item) for key, item in value.items()}
    return [round_floats(item) for item in value] if isinstance(value, list | tuple) else value


def write_text(path: str, text: str) -> None:
    r"""Write a text file in UTF-8 with \\n at the ends of lines, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str, content: Any, *, depth: int = 1) -> None:
    """Write JSON with one line for each entry of the outermost list or map, so that people can read a diff in git.

    Parameters
    ----------
    path : str
    content
        Of lists, maps with text keys, and values; floats are rounded as by `round_floats`.
    depth : int
        The levels that have one line for each entry: 2 for a map of lists or of maps.
    """
    write_text(path, _format_json(round_floats(content), depth) + "\n")


def _format_json(content: Any, depth: int, indent: str = "") -> str:
    if depth == 0 or not content or not isinstance(content, dict | list):
        return json.dumps(content, ensure_ascii=False)
    inner = indent + " "
    if isinstance(content, dict):
        opening, closing = "{", "}"
        lines = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_format_json(item, depth - 1, inner)}"
            for key, item in content.items()
        ]
    else:
        opening, closing = "[", "]"
        lines = [inner + _format_json(item, depth - 1, inner) for item in content]
    return opening + "\n" + ",\n".join(lines) + f"\n{indent}{closing}"


def read_json(path: Path, none: str) -> Any:
    """Return the content of a JSON file that people write: no key twice, no NaN.

    Parameters
    ----------
    path : Path
    none : str
        What the error says that the file is not, such as "is not a suite".

    Raises
    ------
    ProjectError
        Where it cannot be read.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
            raise ValueError(
                f"the key {twice[0]!r} occurs twice in one object"
            )  # JSON keeps the last without a warning
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number in JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        words = "it is empty" if not error.doc.strip() else f"line {error.lineno} is not valid JSON ({error.msg})"
    except UnicodeError:
        words = "it is not in UTF-8"
    except RecursionError:
        words = "it is nested too deep"
    except ValueError as error:
        words = str(error)
    message = f"{path.as_posix()}: {none}: {words}"
    raise ProjectError(message, hint=f"Correct the file, or restore it: git restore {path.as_posix()}")
