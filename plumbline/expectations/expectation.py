"""One expectation of a suite, and its JSON form, which is that of Great Expectations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plumbline.errors import ProjectError

COLUMN_ARGUMENTS = ("column", "column_A", "column_B")
HELP = "Write it as in plumbline docs expectations"
_EXTRA = ("meta", "notes", "description", "severity")  # all other keys are what a tool notes of a run
_FORM = (("type", str, "the name of an expectation"), ("kwargs", dict, "a map of arguments"))


@dataclass(frozen=True)
class Expectation:
    """What has to be true for a table.

    Attributes
    ----------
    type : str
        Its name in Great Expectations.
    kwargs : mapping
        The arguments, without those that are null.
    extra : mapping
        The keys meta, notes, description and severity, as far as they are there.
    """

    type: str
    kwargs: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Any, where: str) -> "Expectation":
        """Return the expectation in a parsed JSON value.

        Raises
        ------
        ProjectError
            Where the value has another form; `where` names it.
        """
        if not isinstance(value, dict):
            message = f'{where}: found {describe_type(value)}, expected {{"type": ..., "kwargs": {{...}}}}'
            raise ProjectError(message, hint=HELP)
        for key, kind, words in _FORM:
            if not isinstance(value.get(key), kind):
                is_old = "expectation_type" in value and key == "type"
                old = ", which older versions called expectation_type" if is_old else ""
                reason = f"found {describe_type(value[key])}" if key in value else "which is missing"
                name = f" ({value['type']})" if isinstance(value.get("type"), str) else ""
                raise ProjectError(f"{where}{name}: {key} must be {words}{old}, {reason}", hint=HELP)
        kwargs = {key: item for key, item in value["kwargs"].items() if item is not None}
        return cls(value["type"], kwargs, {key: value[key] for key in _EXTRA if key in value})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"kwargs": dict(self.kwargs), **self.extra, "type": self.type}

    @property
    def reason(self) -> str | None:
        """Why the expectation was written: ``why`` in its meta."""
        reason = (self.extra.get("meta") or {}).get("why")
        return reason if isinstance(reason, str) else None

    @property
    def is_about_table(self) -> bool:
        """Whether it is about the table and not about values of columns."""
        return self.type.startswith("expect_table")

    def columns(self, names: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the columns that it reads, and those of `names` that its condition on rows mentions."""
        columns = [self.kwargs[key] for key in COLUMN_ARGUMENTS if key in self.kwargs]
        columns += [] if self.is_about_table else self.kwargs.get("column_list", [])
        condition = str(self.kwargs.get("row_condition", ""))  # a text, or a map that shows a name as repr does
        columns += [name for name in names if name in condition or repr(name)[1:-1] in condition]
        return tuple(dict.fromkeys(map(str, columns)))


def expect(kind: str, reason: str = "", **kwargs: Any) -> Expectation:
    """Return an expectation without the arguments that are None.

    Examples
    --------
    >>> expect("expect_column_values_to_be_unique", "one row for each order", column="order").reason
    'one row for each order'
    """
    extra = {"meta": {"why": reason}} if reason else {}
    return Expectation(kind, {name: value for name, value in kwargs.items() if value is not None}, extra)


def describe_type(value: Any) -> str:
    """Return the type of a parsed JSON value, in words.

    Examples
    --------
    >>> describe_type([1]), describe_type(None)
    ('a list', 'null')
    """
    names = {dict: "a map", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
