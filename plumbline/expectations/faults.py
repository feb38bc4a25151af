"""What is wrong with an expectation, in our words: its arguments, the columns that it names, or the rows that break it.

None of Great Expectations' own words reach people: they speak of its insides, and quote values.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from plumbline.params import suggest

NUMBERS, FLAGS, TIMES, WORDS = "numbers", "true or false", "times", "words"  # what a column holds
COLUMNS = ("column", "column_A", "column_B", "column_list")
SEVERITIES = ("info", "warning", "critical")
LONG = 60  # letters of a value in a message
MUST = ("regex", "column_set", "column_list", "type_list", "partition_object", "threshold")  # else nothing is demanded
LIMITS = ("min_value", "max_value", "mostly", "type_", "type_list")  # what a message repeats of an expectation
OURS = {"integer", "number", "boolean", "timestamp", "category", "text"}  # types of the schema, which pandas has not
# Expectations that only a database can answer, and what to write instead.
ELSEWHERE = {
    **{f"expect_column_values_to_{be}match_like_pattern{s}": f"Write expect_column_values_to_{be}match_regex{s}"
       for be in ("", "not_") for s in ("", "_list")},
    "expect_query_results_to_match_comparison": "Leave it out",
    "expect_table_row_count_to_equal_other_table": "Write expect_table_row_count_to_equal",
    "unexpected_rows_expectation": "Write another one with a row_condition",
}  # fmt: skip
OF_TYPE: dict[str, tuple[str, ...]] = {  # what the columns of an expectation must hold
    **{f"expect_column_{what}_to_be_between": (NUMBERS, FLAGS)
       for what in ("mean", "median", "stdev", "sum", "quantile_values")},
    **{f"expect_column_{what}_to_be_between": (NUMBERS, FLAGS, TIMES) for what in ("values", "min", "max")},
    **{f"expect_column_values_to_be_{way}creasing": (NUMBERS, FLAGS, TIMES) for way in ("in", "de")},
    **{f"expect_column_values_to_be_{what}_parseable": (WORDS,) for what in ("dateutil", "json")},
    "expect_column_value_z_scores_to_be_less_than": (NUMBERS, FLAGS),
    "expect_column_values_to_not_be_outliers": (NUMBERS, FLAGS),
    "expect_multicolumn_sum_to_equal": (NUMBERS, FLAGS),
    "expect_column_values_to_match_json_schema": (WORDS,),
    "expect_column_values_to_match_strftime_format": (WORDS,),
}  # fmt: skip
ALIKE = ("expect_column_pair_values_a_to_be_greater_than_b", "expect_column_pair_values_to_be_equal",
         "expect_multicolumn_values_to_be_equal")  # fmt: skip


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _within(low: float, high: float = float("inf"), kind: type = float) -> Callable[[Any], bool]:
    return lambda value: _is(int, kind)(value) and low <= value <= high


def _filled(value: Any) -> bool:
    return isinstance(value, list) and value != []


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _texts(value: Any) -> bool:
    return _filled(value) and all(isinstance(each, str) for each in value)


def _bound(value: Any) -> bool:
    """A number, or a time with its hour: Great Expectations cannot compare times with a date alone."""
    try:
        return _is(int, float)(value) or (
            len(value) > len("2024-01-31") and datetime.fromisoformat(value).tzinfo is None
        )
    except (TypeError, ValueError):
        return False


def _compiles(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _quantiles(value: Any) -> bool:
    """As many ranges as shares, each [low, high], either of which may be null."""
    given = value if isinstance(value, dict) else {}
    shares, ranges = given.get("quantiles"), given.get("value_ranges")
    if not isinstance(shares, list) or not isinstance(ranges, list) or len(shares) != len(ranges) or not shares:
        return False
    ends = [end for pair in ranges for end in pair] if all(map(_pair, ranges)) else [""]
    return all(map(_within(0, 1), shares)) and all(end is None or _is(int, float)(end) for end in ends)


TYPE = "a type of pandas: int64, float64, bool, datetime64, or str for words"
PATTERN = "a regular expression that compiles"
IGNORED = ("neither", "both_values_are_missing", "either_value_is_missing", "never", "all_values_are_missing",
           "any_value_is_missing")  # fmt: skip
FLAG_KEYS = ("strict_min", "strict_max", "or_equal", "exact_match", "strictly", "double_sided")
ARGUMENTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(COLUMNS[:3], ("the name of a column", _is(str))),
    **dict.fromkeys(("column_list", "column_set"), ("a list of names of columns", _texts)),
    **dict.fromkeys(("min_value", "max_value"),
                    ('a number, or a time with its hour such as "2024-01-31T00:00:00"', _bound)),
    **dict.fromkeys(FLAG_KEYS, ("true or false", _is(bool))),
    **dict.fromkeys(("threshold", "sum_total", "multiplier"), ("a number", _is(int, float))),
    **dict.fromkeys(("value", "column_index"), ("a whole number from 0", _within(0, kind=int))),
    "mostly": ("a share from 0 to 1, such as 0.95 for 95 % of the rows", _within(0, 1)),
    "value_set": ("a list of values", lambda v: _filled(v) and not any(map(_is(list, dict), v))),
    "value_pairs_set": ("a list of pairs of values", lambda v: _filled(v) and all(map(_pair, v))),
    "regex": (PATTERN, _compiles),
    "regex_list": (f"a list, each {PATTERN}", lambda v: _texts(v) and all(map(_compiles, v))),
    "type_": (TYPE, lambda v: isinstance(v, str) and v not in OURS),
    "type_list": (f"a list, each {TYPE}", lambda v: _texts(v) and not OURS & {*v}),
    "quantile_ranges": ('{"quantiles": [0.5], "value_ranges": [[LOW, HIGH]]}, a range for each share', _quantiles),
    "partition_object": ('{"values": [...], "weights": [...]}, or bins for values', _is(dict)),
    "strftime_format": ("a format of dates such as %Y-%m-%d", lambda v: isinstance(v, str) and "%" in v),
    "json_schema": ("a map", _is(dict)),
    "match_on": ("any or all", ("any", "all").__contains__),
    "method": ("iqr or std", ("iqr", "std").__contains__),
    "ignore_row_if": (f"one of {', '.join(IGNORED)}, as far as it has them", IGNORED.__contains__),
    "condition_parser": ("pandas", ("pandas", "great_expectations").__contains__),
    "row_condition": ("a condition on columns, as a text or a map", _is(str, dict)),
}  # fmt: skip


def check(suite: list[dict[str, Any]]) -> list[str]:
    """What of a suite can be run on no table, a line each: unknown expectations, arguments that do not fit."""
    import great_expectations  # noqa: F401, it registers its expectations
    from great_expectations.expectations import registry

    found = []
    for number, each in enumerate(suite, 1):
        kind = each["type"]
        known = registry.list_registered_expectation_implementations()
        if kind in ELSEWHERE:
            words: str | None = f"needs a database, and the table is a file. {ELSEWHERE[kind]}"
        elif kind not in known:
            snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
            words = f"there is no such expectation{_question(snake, known)}"
        else:
            words = _fault(each, registry.get_expectation_impl(kind))
        if words:
            found.append(f"{_name(each, number)}: {words}")
    return found


def _name(expectation: dict[str, Any], number: int) -> str:
    kwargs = expectation["kwargs"]
    of = ", ".join(_shown(kwargs[key]) for key in COLUMNS if key in kwargs)
    return f"expectation {number}, {expectation['type']}" + (f" of {of}" if of else "")


def _fault(each: dict[str, Any], model: Any) -> str | None:
    kwargs, takes = each["kwargs"], {name: field.required for name, field in model.__fields__.items()}
    if odd := [key for key in kwargs if key not in takes]:
        own = sorted({*takes} & {*ARGUMENTS})
        return f"has no argument {odd[0]!r}{_question(odd[0], own) or ', expected ' + ', '.join(own)}"
    for key in (key for key, required in takes.items() if required or key in MUST):
        if key not in kwargs:
            return f"{key} is missing, expected {ARGUMENTS[key][0]}"
    for key, value in kwargs.items():
        if key in ARGUMENTS and not ARGUMENTS[key][1](value):
            return f"{key} is {_shown(value)}, expected {ARGUMENTS[key][0]}"
    if "column_list" in kwargs and "mostly" in takes and len({*kwargs["column_list"]}) < 2:
        return f"column_list is {_shown(kwargs['column_list'])}, expected two columns at least"
    return _bounds(kwargs, takes) or _beside(each) or _rest(each, model)


def _bounds(kwargs: dict[str, Any], takes: dict[str, Any]) -> str | None:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if "min_value" in takes and "threshold" not in takes and low is None and high is None:
        return "min_value and max_value are both missing, expected one of them at least"
    if low is not None and high is not None and (isinstance(low, str) != isinstance(high, str) or low > high):
        return f"min_value {low} and max_value {high} are no range"
    ranges = kwargs.get("quantile_ranges", {}).get("value_ranges", [])
    wrong = [pair for pair in ranges if None not in pair and pair[0] > pair[1]]
    return f"quantile_ranges has {wrong[0]}, which ends below its start" if wrong else None


def _beside(each: dict[str, Any]) -> str | None:
    """What stands beside type and kwargs."""
    if each.get("severity") not in (None, *SEVERITIES):
        return f"severity is {_shown(each['severity'])}, expected {', '.join(SEVERITIES)}"
    meta = each.get("meta")
    if meta is not None and not (isinstance(meta, dict) and isinstance(meta.get("why", ""), str)):
        return f'meta is {_shown(meta)}, expected {{"why": "the reason"}}'
    return None


def _rest(each: dict[str, Any], model: Any) -> str | None:
    """What Great Expectations refuses beyond that."""
    try:
        model(**{key: value for key, value in each.items() if key not in ("type", "kwargs")}, **each["kwargs"])
    except Exception as error:  # pydantic's, and whatever a validator of theirs raises
        raised: list[dict[str, Any]] = getattr(error, "errors", list)()
        at = dict.fromkeys(str(one["loc"][0]) for one in raised if one["loc"][0] in {*each, *each["kwargs"]})
        given = {**each, **each["kwargs"]}
        return f"{', '.join(f'{key} is {_shown(given[key])}' for key in at) or 'its arguments'}, which it does not take"
    return None


def unfit(expectation: dict[str, Any], kinds: dict[str, str]) -> str | None:
    """Why an expectation cannot be computed on a table, if so; kinds: what each of its columns holds."""
    kind, kwargs = expectation["type"], expectation["kwargs"]
    if kind.startswith("expect_table_columns"):
        return None
    named = [kwargs[key] for key in COLUMNS[:3] if key in kwargs] + kwargs.get("column_list", [])
    for column in named + _conditioned(kwargs.get("row_condition")):
        if column not in kinds:
            return f"the table has no column {column!r}{_question(column, kinds)}"
    held = {column: kinds[column] for column in named}
    needed = OF_TYPE.get(kind, ())
    for column, found in held.items():
        if needed and found not in needed:
            return f"needs {' or '.join(kind for kind in needed if kind != FLAGS)}, and {column!r} holds {found}"
    if kind in ALIKE and len({NUMBERS if found == FLAGS else found for found in held.values()}) > 1:
        return (
            f"needs columns of one sort, and {' and '.join(f'{name!r} holds {found}' for name, found in held.items())}"
        )
    return _values(kwargs, held[kwargs["column"]], TIMES in needed) if "column" in kwargs else None


def _values(kwargs: dict[str, Any], held: str, bounded: bool) -> str | None:
    """Bounds and sets of another sort than the column holds."""
    for key in ("min_value", "max_value"):
        if bounded and key in kwargs and isinstance(kwargs[key], str) != (held == TIMES):
            return f"{key} is {_shown(kwargs[key])}, and the column holds {held}"
    values = [value for value in kwargs.get("value_set", ()) if value is not None]
    odd = [value for value in values if held == TIMES or isinstance(value, str) != (held == WORDS)]
    if odd and held == TIMES:
        return "no value of a set equals a time, expected bounds: expect_column_values_to_be_between"
    return f"value_set has {_shown(odd[0])}, and the column holds {held}" if odd else None


def _conditioned(condition: Any) -> list[str]:
    """The columns of a condition that is a map."""
    if isinstance(condition, list):
        return [column for each in condition for column in _conditioned(each)]
    if not isinstance(condition, dict):
        return []
    column = condition.get("column")
    here = [column["name"]] if isinstance(column, dict) and isinstance(column.get("name"), str) else []
    return here + _conditioned(condition.get("conditions"))


def uncomputed(expectation: dict[str, Any], kinds: dict[str, str]) -> str:
    """Of an expectation that raised for a reason that nothing above knows."""
    held = [f"{column!r} holds {kinds[column]}" for column in columns(expectation, [*kinds]) if column in kinds]
    given = {key: value for key, value in expectation["kwargs"].items() if key not in COLUMNS}
    return f"cannot be computed: {', '.join(held) or 'on the table'}, and its arguments are {_shown(given)}"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONG else f"{text[:LONG]}..."


def columns(expectation: dict[str, Any], present: list[str]) -> tuple[str, ...]:
    """The columns that an expectation reads, those that its condition on rows mentions with them."""
    kwargs = expectation["kwargs"]
    named = [kwargs[key] for key in COLUMNS[:3] if key in kwargs]
    named += [] if expectation["type"].startswith("expect_table") else kwargs.get("column_list", [])
    condition = str(kwargs.get("row_condition", ""))  # a text, or a map that shows a name as repr does
    named += [name for name in present if name in condition or repr(name)[1:-1] in condition]
    return tuple(dict.fromkeys(map(str, named)))


def failure(result: dict[str, Any], show_values: bool) -> str:
    """A result that is no success in words: which expectation, of what, how many rows, which, and why it was made."""
    expectation = result["expectation"]
    kwargs = expectation["kwargs"]
    limits = {key: kwargs[key] for key in LIMITS if key in kwargs}
    words = f"{expectation['type']} of {', '.join(map(repr, columns(expectation, []))) or 'the table'}"
    words += f" ({', '.join(f'{key} {value}' for key, value in limits.items())})" if limits else ""
    if result["error"]:
        return f"expectation {result['number']}, {words}: {result['error']}"
    if result["unexpected"]:
        of = "its distinct values" if result["rows"] is None else f"{result['rows']:,} rows"
        words += f": {result['unexpected']:,} of {of} do not"
        words += f", the first are rows {', '.join(map(str, result['first']))}" if result["first"] else ""
    elif result["found"]:
        words += f": {result['found']}"
    if show_values and result["values"]:
        pairs = (value if isinstance(value, tuple) else (value,) for value in result["values"])
        words += f", with the values {', '.join(' and '.join(map(str, pair)) for pair in pairs)}"
    why = (expectation.get("meta") or {}).get("why")
    return f"{words} [{why}]" if why else words


def _question(name: str, candidates: Iterable[str]) -> str:
    """Which name may be meant, as the end of a sentence; empty where none is similar."""
    question = suggest(name, candidates)
    return f". {question}" if question else ""
