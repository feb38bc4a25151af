"""Frozen dataclasses as JSON and back, by their type hints: the one place where a hostile file is refused."""

import collections.abc
import functools
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, NoReturn, TypeVar

from plumbline.errors import ProjectError
from plumbline.review.markdown import clean

LONGEST = 100_000  # characters of a text, items of a list or an object
LARGEST = 2**53  # up to here JSON numbers are exact in every language
TYPES = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
T = TypeVar("T")


class ResultError(ProjectError):
    """A file that a review wrote is not of the documented form."""

    def __init__(self, message: str, *, hint: str = "Write it again: make review") -> None:
        super().__init__(message, hint=hint)


def encode(value: Any) -> dict[str, Any]:
    """Return the wire form of a dataclass, which `decode` reads.

    Parameters
    ----------
    value : dataclass instance
        Of a class that `decode` knows how to read.

    Returns
    -------
    dict
        Of plain JSON types; a float that is not finite is null.

    Raises
    ------
    ResultError
        A value is not of the type that its class declares.
    """
    content = _plain(value)
    _decode(type(value), content, type(value).__name__)
    return typing.cast(dict[str, Any], content)


def decode(text: str | bytes, form: type[T], *, file: str) -> T:
    """Return the dataclass `form` that a JSON text holds.

    Parameters
    ----------
    text : str or bytes
        The JSON, in UTF-8 where it is bytes; a stranger may have written it.
    form : type
        A frozen dataclass. Its fields are bool, int, float, str, a Literal of texts, another such dataclass, a
        tuple[X, ...] or a Mapping[str, X] of these, or one of these or None.
    file : str
        Where the text comes from, for the message.

    Raises
    ------
    ResultError
        The text is not JSON, or has a duplicate key, an unknown or a missing field, a value of another type, a number
        that is not finite, or a text or list that is too long; or it is of another schema version. The message is one
        line and quotes no value.

    Examples
    --------
    >>> from plumbline.review.result.checks import SecondOpinion
    >>> decode('{"word": "same", "why": "no change"}', SecondOpinion, file="of-head.json")
    SecondOpinion(word='same', why='no change')
    >>> decode('{"word": "same", "why": 1}', SecondOpinion, file="of-head.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    plumbline.review.result.wire.ResultError: of-head.json: why is a number, expected a text. ...
    """
    try:
        decoded_text = text if isinstance(text, str) else text.decode("utf-8")
        content = json.loads(decoded_text, object_pairs_hook=_object_without_duplicates)
    except (ValueError, RecursionError) as error:  # a ValueError of JSON, of UTF-8, or of a number of 5,000 digits
        raise ResultError(f"{file} cannot be read as JSON ({type(error).__name__})") from None
    try:
        return typing.cast(T, _decode(form, content, ""))
    except ResultError as error:
        raise ResultError(f"{file}: {error.message}", hint=error.hint) from None


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("duplicate key")
    return content


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _decode(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the type `hint`; `where` is its path in the file."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return _decode_object(hint, value, where)
    if origin in (typing.Union, types.UnionType):  # X | None
        return None if value is None else _decode(arguments[0], value, where)
    if origin is Literal:
        if not isinstance(value, str) or value not in arguments:
            _refuse(value, where, f"one of {', '.join(arguments)}")
        return value
    if origin is tuple:
        _check_type(value, list, where)
        return tuple(_decode(arguments[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if origin is collections.abc.Mapping:
        _check_type(value, dict, where)
        return {key: _decode(arguments[1], item, f"{where}.{clean(key)}") for key, item in value.items()}
    return _decode_scalar(hint, value, where)


def _decode_object(form: Any, value: Any, where: str) -> Any:
    _check_type(value, dict, where)
    known_fields: dict[str, Field[Any]] = {field.name: field for field in fields(form)}
    if "version" in known_fields:
        _check_version(value.get("version"), typing.cast(int, known_fields["version"].default))
    inner = f"{where}." if where else ""
    if unknown_names := [name for name in value if name not in known_fields]:
        raise ResultError(f"{inner}{clean(unknown_names[0])} is not a field of {form.__name__}")
    hints = _type_hints(form)
    required_names = [f.name for f in known_fields.values() if f.default is MISSING and f.default_factory is MISSING]
    if missing_names := [name for name in required_names if name not in value]:
        raise ResultError(f"{inner}{missing_names[0]} is missing")
    return form(**{name: _decode(hints[name], item, f"{inner}{name}") for name, item in value.items()})


@functools.cache
def _type_hints(form: Any) -> dict[str, Any]:
    return typing.get_type_hints(form)


def _check_version(version: object, known_version: int) -> None:
    if type(version) is int and version == known_version:
        return
    number = version if type(version) is int and 0 <= version < 10_000 else None
    hint = "Merge the newer plumbline into the branch, then review again: make review"
    if number is not None and number > known_version:
        hint = "Merge the newer plumbline into main first, or read review.html"
    text = "unknown" if number is None else str(number)
    raise ResultError(f"its schema version is {text}, expected {known_version}", hint=hint)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and type(value) is int:
        value = float(value) if abs(value) <= LARGEST else math.inf
    _check_type(value, hint, where)
    if hint is float and not math.isfinite(value):
        raise ResultError(f"{where} is not finite or too large, expected a finite number")
    if hint is int and abs(value) > LARGEST:
        raise ResultError(f"{where} is too large, expected at most {LARGEST:,}")
    return value


def _check_type(value: Any, expected_type: type, where: str) -> None:
    if not isinstance(value, expected_type) or (isinstance(value, bool) and expected_type is not bool):
        _refuse(value, where, "a whole number" if expected_type is int else TYPES[expected_type])
    if isinstance(value, str | list | dict) and len(value) > LONGEST:
        raise ResultError(f"{where or 'it'} has {len(value):,} characters or items, expected at most {LONGEST:,}")


def _refuse(value: object, where: str, expected: str) -> NoReturn:
    kind = "null" if value is None else TYPES.get(type(value), type(value).__name__)
    raise ResultError(f"{where or 'it'} is {kind}, expected {expected}")
